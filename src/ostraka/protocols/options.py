"""A protocol's `[outputs]`: read as a model, refused in words, and explained from its docstring."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import getdoc
from typing import Any, Literal, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ostraka.errors import ManifestError
from ostraka.manifest import Manifest
from ostraka.manifest.wording import in_words

_Model = TypeVar("_Model", bound=BaseModel)


class InputOptions(BaseModel):
    """Options of `[outputs]` where inputs are checked.

    Attributes:
        invalid: what happens when an input is not what the manifest asks for: abort stops the run,
            exclude does not count it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    invalid: Literal["abort", "exclude"] = "abort"


def read_options(model: type[_Model], manifest: Manifest) -> _Model:
    """Read `[outputs]` as a model. In a collection invalid inputs are left out, not the end of it.

    Raises:
        ManifestError: with the path of the first thing that is wrong.
    """
    try:
        return model.model_validate(_outputs(model, manifest))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, ("outputs", *first["loc"])))
        known = f"; known here: {', '.join(model.model_fields)}"
        refuse(f"{where}: {in_words(first)}{known * (first['type'] == 'extra_forbidden')}")


def reports_are_checked(manifest: Manifest) -> bool:
    """Return whether compute parties check the reports of a collection: all but those of sums that
    are shared additively."""
    return manifest.collection is not None and manifest.sharing.scheme == "shamir"


def _outputs(model: type[BaseModel], manifest: Manifest) -> dict[str, Any]:
    """Return `[outputs]` with the defaults of a collection, whose contributors cannot be asked."""
    if not reports_are_checked(manifest) or "invalid" not in model.model_fields:
        return manifest.outputs
    if manifest.outputs.get("invalid") == "abort":
        refuse(
            "outputs.invalid: one contributor could stop the whole collection: leave it out, and "
            "what is not valid is not counted"
        )
    return {"invalid": "exclude", **manifest.outputs}


def refuse(problem: str, hint: str = "correct the manifest at every party") -> NoReturn:
    """Raise ManifestError: the manifest asks for something that cannot be done."""
    raise ManifestError(problem, hint=hint, data_left=False)


def explained_options(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """List a model's keys with what its docstring, and its parents', say of each; "" for nothing.

    Docstrings have an "Attributes:" section; "rows, columns: the groups" explains both keys.
    """
    said: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        _, _, section = (getdoc(kind) or "").partition("Attributes:\n")
        for names, text in re.findall(
            r"^    (\w[\w, ]*): (.*(?:\n {8}.*)*)", section, re.MULTILINE
        ):
            said |= dict.fromkeys(names.split(", "), " ".join(text.split()))
    return ((name, said.get(name, "")) for name in model.model_fields)
