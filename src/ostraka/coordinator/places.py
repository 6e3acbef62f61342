"""Places at a coordinator: who has to go when all are taken. Sans-I/O.

A place belongs to a connection whose key is proven, or to a room. Keys cost an attacker nothing, so
only two things count: the *source* that a holder came from, and whether the coordinator *knows* its
key (the operator named it, or it has exchanged bytes with another key before).

1. A known newcomer takes the place of an unknown holder, if there is one.
2. Otherwise the source that holds most places of the newcomer's kind gives one up, if it would
   still hold as many as the newcomer's source.
3. Otherwise the newcomer's own source gives one up, if one of its holders is alone.
4. Otherwise the newcomer goes.

A source gives up its oldest holder that is alone, or else the newest of those in company: a session
that has begun goes on. So a host that takes all places takes them from itself.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

KNOWN_KEYS: Final = 8192
"""Keys that a coordinator remembers."""


class _Source(Generic[K]):
    """Holders of one source, in the order in which they came: those alone, those in company."""

    __slots__ = ("alone", "together")

    def __init__(self) -> None:
        self.alone: dict[K, None] = {}
        self.together: dict[K, None] = {}

    def __len__(self) -> int:
        return len(self.alone) + len(self.together)

    def remove(self, holder: K) -> None:
        self.alone.pop(holder, None)
        self.together.pop(holder, None)

    def first_to_go(self) -> K:
        return next(iter(self.alone)) if self.alone else next(reversed(self.together))


class Places(Generic[K]):
    """Table of holders, by source.

    Attributes:
        places: number of holders at once, at least 1.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self._kinds: dict[bool, dict[str, _Source[K]]] = {False: {}, True: {}}
        self._where: dict[K, tuple[str, bool]] = {}

    def __len__(self) -> int:
        return len(self._where)

    def __contains__(self, holder: object) -> bool:
        return holder in self._where

    def arrives(self, newcomer: K, source: str, *, known: bool = False) -> K | None:
        """Take a newcomer in, alone; return the holder that has to go, perhaps the newcomer."""
        loser = None
        if len(self) >= max(1, self.places):
            loser = self._loser(newcomer, source, known)
            self.leaves(loser)
        if loser != newcomer:
            self._kinds[known].setdefault(source, _Source()).alone[newcomer] = None
            self._where[newcomer] = source, known
        return loser

    def moves(self, holder: K, *, together: bool) -> None:
        """Note that a holder is in company from now on, or alone; of no effect without a place."""
        if (where := self._where.get(holder)) is not None:
            name, known = where
            source = self._kinds[known][name]
            source.remove(holder)
            (source.together if together else source.alone)[holder] = None

    def leaves(self, holder: K) -> None:
        """Free the place of a holder. Idempotent."""
        if (where := self._where.pop(holder, None)) is not None:
            name, known = where
            source = self._kinds[known][name]
            source.remove(holder)
            if not len(source):
                del self._kinds[known][name]

    def _loser(self, newcomer: K, name: str, known: bool) -> K:
        unknown = self._kinds[False]
        if known and unknown:
            return _largest(unknown).first_to_go()
        sources = self._kinds[known]
        if not sources:
            return newcomer
        largest, own = _largest(sources), sources.get(name)
        if len(largest) > (0 if own is None else len(own)) + 1:
            return largest.first_to_go()
        return own.first_to_go() if own is not None and own.alone else newcomer


def _largest(sources: dict[str, _Source[K]]) -> _Source[K]:
    return max(sources.values(), key=len)


class Regulars:
    """Memory of keys that have exchanged bytes with others, in this process.

    A source that has brought most of them is the one whose oldest is forgotten: made-up keys of one
    host push no other host's keys out.
    """

    def __init__(self, most: int = KNOWN_KEYS) -> None:
        self._keys: Places[bytes] = Places(most)

    def __contains__(self, key: bytes) -> bool:
        return key in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: bytes, source: str) -> None:
        """Remember a key that came from this source."""
        self._keys.leaves(key)
        self._keys.arrives(key, source)
