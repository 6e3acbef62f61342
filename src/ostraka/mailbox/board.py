"""Board of a mailbox: the collections that it has, read and checked once, and again when a paper of
theirs came, perhaps by another process."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final

from ostraka.collection import orders
from ostraka.collection.terms import Terms
from ostraka.mailbox.batch import CollectionState
from ostraka.mailbox.desk import Desk
from ostraka.mailbox.rules import CollectionRules, ReadRules
from ostraka.mailbox.store import Store

REMEMBERED: Final = 16
"""Collections in memory: the roster of 100,000 takes about 30 MB."""

FRESH_SECONDS: Final = 1.0
"""Seconds for which what is in memory is not compared with the store."""

STATEMENT, REVOCATIONS, CLOSE, AGREED, RECEIPT = (
    "statement",
    "revocations",
    "close",
    "agreed",
    "receipt",
)
"""Kinds of papers."""


@dataclass(frozen=True)
class Posted:
    """Collection as it is at a mailbox.

    Attributes:
        manifest: its TOML.
        terms: None until every compute party has left its sealing statement.
        statements: those that are there, by compute party.
        revoked: numbers of credentials that the organiser has taken back.
    """

    manifest: bytes
    rules: CollectionRules
    statements: dict[str, bytes]
    terms: Terms | None
    revoked: frozenset[int]
    state: CollectionState

    def phase(self, now: float) -> str:
        """Return "waiting" for sealing statements, "open", "closing" or "done"."""
        if self.state.ended is not None:
            return "done"
        if now >= self.state.closes:
            return "closing"
        return "open" if self.terms else "waiting"


class Board:
    """Collections of a mailbox.

    Args:
        read_rules: reads a manifest.
        clock: seconds that never go back, for the age of what is in memory.
    """

    def __init__(
        self, desk: Desk, read_rules: ReadRules, clock: Callable[[], float] = monotonic
    ) -> None:
        self._desk, self._read_rules, self._clock = desk, read_rules, clock
        self._found: OrderedDict[bytes, tuple[Posted, float]] = OrderedDict()
        self._reading: dict[bytes, asyncio.Lock] = {}

    async def find(self, collection: bytes, *, anew: bool = False) -> Posted | None:
        """Return a collection, or None if there is none.

        Args:
            anew: compares what is in memory with the store, however fresh it is.

        Raises:
            DatabaseGone: the store does not answer.
        """
        if not anew and (posted := self._fresh(collection)):
            return posted
        lock = self._reading.setdefault(collection, asyncio.Lock())
        try:
            async with lock:
                if not anew and (posted := self._fresh(collection)):
                    return posted
                return await self._refresh(collection)
        finally:
            if not lock.locked():
                self._reading.pop(collection, None)

    def _fresh(self, collection: bytes) -> Posted | None:
        posted, at = self._found.get(collection, (None, 0.0))
        return posted if self._clock() - at < FRESH_SECONDS else None

    async def _refresh(self, collection: bytes) -> Posted | None:
        old, _ = self._found.get(collection, (None, 0.0))
        at = self._clock()
        posted = await self._desk.ask(lambda store: self._read(store, collection, old))
        self._found.pop(collection, None)
        if posted is not None:
            self._found[collection] = posted, at
        while len(self._found) > REMEMBERED:
            self._found.popitem(last=False)
        return posted

    def _read(self, store: Store, collection: bytes, old: Posted | None) -> Posted | None:
        """Read a collection in the thread of the store; its state comes before its papers."""
        state = store.state(collection)
        if state is None:
            return None
        if old is not None and old.state.version == state.version:
            return replace(old, state=state)
        founding = store.founding(collection)
        assert founding is not None, "a collection is never deleted"
        rules = self._read_rules(founding.manifest)
        statements = store.papers(collection, STATEMENT)
        revocations = store.paper(collection, REVOCATIONS, "")
        revoked = orders.read_revocations(revocations, rules.shape) if revocations else frozenset()
        terms = old.terms if old else None
        return Posted(
            founding.manifest,
            rules,
            statements,
            terms or _terms(rules, statements, founding.publication),
            revoked,
            state,
        )


def _terms(
    rules: CollectionRules, statements: dict[str, bytes], publication: bytes
) -> Terms | None:
    if any(party not in statements for party in rules.shape.compute):
        return None
    in_order = [statements[party] for party in rules.shape.compute]
    return Terms.read(rules.shape, in_order, orders.read_publication(publication, rules.shape))
