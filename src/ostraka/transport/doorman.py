"""Doorman: which strangers may wait at a listener, and which of them has to go. Sans-I/O.

A stranger is a connection that has not proven yet that it holds a key. Strangers cost descriptors
and memory, so there are few places for them, and a flood may take them all. Therefore a newcomer
always gets in. A stranger that has shown less than others has to go for it:

1. of the source with too many strangers, or, if all places are taken, with the most of them;
2. of that source first the silent, then those that have shown no key, the oldest of them first;
3. then those that showed a key that is admitted long ago, without proving it;
4. then the newcomer itself.

So a party that has shown its key keeps its place, with any number of strangers at other hosts. See
`door` for the clocks and sockets around this table.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import IntEnum
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

PROOF_SECONDS: Final = 2.0
"""Seconds for which a shown key protects a stranger; a handshake takes two round trips."""


class Shown(IntEnum):
    """Parts of the beginning that a stranger has shown; the less, the earlier it has to go."""

    NOTHING = 0
    BYTES = 1
    KEY = 2


class Doorman(Generic[K]):
    """Table of strangers, by source.

    Args:
        places: number of strangers that may wait at once.
        of_one_source: number of them that may come from one source.
    """

    def __init__(self, places: int, of_one_source: int) -> None:
        self.places = max(1, places)
        self._of_one_source = max(1, of_one_source)
        self._sources: dict[str, _Source[K]] = {}
        self._source_of: dict[K, _Source[K]] = {}

    def __len__(self) -> int:
        return len(self._source_of)

    def arrives(self, newcomer: K, source: str, now: float) -> K | None:
        """Take a newcomer in; return the stranger that has to go for it, perhaps the newcomer."""
        mine = self._sources.setdefault(source, _Source(source))
        mine.add(newcomer, Shown.NOTHING, now)
        self._source_of[newcomer] = mine
        crowded = None
        if len(mine) > self._of_one_source:
            crowded = mine
        elif len(self) > self.places:
            crowded = max(self._sources.values(), key=len)
        if crowded is None:
            return None
        loser = crowded.loser(newcomer, now)
        self.leaves(loser)
        return loser

    def shows(self, stranger: K, what: Shown, now: float) -> None:
        """Note what a stranger has shown; of no effect for one that has left."""
        if (source := self._source_of.get(stranger)) is not None:
            source.move(stranger, what, now)

    def leaves(self, stranger: K) -> None:
        """Free the place of a stranger: it has proven its key, or is gone. Idempotent."""
        if (source := self._source_of.pop(stranger, None)) is not None:
            source.remove(stranger)
            if not len(source):
                del self._sources[source.name]


class _Source(Generic[K]):
    """Strangers of one source, by what they have shown; each with the time since when."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._since: dict[Shown, dict[K, float]] = {what: {} for what in Shown}

    def __len__(self) -> int:
        return sum(map(len, self._since.values()))

    def add(self, stranger: K, what: Shown, now: float) -> None:
        self._since[what][stranger] = now

    def remove(self, stranger: K) -> None:
        for strangers in self._since.values():
            strangers.pop(stranger, None)

    def move(self, stranger: K, what: Shown, now: float) -> None:
        if not any(stranger in self._since[much] for much in Shown if much >= what):
            self.remove(stranger)
            self.add(stranger, what, now)

    def loser(self, newcomer: K, now: float) -> K:
        """Return the stranger that has to go for a newcomer, of this source or another."""
        for what in (Shown.NOTHING, Shown.BYTES):
            for oldest in self._since[what]:
                if oldest != newcomer:
                    return oldest
        shown = self._since[Shown.KEY]
        for oldest, since in shown.items():
            if now - since >= PROOF_SECONDS or newcomer not in self._since[Shown.NOTHING]:
                return oldest
            break
        return newcomer
