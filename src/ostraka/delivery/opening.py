"""Opening a shared vector to its recipients, and to no other party.

Three ways, chosen from public figures alone, so that all parties choose alike; d is the vector's
length, R the recipients:

- *direct*: every compute party sends its whole share to every recipient. One round, 8 d |R| bytes
  from each compute party.
- *scattered* (schemes whose shares are summed; long vectors, two or more recipients): recipient k
  gets slice k of every share, adds it up and sends the sum to the other recipients. Two rounds; 8 d
  bytes from each compute party and 8 d more, all slices together, from each recipient, however many
  there are. A recipient sees slices of shares that add up to the result: nothing the result does
  not say.
- *tagged* (schemes that survive dropouts): direct, in pieces, each share behind the set of
  contributors it counts. Recipients combine shares of one and the same set; those of as many
  compute parties as `Attendance.announcements` says suffice, and any that came beyond those are
  checked against them. Where what they hold was proven to be of one value (`Attendance.proven`) and
  3t + 1 came, up to t wrong ones are left out, and whose they are is noted in `Party.liars`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from ostraka.arithmetic.randomness import Words
from ostraka.delivery.agree import mask_bytes, read_mask, to_mask
from ostraka.delivery.combining import COMBINE_NS, combined, note_liars, require_enough
from ostraka.delivery.cost import Cost
from ostraka.delivery.party import Party
from ostraka.errors import Aborted, PeerViolation
from ostraka.exchange import words
from ostraka.names import PartyId
from ostraka.sharing.scheme import Scheme

SCATTER_FROM: Final = 4096
"""Elements from which halving the bytes is worth a second round."""

PIECE: Final = 1 << 20
"""Elements of one message of a tagged opening: bounds what a recipient holds per compute party."""

FIRST: Final = 1 << 12
"""Elements of the first message, which also names the contributors counted."""

ADD_NS: Final = 3
"""Nanoseconds to add an element, about."""

Announced = Callable[[PartyId, Words], None]
"""Observer of each share that a recipient sees."""


class Share(NamedTuple):
    """Share that a compute party announces.

    Attributes:
        vector: must not change once it is announced.
        counted: the contributors it counts.
    """

    vector: Words
    counted: tuple[PartyId, ...]

    def part(self, place: slice) -> Share:
        """Return the share of a part of the vector."""
        return Share(self.vector[place], self.counted)


class OpenedVector(NamedTuple):
    """Vector that was opened, and the contributors counted in it."""

    vector: Words
    counted: tuple[PartyId, ...]


def opening(party: Party, recipients: Sequence[PartyId], length: int) -> Opening:
    """Begin the opening of `length` elements, at every party of the run alike."""
    return way(party.scheme, recipients, length)(party, recipients, length)


def way(scheme: Scheme, recipients: Sequence[PartyId], length: int) -> type[Opening]:
    """Choose the way that the scheme allows and that costs least."""
    if scheme.tags_openings:
        return Tagged
    if scheme.sums_shares and length >= SCATTER_FROM and len(recipients) >= 2:
        return Scattered
    return Direct


def add_cost(scheme: Scheme, recipients: Sequence[PartyId], length: int, total: Cost) -> None:
    """Add an opening's rounds, messages and bytes to `total`."""
    way(scheme, recipients, length).add_cost(scheme, recipients, length, total)


async def open_to(
    party: Party,
    recipients: Sequence[PartyId],
    length: int,
    share: Share | None,
    announced: Announced | None = None,
) -> OpenedVector | None:
    """Begin an opening and take this party's part in it: announce `share`, if it has one, and
    receive, if it is a recipient.

    Raises:
        As `Opening.receive`.
    """
    ours = opening(party, recipients, length)
    if share is not None:
        ours.announce(share)
    return await ours.receive(share, announced) if party.me in recipients else None


