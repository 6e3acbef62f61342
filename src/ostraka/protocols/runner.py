"""Runner: one party's run, composed of the parts that the manifest gives it.

contributor     `contributing`: share, send one message to each compute party; then it may leave
compute party   `computing`: collect a message from each contributor, agree on whom to count,
                compute, announce its share of the result to the recipients
recipient       `receiving`: receive those shares, combine
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from ostraka.arithmetic.randomness import Draw, Words
from ostraka.delivery.agree import Allow, allow_all
from ostraka.delivery.agreed import AgreedDraw
from ostraka.delivery.enclosure import Enclosure
from ostraka.delivery.party import Party
from ostraka.delivery.source import LiveLinks, Parcels, Source, StoredParcel, loaded
from ostraka.errors import OstrakaError
from ostraka.exchange import Exchange
from ostraka.inputs.encoding import Signed
from ostraka.names import PartyId, Step
from ostraka.outcome import Outcome
from ostraka.progress import Kind, Phase, Progress
from ostraka.protocols.computing import Computing, announce
from ostraka.protocols.contributing import contribute, messages
from ostraka.protocols.phases import Phases
from ostraka.protocols.protocol import Protocol
from ostraka.protocols.receiving import receive
from ostraka.sharing.scheme import Parcel

SPLIT_NS: Final = 7
"""Nanoseconds to make one party's share of an element, about."""

Gate = Allow
"""Question whether a result over the contributors counted may become known; it raises
RefusedByPolicy or RefusedByLedger to refuse. A compute party is asked before it votes for them, or
before it computes where all must be counted, and again if some were excluded; a party that only
contributes, before it shares."""


Known = Callable[[Outcome | None], Awaitable[None]]
"""Receiver of the outcome, None where this party learns none; called as soon as it is known, before
this party waits for others again."""


async def _drop(outcome: Outcome | None) -> None:
    """Receive the outcome and do nothing: for callers that wait for the end of the run."""


SourceOf = Callable[[Party, Step], Source]
"""Maker of the source of a compute party's parcels, which come at a step."""


async def run(
    exchange: Exchange,
    protocol: Protocol,
    x: Words | None,
    draw: Draw,
    progress: Progress | None = None,
    *,
    gate: Gate = allow_all,
    settle: Gate | None = None,
    dealt: Signed | None = None,
    known: Known = _drop,
    source: SourceOf = LiveLinks,
) -> Outcome | None:
    """Take every part that the manifest gives this party, once. Runs may follow each other.

    Args:
        x: a contributor's input as `Protocol.input_of` encodes it, None for others. Consumed.
        draw: where this party's randomness comes from.
        progress: is told about phases, and shares if its observer wants them.
        gate: asked before anything can become known; may refuse.
        settle: of a compute party in a collection: asked once more about those counted at last,
            before a share of the result leaves any compute party; None elsewhere, at all alike.
        dealt: a compute party's noise, `Protocol.dealt_noise`; drawn while it computes if None.
        known: is called with the outcome before `run` returns it.
        source: of a compute party's parcels; in a collection they are those of opened reports.

    Returns:
        The outcome, to a recipient; None to other parties.

    Raises:
        OstrakaError: see `ostraka.errors`; `data_left` says whether shares had been sent.

    Not safe to cancel unless the session ends with it.
    """
    progress = progress or Progress()
    party = Party(exchange, protocol.scheme, protocol.attendance)
    given = [x]  # taken out as it is shared, so that a long vector is gone from then on
    del x
    try:
        gates = gate, settle
        return await _play(party, protocol, given, draw, progress, gates, dealt, known, source)
    except OstrakaError as error:
        # A ledger that refuses says that nothing has left: it knows of nothing that has.
        if error.data_left is None or progress.data_left:
            error.data_left = progress.data_left
        raise


async def _play(
    party: Party,
    protocol: Protocol,
    given: list[Words | None],
    draw: Draw,
    progress: Progress,
    gates: tuple[Gate, Gate | None],
    dealt: Signed | None,
    known: Known,
    source: SourceOf,
) -> Outcome | None:
    me, computes = party.me, party.me in protocol.scheme.compute
    protocol.check_policy(protocol.scheme.contributors)
    phases, watch = Phases.begin(party, protocol), _Watch(protocol, progress)
    if given[0] is not None and not computes:
        await gates[0](protocol.scheme.contributors)
    progress.enter(Phase.SHARING)
    made = protocol.lengths.get(me, 0) * len(protocol.scheme.compute)
    agreed = AgreedDraw(draw, party.exchange, protocol.scheme, phases.sharing.phase)
    work = partial(contribute, protocol, given.pop(), me, agreed)
    parcels = await party.exchange.offload(SPLIT_NS * made, work)
    agreed.require_asked(parcels)
    del work
    watch.made(me, parcels)
    enclosure = protocol.enclosure(me, draw)
    _send(party, phases.sharing, protocol, parcels, enclosure, progress)
    own = None
    held: Parcels = {party: parcel for party, parcel in parcels.items() if party == me}
    parcels.clear()
    if computes:
        computing = Computing(protocol, party, draw, gates[0], enclosure, dealt, gates[1])
        await computing.collect(source(party, phases.sharing), held)
        watch.got(held)
        progress.enter(Phase.COMPUTING)
        own = await computing.compute(phases, held)
    progress.enter(Phase.OPENING)
    if own is not None:
        if me in protocol.lengths:
            progress.input_leaves()
        announce(phases.openings, own)
        progress.consented = own.counted
    outcome = await receive(protocol, party, phases.openings, own, watch.announced)
    if not computes and outcome is None:
        await _deliver(party, progress)
    await known(outcome)
    await party.exchange.flush()
    progress.enter(Phase.DONE)
    return outcome


def _send(
    party: Party,
    step: Step,
    protocol: Protocol,
    parcels: Mapping[PartyId, Parcel],
    enclosure: Enclosure | None,
    progress: Progress,
) -> None:
    for receiver, message in messages(protocol, party.me, parcels, enclosure):
        if receiver in parcels and not protocol.scheme.agrees(party.me, receiver):
            progress.input_leaves()
        party.exchange.send(receiver, step, message)


async def _deliver(party: Party, progress: Progress) -> None:
    """Wait until the compute parties have this contributor's message, and can do without it."""
    if away := await party.exchange.deliver():
        names = ", ".join(away)
        progress.observer.warn(f"{names} did not return: the input may be missing from the result")


class _Watch:
    """Reporter of shares to an observer, if it wants them."""

    def __init__(self, protocol: Protocol, progress: Progress) -> None:
        self._protocol, self._observer = protocol, progress.observer
        self.announced = self._announced if self._observer.wants_shares else None

    def made(self, me: PartyId, parcels: Mapping[PartyId, Parcel]) -> None:
        """Tell the observer of the share in each parcel that this party made."""
        if self._observer.wants_shares:
            for receiver, parcel in parcels.items():
                self._tell("made", receiver, parcel, owner=me)

    def got(self, parcels: Mapping[PartyId, Parcel | StoredParcel]) -> None:
        """Tell the observer of the share in each parcel that this party got, its own included."""
        if self._observer.wants_shares:
            for contributor, parcel in parcels.items():
                self._tell("got", contributor, parcel, owner=contributor)

    def _tell(
        self, kind: Kind, party: PartyId, parcel: Parcel | StoredParcel, *, owner: PartyId
    ) -> None:
        length = self._protocol.lengths[owner]
        self._observer.share(kind, party, self._protocol.scheme.expand(loaded(parcel), length))

    def _announced(self, party: PartyId, vector: Words) -> None:
        self._observer.share("announced", party, vector.copy())
