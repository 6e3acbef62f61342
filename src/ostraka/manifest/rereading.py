"""Reading of canonical bytes: the manifest that a receipt holds, with the same digest."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from ostraka import strict_json
from ostraka.errors import ManifestError
from ostraka.manifest.model import FORMAT, Manifest

_DURATIONS = ("deadline", "timeout")


def parse_canonical(text: str) -> Manifest:
    """Return the manifest of which these are the canonical bytes.

    Raises:
        ManifestError: they are those of no manifest of this release: its digest would be another.
    """
    try:
        table = strict_json.parse(text, parse_float=Decimal)
        if table.pop("ostraka") != FORMAT:
            raise ValueError("another version")
        for key in _DURATIONS:
            table["session"][key] = f"{table['session'][key]}s"
        found = Manifest.model_validate(_given(table))
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, ValidationError):
        raise _refusal() from None
    if found.digest != hashlib.sha256(text.encode()).digest():
        raise _refusal()
    return found


def _refusal() -> ManifestError:
    message = "these are not the canonical bytes of a manifest that this release of ostraka knows"
    return ManifestError(message, data_left=False)


def _given(value: Any) -> Any:
    """Return a table without its keys that have no value: TOML has none either."""
    if isinstance(value, dict):
        return {key: _given(each) for key, each in value.items() if each is not None}
    return [_given(each) for each in value] if isinstance(value, list) else value
