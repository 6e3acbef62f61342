"""Agreement of the compute parties on the reports of a collection that are counted.

Each compute party holds what the mailbox gave it. The mailbox may give different reports to
different parties, and a compute party may lie. So each tells the others what it holds and what it
cannot open; what one of them lacks or refuses is not counted (`counting`), and the refusals are.

    step 0   how many reports it lists, and how long the organiser's orders are that it has
    step 1   the digests of these reports, in the mailbox's order, and the orders
    step 2   the hash of all lists: a party that told two others different things is found
    step 3   of each report that any party listed: whether it has and can open it
    step 4   the hash of that
    step 5   to recipients that do not compute: which places are filled
    step 6   to them, the summary and its root

No party can add or alter a report: digests hash the parcels, and signatures are of the contributor
and its credential. A refusal may be a lie. One by more than t parties cannot be, as one of them is
honest; of the others at most `max_unopenable` are let pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ostraka.collection import orders
from ostraka.collection.counting import Agreed, PublicPart, Refusals, ReportStanding, Summary, count
from ostraka.collection.shape import Shape
from ostraka.errors import Aborted, OstrakaError, PeerViolation
from ostraka.exchange import Array, Exchange, Expected, octets, words
from ostraka.names import PartyId, Step

DIGEST: Final = 32
VERSIONS: Final = 16
"""Reports that one credential may leave: the first, and what replaces it."""

ORDERS: Final = 1 << 23
"""Bytes of the organiser's orders that one party passes on at most: revocations of a roster."""

_PATIENCE: Final = 3
"""Timeouts for which a party is waited for: it may be fetching reports again."""

_COUNT_NS: Final = 20_000
"""Nanoseconds to count a report, about: its head is read, and its leaf hashed."""


class Holder(Protocol):
    """Reports that this compute party holds. What it says is the same in every life of a run."""

    def listed(self) -> Sequence[bytes]:
        """Return the digests of all reports that the mailbox gave it, in the mailbox's order."""

    async def complete(self, missing: Sequence[bytes]) -> None:
        """Try to get reports that other parties listed."""

    def standing(self, digest: bytes) -> ReportStanding:
        """Return whether it has and can open a report."""

    def about(self, digest: bytes) -> PublicPart:
        """Return the public part of a report that it has."""


@dataclass(frozen=True)
class ClosingTerms:
    """Terms on which reports are counted.

    Attributes:
        shape: of the reports.
        colluders: how many compute parties may lie.
        replace: whether a credential may leave several reports.
        max_unopenable: part of the reports that so few parties may refuse.
    """

    shape: Shape
    colluders: int
    replace: bool
    max_unopenable: Fraction

    @property
    def most(self) -> int:
        """Number of reports that a party may list."""
        several = self.shape.invited and self.replace
        return self.shape.size * (VERSIONS if several else 1)


class _Told(NamedTuple):
    """List and orders that one compute party told the others first."""

    digests: tuple[bytes, ...]
    revocations: bytes

    @property
    def parts(self) -> tuple[bytes, bytes]:
        return b"".join(self.digests), self.revocations