class Opening(ABC):
    """Opening of one vector: making it begins its phases."""

    phases: int = 1

    def __init__(self, party: Party, recipients: Sequence[PartyId], length: int) -> None:
        self.party, self.recipients, self.length = party, recipients, length
        self.steps = [party.begin_phase() for _ in range(self.phases)]

    @classmethod
    @abstractmethod
    def add_cost(
        cls, scheme: Scheme, recipients: Sequence[PartyId], length: int, total: Cost
    ) -> None:
        """Add rounds, messages and bytes to `total`."""

    @abstractmethod
    def announce(self, share: Share) -> None:
        """Send a compute party's share to the recipients."""

    @abstractmethod
    async def receive(self, own: Share | None, announced: Announced | None = None) -> OpenedVector:
        """Return, at a recipient, the vector and the contributors counted in it.

        Args:
            own: the share that this party announced, if it is a compute party too.
            announced: called with each share that this party sees, except in a scattered opening.

        Raises:
            PeerLost: every share is needed and a compute party is gone.
            Aborted: too few shares came, or they count different contributors.
            PeerViolation: the shares contradict each other.
        """


class Direct(Opening):
    """Opening in one round, of every compute party's whole share to every recipient."""

    @classmethod
    def add_cost(
        cls, scheme: Scheme, recipients: Sequence[PartyId], length: int, total: Cost
    ) -> None:
        total.rounds += 1
        for party in scheme.compute:
            total.send(party, recipients, 8 * length)

    def announce(self, share: Share) -> None:
        self.party.exchange.broadcast(self.recipients, self.steps[0], share.vector)

    async def receive(self, own: Share | None, announced: Announced | None = None) -> OpenedVector:
        party, value = self.party, self.party.scheme.zeros(self.length)
        for sender in party.scheme.compute:
            if own is not None and sender == party.me:
                arrived = own.vector
            else:
                arrived = await party.receive(sender, self.steps[0], words(self.length))
            add = partial(party.scheme.add, value, arrived)
            await party.exchange.offload(ADD_NS * self.length, add)
            if announced:
                announced(sender, arrived)
        return OpenedVector(value, party.scheme.contributors)


class Scattered(Opening):
    """Opening in two rounds: each recipient adds up one slice, and tells the others."""

    phases = 2

    @classmethod
    def add_cost(
        cls, scheme: Scheme, recipients: Sequence[PartyId], length: int, total: Cost
    ) -> None:
        total.rounds += 2
        for recipient, place in _slices(length, recipients).items():
            for party in scheme.compute:
                total.send(party, [recipient], 8 * _size(place))
            total.send(recipient, recipients, 8 * _size(place))

    def announce(self, share: Share) -> None:
        for recipient, place in _slices(self.length, self.recipients).items():
            if recipient != self.party.me:
                self.party.exchange.send(recipient, self.steps[0], share.vector[place])

    async def receive(self, own: Share | None, announced: Announced | None = None) -> OpenedVector:
        party, slices = self.party, _slices(self.length, self.recipients)
        value = np.empty(self.length, np.uint64)
        mine = slices.pop(party.me)
        await self._add_up(value[mine], None if own is None else own.vector[mine])
        party.exchange.broadcast(self.recipients, self.steps[1], value[mine])
        for recipient, place in slices.items():
            expected = words(_size(place))
            await party.receive(recipient, self.steps[1], expected, into=value[place])
        return OpenedVector(value, party.scheme.contributors)

    async def _add_up(self, total: Words, own: Words | None) -> None:
        """Fill `total` with the sum of this party's slice of every share."""
        party = self.party
        total[:] = 0 if own is None else own
        for sender in party.scheme.compute:
            if sender != party.me:
                arrived = await party.receive(sender, self.steps[0], words(len(total)))
                add = partial(party.scheme.add, total, arrived)
                await party.exchange.offload(ADD_NS * len(total), add)


