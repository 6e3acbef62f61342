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

STATEMENT_SECONDS: Final = 10.0
"""Seconds that a party waits for closing statements of other parties; it has the result already."""


class Hearing:
    """Statements of other parties, as far as they have come.

    Args:
        there: parties that take part in the session.
        lost: parties that are gone; those that fail here are added, with the error.
        check: raises an OstrakaError for a statement that is not the party's.
    """

    def __init__(
        self,
        topology: Topology,
        there: Collection[PartyId],
        channels: Mapping[PartyId, Channel],
        lost: dict[PartyId, OstrakaError],
        check: Callable[[PartyId, Statement], None],
    ) -> None:
        self._topology, self._channels, self._lost, self._check = topology, channels, lost, check
        self._there = there
        self._statements: dict[PartyId, Statement] = {}

    async def hear(
        self, recipients: Collection[PartyId], *, relayed: bool
    ) -> dict[PartyId, Statement]:
        """Return the statements that come within `STATEMENT_SECONDS`, by party.

        Args:
            recipients: parties to whom statements are passed on.
            relayed: whether statements of parties without a link are waited for, too.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(STATEMENT_SECONDS):
                await self._hear(recipients, self._topology.relayed_by if relayed else {})
        return self._statements

    async def _hear(
        self,
        recipients: Collection[PartyId],
        relayed_by: Mapping[PartyId, tuple[PartyId, ...]],
    ) -> None:
        for party, channel in self._channels.items():
            if await self._hear_one(party, channel):
                self._pass_on(party, recipients)
        for relayer, relayed in relayed_by.items():
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
