"""Notation of numbers in a table: said once, never guessed, and read strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ostraka.errors import UsageError

_ALIKE: Final = {" ": " \u00a0\u202f\u2009", "'": "'\u2019"}
"""Characters that look the same, by the one that is typed."""

_ADVICE: Final = (
    (r"[0-9]{1,3}(\.[0-9]{3})+,[0-9]+", "--thousands . --decimal ,"),
    (r"[0-9]{1,3}(,[0-9]{3})+\.[0-9]+|[0-9]{1,3}(,[0-9]{3}){2,}", "--thousands ,"),
    (r"[0-9]{1,3}(\.[0-9]{3}){2,}", "--thousands ."),
    (r"[1-9][0-9]{0,2},[0-9]{3}", "--thousands , or, if decimals follow it, --decimal ,"),
    (r"[0-9]+,[0-9]+", "--decimal ,"),
    (r"[0-9]{1,3}([ \u00a0\u202f\u2009][0-9]{3})+([.,][0-9]+)?", "--thousands ' '"),
    (r"[0-9]{1,3}(['\u2019][0-9]{3})+([.,][0-9]+)?", '--thousands "\'"'),
    (r"[1-9][0-9]{0,2}\.[0-9]{3}", "--thousands . or, if decimals follow it, --decimal ."),
)
"""Forms of numbers, and the options that would have them read."""


@dataclass(frozen=True)
class Notation:
    """Signs in the numbers of a table.

    Attributes:
        decimal: stands before decimals: "." or ","; None: not said, so a point.
        thousands: stands between thousands: one of . , ' or a space; None: nothing does.
    """

    decimal: str | None = None
    thousands: str | None = None

    def __post_init__(self) -> None:
        if self.decimal not in (None, ".", ","):
            self._refuse("--decimal is a point or a comma", "such as --decimal ,")
        if self.thousands not in (None, ".", ",", "'", " "):
            what = "--thousands is a point, a comma, an apostrophe or a space"
            self._refuse(what, "such as --thousands .")
        if self.decimal and self.decimal == self.thousands:
            self._refuse("--decimal and --thousands are the same sign", "give two, or only one")

    @staticmethod
    def _refuse(what: str, hint: str) -> None:
        raise UsageError(what, hint=hint, data_left=False)

    @property
    def stated(self) -> bool:
        """Whether the notation was said; else numbers are in plain digits."""
        return bool(self.decimal or self.thousands)

    @property
    def point(self) -> str:
        """The sign before decimals; "" where a point is between thousands and no other is said."""
        return self.decimal or ("" if self.thousands == "." else ".")

    @property
    def thousands_signs(self) -> str:
        """All characters that are read as the sign between thousands; "" for none."""
        return _ALIKE.get(self.thousands or "", self.thousands or "")

    def form(self, decimals: str = "[0-9]*") -> str:
        """Return the regular expression of a number: groups of its sign, digits, and decimals."""
        signs = re.escape(self.thousands_signs)
        grouped = rf"[0-9]{{1,3}}(?:[{signs}][0-9]{{3}})+|" if signs else ""
        after = rf"(?:{re.escape(self.point)}({decimals}))?" if self.point else "()"
        return rf"([+-]?)({grouped}[0-9]+){after}"

    @cached_property
    def _form(self) -> re.Pattern[str]:
        return re.compile(self.form())

    def plain(self, text: str) -> str:
        """Return a number as it is written in plain digits: "1.234,50" as "1234.5".

        Raises:
            ValueError: the number is not in this notation; the message does not repeat it.
        """
        found = self._form.fullmatch(text.strip())
        if found is None:
            raise ValueError(self.advice(text, f"is not a number that is written {self}"))
        sign, whole, decimals = found.groups(default="")
        decimals = decimals.rstrip("0")
        return sign + re.sub("[^0-9]", "", whole) + "." * bool(decimals) + decimals

    def advice(self, text: str, problem: str) -> str:
        """Return what is wrong with a number, with the options that would have it read.

        Args:
            problem: what is said where no option would.
        """
        bare = text.strip().removeprefix("-").removeprefix("+")
        for form, options in _ADVICE:
            if re.fullmatch(form, bare) and not (self.stated and str(self) == options):
                return (
                    f"is not in plain digits: {options}"
                    if not self.stated
                    else (f"is not written {self} as the others: {options}")
                )
        return problem

    def __str__(self) -> str:
        said = (("--thousands", self.thousands), ("--decimal", self.decimal))
        return " ".join(f"{option} {sign}" for option, sign in said if sign)