class ReportAgreement:
    """Agreement of one run, in one phase: making it begins the phase, at every party alike.

    Args:
        recipients: parties that get the result; those that do not compute are told.
    """

    def __init__(
        self, exchange: Exchange, terms: ClosingTerms, recipients: Sequence[PartyId]
    ) -> None:
        self._exchange, self._terms = exchange, terms
        self._step = Step(exchange.begin_phase(), 0)
        self._compute = terms.shape.compute
        self._others = [name for name in self._compute if name != exchange.me]
        self._told = [name for name in recipients if name not in self._compute]

    # --- compute parties ----------------------------------------------------------------------

    async def reach(self, holder: Holder, revocations: bytes = b"") -> Agreed:
        """Return the reports that all compute parties have and can open.

        Args:
            revocations: the organiser's signed order that this party has, or empty.

        Raises:
            PeerLost: a compute party is gone.
            PeerViolation: a compute party sent what is no list, or no order of the organiser.
            Aborted: too many reports were refused, or a party told others different things.
        """
        told = await self._tell(_Told(tuple(holder.listed()), revocations))
        await self._confirm(2, [part for each in told.values() for part in each.parts])
        revoked = self._revoked(told)
        known = sorted({digest for each in told.values() for digest in each.digests})
        missing = [d for d in known if holder.standing(d) is ReportStanding.MISSING]
        if missing:
            await holder.complete(missing)
        standings = await self._standings([holder.standing(d) for d in known])
        await self._confirm(4, [said.tobytes() for said in standings.values()])
        refusals = Refusals(np.stack(list(standings.values())), self._terms.colluders)
        refusals.check(self._terms.max_unopenable, self._compute)
        lists = [each.digests for each in told.values()]
        size, about = self._terms.shape.size, holder.about
        agreed = await self._exchange.offload(
            _COUNT_NS * len(known), lambda: count(known, refusals, revoked, about, lists, size)
        )
        self._inform(agreed)
        return agreed

    async def _tell(self, own: _Told) -> dict[PartyId, _Told]:
        """Exchange lists and orders; return them by compute party, in manifest order."""
        sizes = np.array([len(own.digests), len(own.revocations)], np.uint64)
        self._say(0, sizes)
        self._say(1, np.frombuffer(b"".join(own.parts), np.uint8))
        told = {self._exchange.me: own}
        for name in self._others:
            digests, orders_bytes = map(int, await self._hear(name, 0, words(2)))
            if digests > self._terms.most or orders_bytes > ORDERS:
                raise PeerViolation(f"{name} lists more reports than there may be", peer=name)
            expected = octets(DIGEST * digests + orders_bytes)
            told[name] = _told(name, await self._hear(name, 1, expected), digests)
        return {name: told[name] for name in self._compute}

    async def _standings(self, own: Sequence[ReportStanding]) -> dict[PartyId, NDArray[np.uint8]]:
        """Exchange what each party says of each known report."""
        said = np.array(own, np.uint8)
        self._say(3, said)
        found = {self._exchange.me: said}
        for name in self._others:
            found[name] = await self._hear(name, 3, octets(len(own)))
            if (found[name] > max(ReportStanding)).any():
                raise PeerViolation(f"{name} says nothing known of a report", peer=name)
        return {name: found[name] for name in self._compute}

    async def _confirm(self, step: int, heard: Sequence[bytes]) -> None:
        """Check that all compute parties heard the same, each in manifest order."""
        framed = b"".join(len(part).to_bytes(8, "little") + part for part in heard)
        own = hashlib.sha256(b"ostraka heard\0" + framed).digest()
        self._say(step, np.frombuffer(own, np.uint8))
        for name in self._others:
            if (await self._hear(name, step, octets(32))).tobytes() != own:
                raise Aborted(
                    f"{name} and {self._exchange.me} heard different things of the reports: one "
                    "compute party tells others different things; nothing was opened",
                    hint="ask all compute parties; run it again: the reports are kept",
                )

    def _revoked(self, told: Mapping[PartyId, _Told]) -> frozenset[int]:
        """Return all credentials that some party has an order about."""
        found: frozenset[int] = frozenset()
        for name, each in told.items():
            if each.revocations:
                try:
                    found |= orders.read_revocations(each.revocations, self._terms.shape)
                except OstrakaError as error:
                    message = f"{name} passed on an order that is not the organiser's"
                    raise PeerViolation(f"{message}: {error.message}", peer=name) from None
        return found

    def _inform(self, agreed: Agreed) -> None:
        """Tell recipients that do not compute."""
        if not self._told:
            return
        filled = np.zeros(self._terms.shape.size, np.bool_)
        filled[np.array(agreed.places, np.int64) - 1] = True
        numbers = np.array(agreed.summary.numbers(), np.uint64)
        summary = np.frombuffer(agreed.summary.root + numbers.tobytes(), np.uint8)
        for i, message in ((5, np.packbits(filled, bitorder="little")), (6, summary)):
            self._exchange.broadcast(self._told, self._step.later(i), message)

    # --- recipients ---------------------------------------------------------------------------

    async def hear(self) -> Agreed:
        """Return what all compute parties agreed on; for recipients that do not compute.

        Raises:
            PeerLost: a compute party is gone.
            PeerViolation: a compute party says what cannot be.
            Aborted: two of them say different things.
        """
        size, n = self._terms.shape.size, len(self._compute)
        said = {}
        for name in self._compute:
            mask = await self._hear(name, 5, octets(-(-size // 8)))
            summary = await self._hear(name, 6, octets(32 + 8 * (5 + n)))
            said[name] = mask.tobytes(), summary.tobytes()
        (first, agreed), *others = said.items()
        for name, theirs in others:
            if theirs != agreed:
                raise Aborted(f"{first} and {name} agreed on different reports; none was used")
        return _agreed(first, *agreed, size)

    # --- messages -----------------------------------------------------------------------------

    def _say(self, step: int, message: Array) -> None:
        self._exchange.broadcast(self._compute, self._step.later(step), message)

    async def _hear(self, name: PartyId, step: int, expected: Expected) -> NDArray[Any]:
        at = self._step.later(step)
        return await self._exchange.receive(name, at, expected, patience=_PATIENCE)


def _told(name: PartyId, message: NDArray[Any], count: int) -> _Told:
    data, end = message.tobytes(), DIGEST * count
    digests = tuple(data[i : i + DIGEST] for i in range(0, end, DIGEST))
    if len(set(digests)) < count:
        raise PeerViolation(f"{name} lists a report twice", peer=name)
    return _Told(digests, data[end:])


def _agreed(name: PartyId, mask: bytes, summary: bytes, size: int) -> Agreed:
    bits = np.unpackbits(np.frombuffer(mask, np.uint8), bitorder="little")
    places = tuple((np.flatnonzero(bits) + 1).tolist())
    found = Summary.of_numbers(summary[:32], np.frombuffer(summary[32:], np.uint64).tolist())
    if bits[size:].any() or found.agreed != len(places):
        raise PeerViolation(f"{name} says of the reports what cannot be", peer=name)
    return Agreed(places, found, {})
