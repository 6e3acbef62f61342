"""`[outputs]` read as a model: mistakes are named with their path, docstrings explain keys."""

from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, StrictInt

from ostraka.errors import ManifestError
from ostraka.protocols.options import explained_options, read_options, refuse


class Base(BaseModel):
    """Options of any protocol.

    Attributes:
        invalid: what happens to a
            bad input.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    invalid: Literal["abort", "exclude"] = "abort"


class Grid(Base):
    """Options of a grid.

    Attributes:
        rows, columns: how many there are.
    """

    rows: StrictInt = 1
    columns: StrictInt = 1
    untold: int = 0


def test_what_outputs_says_is_read(manifest, everybody):
    found = read_options(Grid, manifest(everybody(2), outputs='rows = 3\ninvalid = "exclude"'))
    assert (found.rows, found.columns, found.invalid) == (3, 1, "exclude")


@pytest.mark.parametrize(
    ("outputs", "problem"),
    [
        ('rows = "3"', "outputs.rows: must be a valid integer"),
        ('invalid = "keep"', 'outputs.invalid: must be "abort" or "exclude"'),
        (
            "row = 3",
            "outputs.row: unknown key; known here: invalid, rows, columns, untold",
        ),
    ],
)
def test_a_mistake_is_named_with_its_path(manifest, everybody, outputs, problem):
    with pytest.raises(ManifestError) as caught:
        read_options(Grid, manifest(everybody(2), outputs=outputs))
    assert caught.value.message == problem
    assert caught.value.data_left is False


def test_docstrings_of_a_model_and_its_parents_explain_the_keys():
    assert dict(explained_options(Grid)) == {
        "invalid": "what happens to a bad input.",
        "rows": "how many there are.",
        "columns": "how many there are.",
        "untold": "",
    }


def test_refusing_says_what_to_do():
    with pytest.raises(ManifestError) as caught:
        refuse("rows: too many", hint="say fewer")
    assert (caught.value.message, caught.value.hint) == ("rows: too many", "say fewer")
