"""Advice on values that are not written as they must be; never repeats one: they are secret."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ostraka.text import same

_ADVICE: Final = (
    (r"\s*[\"'].*", "is in quotes: write it without"),
    (r".*;.*", "has a semicolon: write one value on each line"),
    (r".*\t.*", "has several columns: write one value on each line"),
    (r".*,\s.*", "has a comma and a space: write one value on each line, without commas"),
    (
        r"\D*[0-9]+(\.[0-9]{3})*,[0-9]+\D*|.*[0-9],[0-9].*",
        "has a comma: write a point before decimals and nothing between thousands, 1234.50 for "
        "1,234.50 or 1.234,50",
    ),
    (r"\D*[0-9]{1,3}(\.[0-9]{3}){2,}\D*", "has several points: write 1234567, not 1.234.567"),
    (r".*[0-9][\s'\u2019_][0-9].*", "has something between its digits: write 1234567"),
    (r"\s*\(.*\)\s*", "is in brackets: write -12 for (12)"),
    (r"\s*[\u2010-\u2015\u2212]\s*[0-9.]+\s*", "has a dash for a minus: write -, as in -12"),
    (r".*%\s*", "has a percent sign: write the number alone"),
    (r"\s*[+-]?[0-9.]+[eE][+-]?[0-9]+\s*", "is in powers of ten: write 1000 for 1e3"),
    (
        r"\s*[^\d\s]{1,3}\s*[+-]?[0-9][0-9.]*\s*|\s*[+-]?[0-9][0-9.]*\s*[^\d\s]+\s*",
        "has a unit or sign beside its digits: write the number alone",
    ),
)
"""Patterns of texts that are no numbers, with what is wrong and what to write instead."""

_GROUPED: Final = re.compile(r"\s*[+-]?[1-9][0-9]{0,2}\.[0-9]{3}\s*", re.ASCII)


def on_number(text: str) -> str:
    """Return what is wrong with a text that is no number in plain digits."""
    for pattern, words in _ADVICE:
        if re.fullmatch(pattern, text[:400], re.DOTALL):
            return f"is not a number in plain digits: it {words}"
    return "is not a number in plain digits, such as 1000 or -2.50"


def may_be_grouped(text: str) -> bool:
    """Return whether the point in a number may be one between thousands: "3.800"."""
    return _GROUPED.fullmatch(text) is not None


def on_choice(text: str, options: Sequence[str]) -> str:
    """Return what is wrong with a text that is none of the options."""
    known = ", ".join(options[:20]) + (", ..." if len(options) > 20 else "")
    if same(text) in map(same, options):
        return f"is an option in other capitals: write it exactly as in the manifest ({known})"
    if any(sign in text for sign in ",;\t") and len(text) > 1:
        return f"holds several values or a separator: write one option on each line ({known})"
    return f"is not one of the options: {known}"
