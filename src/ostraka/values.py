"""Values of results as a person reads them: "187 +- 4", "[1, 2, ...] (1000 values)"."""

from __future__ import annotations

from typing import Any

SHOWN = 8
"""Elements of a vector that are shown to a person."""


def in_words(value: Any, error: Any = None, more: str = "") -> str:
    """Write a value as a person reads it; a noised value with its error.

    Args:
        error: half of the 95% interval, shaped like the value; None for an exact value.
        more: added behind a vector that is cut short: says where to find all of it.
    """
    if isinstance(value, dict):
        each = error if isinstance(error, dict) else dict.fromkeys(value, error)
        return ", ".join(f"{k}: {_nested(v, each.get(k), more)}" for k, v in value.items())
    if not isinstance(value, list):
        return str(value) if error is None else f"{as_fine(value, error)} +- {error}"
    errors = error if isinstance(error, list) else [error] * len(value)
    start = ", ".join(map(in_words, value[:SHOWN], errors))
    if len(value) <= SHOWN:
        return f"[{start}]"
    return f"[{start}, ...] ({len(value)} values{more})"


def as_fine(value: Any, error: Any) -> Any:
    """Round a float to one digit more than its error has; return any other value as it is."""
    if error is None:
        return value
    digits = len(str(error).partition(".")[2]) + 1
    return round(value, digits) if isinstance(value, float) else value


def _nested(value: Any, error: Any, more: str) -> str:
    text = in_words(value, error, more)
    return f"({text})" if isinstance(value, dict) else text
