"""Pace of arrivals, by the source that they come from. Sans-I/O; kept in memory alone."""

from __future__ import annotations

from typing import Final

SOURCES: Final = 100_000
"""Sources that are remembered; while each of them has something spent, further ones wait."""


class Arrivals:
    """Limit of how many connections or requests each source may make: so many at once, then so
    many a second.

    Args:
        at_once: number that a source may make in a row.
        a_second: number a second that it may make for long.
    """

    def __init__(self, at_once: float, a_second: float) -> None:
        self.at_once, self.a_second = at_once, a_second
        self._spent: dict[str, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._spent)

    def allows(self, source: str, now: float) -> bool:
        """Return whether a source may make one more, and count it if so."""
        if source not in self._spent and len(self) >= SOURCES:
            self.forget(now)
            if len(self) >= SOURCES:
                return False
        spent, since = self._spent.get(source, (0.0, now))
        spent = max(0.0, spent - (now - since) * self.a_second)
        allowed = spent + 1 <= self.at_once
        self._spent[source] = spent + allowed, now
        return allowed

    def forget(self, now: float) -> None:
        """Drop the sources that have nothing spent any more."""
        for source, (spent, since) in list(self._spent.items()):
            if spent <= (now - since) * self.a_second:
                del self._spent[source]
