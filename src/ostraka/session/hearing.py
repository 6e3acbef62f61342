"""Hearing of closing statements: from each party itself, or through its relayer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final

from ostraka.errors import OstrakaError, PeerViolation
from ostraka.names import PartyId
from ostraka.session.channel import Channel
from ostraka.session.topology import Topology
from ostraka.wire.messages import Relayed, Statement, decode, encode
from ostraka.wire.resume import Standing

STATEMENT_SECONDS: Final = 10.0
"""Seconds that a party waits for closing statements of other parties; it has the result already."""

LOOK_SECONDS: Final = 1.0
"""Seconds between looks whether a party is away that was not heard."""


class _Timer:
    """Timer that may be started again."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float, then: Callable[[], None]) -> None:
        """Call `then` after so many seconds."""
        self._handle = asyncio.get_running_loop().call_later(seconds, then)

    def cancel(self) -> None:
        """Call nothing any more."""
        if self._handle is not None:
            self._handle.cancel()


class Hearing:
    """Statements of other parties, as far as they have come.

    Args:
        there: parties that take part in the session.
        lost: parties that are gone; those that fail here are added, with the error.
        check: raises an OstrakaError for a statement that is not the party's.
        timeout: the manifest's, in seconds.
    """

    def __init__(
        self,
        topology: Topology,
        there: Collection[PartyId],
        channels: Mapping[PartyId, Channel],
        lost: dict[PartyId, OstrakaError],
        check: Callable[[PartyId, Statement], None],
        timeout: float,
    ) -> None:
        self._topology, self._channels, self._lost, self._check = topology, channels, lost, check
        self._there, self._timeout = there, timeout
        self._statements: dict[PartyId, Statement] = {}
        self._awaited: Mapping[PartyId, tuple[PartyId, ...]] = {}

    async def hear(
        self, recipients: Collection[PartyId], *, relayed: bool
    ) -> dict[PartyId, Statement]:
        """Return the statements that come within `STATEMENT_SECONDS`, by party.

        Time in which a party is away that was not heard does not count, up to twice the manifest's
        timeout: it may lack what this party said last, and so the result.

        Args:
            recipients: parties to whom statements are passed on.
            relayed: whether statements of parties without a link are waited for, too.
        """
        self._awaited = self._topology.relayed_by if relayed else {}
        latest = asyncio.get_running_loop().time() + STATEMENT_SECONDS + 2 * self._timeout
        with suppress(TimeoutError):
            async with asyncio.timeout(STATEMENT_SECONDS) as limit:
                patience = self._be_patient(limit, latest)
                try:
                    await self._hear(recipients)
                finally:
                    patience.cancel()
        return self._statements

    def _be_patient(self, limit: asyncio.Timeout, latest: float) -> _Timer:
        """Move the limit on, while it has not passed and a party is away that was not heard."""
        loop, timer = asyncio.get_running_loop(), _Timer()

        def look() -> None:
            if not limit.expired() and any(map(self._may_return, self._channels)):
                limit.reschedule(min(loop.time() + STATEMENT_SECONDS, latest))
            timer.start(LOOK_SECONDS, look)

        look()
        return timer

    def _may_return(self, party: PartyId) -> bool:
        """Return whether a party is away that has still to bring a statement, or another's."""
        due = [party, *(p for p in self._awaited.get(party, ()) if p in self._there)]
        heard = party in self._lost or all(party in self._statements for party in due)
        return not heard and self._channels[party].link.standing is Standing.AWAY

    async def _hear(self, recipients: Collection[PartyId]) -> None:
        for party, channel in self._channels.items():
            if await self._hear_one(party, channel):
                self._pass_on(party, recipients)
        for relayer, relayed in self._awaited.items():
            parties = [party for party in relayed if party in self._there]
            for _ in parties:
                if not await self._hear_relayed(relayer, parties):
                    break

    async def _hear_one(self, party: PartyId, channel: Channel) -> bool:
        if party in self._lost:
            return False
        channel.opened()
        try:
            statement = await channel.hear(Statement, STATEMENT_SECONDS)
            self._check(party, statement)
        except OstrakaError as error:
            self._lost[party] = error
            return False
        self._statements[party] = statement
        return True

    def _pass_on(self, party: PartyId, recipients: Collection[PartyId]) -> None:
        place, statement = self._topology.place[party], self._statements[party]
        for other in self._topology.audience.get(party, ()):
            if other in recipients and other not in self._lost:
                self._channels[other].say(Relayed(place, b"", encode(statement)))

    async def _hear_relayed(self, relayer: PartyId, parties: Sequence[PartyId]) -> bool:
        """Take one statement from a relayer; return False when no more will come from it."""
        if relayer in self._lost:
            return False
        try:
            relayed = await self._channels[relayer].hear(Relayed, STATEMENT_SECONDS)
            statement = decode(relayed.message)
            party = self._topology.parties[relayed.party]
            if party not in parties or not isinstance(statement, Statement):
                raise PeerViolation("it relayed no statement of a party it is the relayer of")
            self._check(party, statement)
        except (OstrakaError, IndexError):
            return False  # not lost: the relayer's own statement is here already
        self._statements[party] = statement
        return True
