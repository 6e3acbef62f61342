"""Findings of `doctor`, in order, and the exit code that they add up to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Findings:
    """Findings of `doctor`, in order.

    Attributes:
        code: the exit code: 0, or that of the first problem; a wrong key (11) comes before others.
        lines: one finding each, as `--output json` prints it.
    """

    code: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)

    def add(self, what: str, problem: str | None, detail: str = "", code: int = 2) -> None:
        """Add the finding of a check: a problem with its exit code, or, without one, a detail."""
        self.lines.append({"check": what, "ok": problem is None, "detail": problem or detail})
        if problem is not None and (self.code == 0 or code == 11):
            self.code = code

    def note(self, what: str, detail: str) -> None:
        """Add a remark that is neither good nor bad."""
        self.lines.append({"check": what, "ok": None, "detail": detail})
