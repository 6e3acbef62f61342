"""Preview of an input: what was read, what is wrong with it, and what would be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from ostraka.errors import InputError
from ostraka.text import quoted

_PLACES: Final = 3
"""Rows that a finding names."""

_FINDINGS: Final = 20
"""Findings that a message lists."""

BLANK: Final = "is blank"

_COUNTED: Final = {"heads": "head", "rows": "row"}
"""Figures that count something, and the word for one."""


@dataclass
class Finding:
    """Rows with one thing wrong in one column.

    Attributes:
        column: its name.
        problem: a phrase that goes behind the cell's name, and repeats nothing of it.
        text: what is in the first of the cells: secret, for the party's own terminal alone.
        rows: their numbers.
    """

    column: str
    problem: str
    text: str = ""
    rows: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        more = len(self.rows) - _PLACES
        places = ", ".join(map(str, self.rows[:_PLACES])) + f" and {more} more" * (more > 0)
        word = "row" if len(self.rows) == 1 else "rows"
        return f"{word} {places}: column {quoted(self.column)} {self.problem}"


@dataclass
class Preview:
    """Account of a table and of the input that is made of it.

    Attributes:
        source: the table.
        rows: the number of its rows, those alone that a condition selects.
        read: the number without that condition; None: there is none.
        wrong: what is wrong; then nothing may be sent.
        left_out: what is blank in rows that are left out.
        parts: the figures that would be sent, by name: secret, for the party's own eyes alone.
        unit: of those that are sums or values.
    """

    source: str
    rows: int
    read: int | None = None
    wrong: list[Finding] = field(default_factory=list)
    left_out: list[Finding] = field(default_factory=list)
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    unit: str = ""

    @property
    def skipped(self) -> int:
        """The number of rows that are left out."""
        return len({row for finding in self.left_out for row in finding.rows})

    def lines(self, *, secrets: bool) -> list[str]:
        """Write the preview.

        Args:
            secrets: whether also what is in cells, and what would be sent.
        """
        by = "" if self.read is None else f" of {self.read:,}, by --where"
        found = [f"{self.source}: {plural(self.rows, 'row')}{by}"]
        found += [f"  left out: {finding}" for finding in self.left_out]
        for finding in self.wrong[:_FINDINGS]:
            shown = f" (row {finding.rows[0]}: {quoted(finding.text)})" if finding.text else ""
            found.append(f"  wrong: {finding}{shown if secrets else ''}")
        if secrets and not self.wrong:
            width = max(map(len, self.parts), default=0)
            found += [
                f"  {name:{width}}  {', '.join(self._figure(*f) for f in figures.items())}"
                for name, figures in self.parts.items()
            ]
        return found

    def _figure(self, name: str, value: str) -> str:
        if name in _COUNTED:
            return plural(int(value), _COUNTED[name])
        if name == "weight":
            return f"weight {grouped(value)}"
        unit = f" {self.unit}" if self.unit else ""
        return f"{grouped(value) if name != 'values' else value}{unit}"

    def as_json(self) -> dict[str, Any]:
        """Return the preview of rows that are right, what would be sent included."""
        return {
            "source": self.source,
            "rows": self.rows,
            "left_out": self.skipped,
            "input": self.parts,
        }

    def require_right(self, *, shown: bool = False) -> None:
        """Check that no row is wrong.

        Args:
            shown: whether the preview has been shown, so that the message need not list them again.

        Raises:
            InputError: it names rows and columns, and repeats no cell.
        """
        if not self.wrong:
            return
        found = [f"{self.source}, {finding}" for finding in self.wrong[:_FINDINGS]]
        if len(self.wrong) > _FINDINGS:
            found.append(f"and {len(self.wrong) - _FINDINGS} findings more")
        if shown:
            count = len({row for finding in self.wrong for row in finding.rows})
            found = [f"{plural(count, 'row')} of {self.source} cannot be used, as shown above"]
        hint = "correct them, or say with --where which rows count"
        if any(finding.problem == BLANK for finding in self.wrong):
            hint += "; --skip-empty leaves out rows with a blank cell"
        raise InputError("\n".join(found), hint=hint, data_left=False)


def grouped(number: int | str) -> str:
    """Write a number for people, with commas between thousands."""
    whole, point, decimals = str(number).partition(".")
    sign = "-" * whole.startswith("-")
    return f"{sign}{int(whole.removeprefix('-')):,}{point}{decimals}"


def plural(number: int, word: str) -> str:
    """Write how many there are of something: "1 row", "812,004 rows"."""
    return f"{number:,} {word}" + "s" * (number != 1)
