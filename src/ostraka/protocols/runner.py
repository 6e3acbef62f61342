"""The generic driver: all the roles of one party, in terms of an `Exchange`.

contributor     encode, share, send one parcel to each compute party; then it may leave
compute party   receive a parcel from each contributor, agree on whom to count, compute,
                send its share of the result to the recipients
recipient       receive those shares, combine
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import Draw, Words
from ostraka.delivery import agree
from ostraka.delivery.opening import open_to
from ostraka.delivery.party import Party
from ostraka.engine.shamir.offers import Offers
from ostraka.errors import OstrakaError, PeerViolation
from ostraka.exchange import Array, Exchange, type_codes
from ostraka.names import PartyId, Step
from ostraka.outcome import Outcome
from ostraka.progress import Kind, Phase, Progress
from ostraka.protocols.protocol import Protocol
from ostraka.protocols.shares import Shares
from ostraka.sharing.scheme import Parcel

Gate = Callable[[tuple[PartyId, ...]], None]
"""Asked, with the contributors counted, before anything about their inputs can become known: by a
compute party before it votes for them, or computes where all must be counted, and again if somebody
was excluded; by who only contributes before it shares. It raises RefusedByPolicy or RefusedByLedger
to refuse."""


def open_gate(counted: tuple[PartyId, ...]) -> None:
    """Nobody keeps count."""


async def run(
    exchange: Exchange,
    protocol: Protocol,
    x: Words | None,
    draw: Draw,
    progress: Progress | None = None,
    *,
    first_step: int = 1,
    gate: Gate = open_gate,
) -> Outcome | None:
    """Play every role the manifest gives this party, once.

    Args:
        x: a contributor's input as `Protocol.input_of` encodes it, None for anybody else. Consumed.
        draw: where a contributor's randomness comes from.
        progress: is told about phases, and shares if its observer wants them.
        gate: asked before anything can become known; may refuse.
        first_step: steps `first_step` to `first_step + protocol.steps - 1` are used.

    Returns:
        The outcome, to a recipient; None to everybody else.

    Raises:
        OstrakaError: see `ostraka.errors`; `data_left` says whether shares had been sent.

    Not safe to cancel unless the session ends with it.
    """
    progress = progress or Progress()
    driver = _Driver(exchange, protocol, draw, progress, first_step, gate)
    try:
        return await driver.run(x)
    except OstrakaError as error:
        # A ledger that refuses says that nothing has left: it knows of nothing that has.
        if error.data_left is None or progress.data_left:
            error.data_left = progress.data_left
        raise


def _joined(parts: Sequence[Array]) -> Array:
    """One message of several."""
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([part.view(np.uint64) for part in parts])


class _Driver:
    def __init__(
        self,
        exchange: Exchange,
        protocol: Protocol,
        draw: Draw,
        progress: Progress,
        first_step: int,
        gate: Gate,
    ) -> None:
        self.gate = gate
        self.protocol, self.draw, self.progress = protocol, draw, progress
        self.party = Party(exchange, protocol.scheme, first_step)
        self.exchange, self.me = exchange, exchange.me
        self.offers: Offers | None = None
        self._watched = progress.observer.wants_shares

    async def run(self, x: Words | None) -> Outcome | None:
        protocol, party = self.protocol, self.party
        protocol.check_policy(protocol.contributors)
        step = party.next_steps()
        computes = self.me in protocol.scheme.compute
        if x is not None and not computes:
            self.gate(protocol.contributors)
        self.progress.enter(Phase.SHARING)
        parcels = self._share(x, step)
        del x
        share, counted = None, protocol.contributors
        if computes:
            share, counted = await self._compute(parcels, step)
        else:
            party.next_steps(agree.STEPS * protocol.agrees + protocol.compute_steps)
        outcome = await self._open(share, counted)
        await self.exchange.flush()
        self.progress.enter(Phase.DONE)
        return outcome

    def _share(self, x: Words | None, step: Step) -> dict[PartyId, Parcel]:
        """Send each compute party a parcel, if we contribute, and our offer, if we compute; return
        the parcel we keep."""
        protocol = self.protocol
        parcels = {} if x is None else protocol.share(x, self.me, self.draw)
        for receiver, parcel in parcels.items():
            self._saw("made", receiver, parcel)
        self.offers = offers = protocol.offers(self.me, self.draw)
        for receiver in (p for p in protocol.scheme.compute if p != self.me):
            parts: list[Array] = []
            if receiver in parcels:
                parts.append(protocol.scheme.message(parcels[receiver]))
                self.progress.input_leaves()
            if offers:
                parts.append(offers.message(receiver))
            if parts:
                self.exchange.send(receiver, step, _joined(parts))
        return {p: parcel for p, parcel in parcels.items() if p == self.me}

    async def _compute(
        self, parcels: dict[PartyId, Parcel], step: Step
    ) -> tuple[Words, tuple[PartyId, ...]]:
        protocol, party = self.protocol, self.party
        await self._collect(parcels, step)
        for contributor, parcel in parcels.items():
            self._saw("got", contributor, parcel)
        self.progress.enter(Phase.COMPUTING)
        counted = protocol.contributors
        if protocol.agrees:
            certain = [c for c in protocol.contributors if c in protocol.certain]
            counted = await agree.agree(party, parcels, self._allow, certain)
        else:
            self.gate(counted)
        kept = {c: parcels[c] for c in counted}
        parcels.clear()
        shares = Shares(
            party.scheme, protocol.length, kept, self.me, self.draw, self.gate, self.offers
        )
        result = await protocol.compute(party, shares)
        protocol.check_policy(shares.counted)
        return result, shares.counted

    def _allow(self, counted: tuple[PartyId, ...]) -> None:
        self.protocol.check_policy(counted)
        self.gate(counted)

    async def _collect(self, parcels: dict[PartyId, Parcel], step: Step) -> None:
        """Add every other contributor's parcel; the lost are left out where that is allowed."""
        protocol = self.protocol
        for giver in (name for name in protocol.givers if name != self.me):
            expected = protocol.expected(giver, self.me)
            if protocol.agrees and giver not in protocol.certain:
                message = await self.party.receive_live(giver, step, expected)
            else:
                message = await self.exchange.receive(giver, step, expected)
            if message is not None:
                self._take(giver, message, parcels)

    def _take(self, giver: PartyId, message: NDArray[Any], parcels: dict[PartyId, Parcel]) -> None:
        """A parcel, an offer, or one after the other."""
        protocol, rest = self.protocol, message.view(np.uint8)
        try:
            if giver in protocol.contributors:
                expected = protocol.scheme.expected(giver, self.me, protocol.length)
                parcel, rest = rest[: expected.nbytes], rest[expected.nbytes :]
                parcels[giver] = protocol.scheme.parcel(parcel.view(type_codes[expected.dtype]))
            if self.offers and len(rest):
                self.offers.take(giver, rest.view(np.uint64))
        except ValueError as problem:
            raise PeerViolation(f"{giver} sent no share: {problem}", peer=giver) from None

    async def _open(self, share: Words | None, counted: tuple[PartyId, ...]) -> Outcome | None:
        protocol = self.protocol
        self.progress.enter(Phase.OPENING)
        outcome = None
        for recipients, part in protocol.openings:
            opened = await open_to(
                self.party,
                recipients,
                part.stop - part.start,
                None if share is None else share[part],
                counted,
                self._announced if self._watched else None,
            )
            if opened is not None:
                protocol.check_policy(opened[1])
                outputs = protocol.combine_for(self.me, *opened)
                outcome = Outcome(outputs, opened[1], tuple(self.party.liars))
        return outcome

    def _saw(self, kind: Kind, party: PartyId, parcel: Parcel) -> None:
        if self._watched:
            vector = self.protocol.scheme.expand(parcel, self.protocol.length)
            self.progress.observer.share(kind, party, vector)

    def _announced(self, party: PartyId, vector: Words) -> None:
        self.progress.observer.share("announced", party, vector.copy())