class Tagged(Opening):
    """Opening in one round and in pieces, the first behind the set of contributors counted."""

    @classmethod
    def add_cost(
        cls, scheme: Scheme, recipients: Sequence[PartyId], length: int, total: Cost
    ) -> None:
        total.rounds += 1
        for party in scheme.compute:
            size = 8 * (_tag_length(scheme) + length)
            total.send(party, recipients, size, len(_pieces(length)))

    def announce(self, share: Share) -> None:
        tag = _tag(self.party.scheme, share.counted)
        for i, piece in enumerate(_pieces(self.length)):
            vector = share.vector[piece]
            message = vector if i else np.concatenate((tag, vector))
            self.party.exchange.broadcast(self.recipients, self.steps[0].later(i), message)

    async def receive(self, own: Share | None, announced: Announced | None = None) -> OpenedVector:
        party, counted = self.party, self.party.scheme.contributors
        value = np.empty(self.length, np.uint64)
        for i, piece in enumerate(_pieces(self.length)):
            arrived = await self._arrived(i, piece, own)
            if i == 0:
                counted, arrived = self._without_tags(arrived)
            combine = partial(combined, party, arrived, proven=party.attendance.proven)
            about = COMBINE_NS * len(arrived) * _size(piece)
            value[piece] = await party.exchange.offload(about, combine)
            if announced:
                for sender, vector in arrived.items():
                    announced(sender, vector)
        return OpenedVector(value, counted)

    async def _arrived(self, i: int, piece: slice, own: Share | None) -> dict[PartyId, Words]:
        """Return message i of each compute party that is there, this party's own included."""
        party, scheme = self.party, self.party.scheme
        expected = words(_size(piece) + (0 if i else _tag_length(scheme)))
        arrived = await party.gather_if_there(scheme.compute, self.steps[0].later(i), expected)
        if own is None:
            return arrived
        vector = own.vector[piece]
        return {
            party.me: vector if i else np.concatenate((_tag(scheme, own.counted), vector)),
            **arrived,
        }

    def _without_tags(
        self, messages: dict[PartyId, Words]
    ) -> tuple[tuple[PartyId, ...], dict[PartyId, Words]]:
        """Separate the set that the shares count from the shares."""
        length = _tag_length(self.party.scheme)
        counted = self._counted({sender: vector[:length] for sender, vector in messages.items()})
        return counted, {sender: vector[length:] for sender, vector in messages.items()}

    def _counted(self, tags: dict[PartyId, Words]) -> tuple[PartyId, ...]:
        """Return the one set of contributors that every share which arrives is about.

        Where all honest parties are known to count the same, it is the set that enough parties
        name for a result.
        """
        party, attendance = self.party, self.party.attendance
        sets = {sender: self._read(sender, tag) for sender, tag in tags.items()}
        require_enough(party, len(sets))
        (counted, agreeing), *others = Counter(sets.values()).most_common()
        if not others:
            return counted
        if not attendance.proven or agreeing < attendance.announcements:
            raise Aborted("compute parties opened sums over different contributors; none was used")
        note_liars(party, [name for name, theirs in sets.items() if theirs != counted])
        return counted

    def _read(self, sender: PartyId, tag: Words) -> tuple[PartyId, ...]:
        try:
            return read_mask(self.party, sender, tag.view(np.uint8))
        except PeerViolation:
            if not self.party.attendance.proven:
                raise
            return ()  # a lie like any other


def _tag_length(scheme: Scheme) -> int:
    return -(-mask_bytes(scheme.contributors) // 8)


def _tag(scheme: Scheme, counted: tuple[PartyId, ...]) -> Words:
    """Return a set of contributors as it travels before a share."""
    tag = np.zeros(8 * _tag_length(scheme), np.uint8)
    mask = to_mask(counted, scheme.contributors)
    tag[: len(mask)] = mask
    return tag.view(np.uint64)


def _slices(length: int, recipients: Sequence[PartyId]) -> dict[PartyId, slice]:
    """Cut the vector into one nearly equal slice for each recipient."""
    cuts = [length * k // len(recipients) for k in range(len(recipients) + 1)]
    return {r: slice(a, b) for r, (a, b) in zip(recipients, pairwise(cuts), strict=True)}


def _pieces(length: int) -> list[slice]:
    """Cut the vector into messages: the first, which is copied to go behind the set, is short."""
    rest = range(FIRST, length, PIECE)
    return [slice(0, min(FIRST, length)), *(slice(i, min(i + PIECE, length)) for i in rest)]


def _size(piece: slice) -> int:
    return int(piece.stop - piece.start)
