"""Wording of pydantic's findings, the same for manifests and for a protocol's `[outputs]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def in_words(found: Mapping[str, Any]) -> str:
    """Write one entry of `ValidationError.errors()` as a phrase: "is missing", "must be ..."."""
    kind, message, reason = found["type"], found["msg"], found.get("ctx", {})
    if kind == "value_error":
        return str(reason["error"])
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "unknown key"
    if kind == "literal_error":
        return "must be " + str(reason["expected"]).replace("'", '"')
    if kind in ("model_type", "tuple_type", "dict_type"):
        return "must be a table"
    return str(message).replace("Input should be", "must be", 1)
