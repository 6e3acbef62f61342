"""What a compute party brings to every interactive word: who it is, numbered steps, streams.

Before its first word every pair of compute parties agrees on a seed (32 bytes each way, with the
shares of inputs or in a round of their own: `engine.offers`); each pair then has one AES-CTR stream
for every purpose and direction, read forward only by both ends in step. The words cost rounds and
are run one after the other, by every party alike: a word must not be started before the one before
it has ended. Batch into arrays instead, or see `engine.rounds`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.field import Elements
from ostraka.arithmetic.planes import Planes
from ostraka.arithmetic.randomness import SEED_BYTES, Draw, Stream, Words
from ostraka.delivery.party import Party
from ostraka.engine.array import SecretArray
from ostraka.engine.offers import Offers
from ostraka.errors import ManifestError, PeerViolation
from ostraka.exchange import Array, words
from ostraka.names import PartyId, Step
from ostraka.sharing.shamir import Shamir


class Audit(ABC):
    """Who is told what must be right before anything is revealed: `audit.Auditor`.

    Arrays are this party's shares and must not change before `settle` has ended.
    """

    @abstractmethod
    def products(self, x: Words, y: Words, z: Words) -> None:
        """z = x * y, elementwise."""

    @abstractmethod
    def sums(self, x: Elements, y: Elements, z: Words) -> None:
        """z_i = sum_k x_ik y_ik."""

    @abstractmethod
    def matrices(self, x: Elements, y: Elements, z: Elements) -> None:
        """z = x @ y."""

    @abstractmethod
    def gates(self, x: Planes, y: Planes, z: Planes, zero: Planes) -> None:
        """z = x AND y for bits of three parties: see `gates.Gates.add`."""

    @abstractmethod
    def dealt(self, shares: Sequence[Words]) -> None:
        """Parties of the computation dealt these."""

    @abstractmethod
    def given(self, shares: Sequence[Words]) -> None:
        """Shares from outside the computation: nothing else assures they are of degree t."""

    @abstractmethod
    async def relieve(self) -> None:
        """`settle`, if very much has been told."""

    @abstractmethod
    async def settle(self) -> None:
        """Returns once everything told so far is known to be right, raises if it is not."""


@dataclass
class Counters:
    """What this party did so far: rounds waited for, messages and payload bytes sent."""

    rounds: int = 0
    messages: int = 0
    bytes: int = 0


@dataclass
class Engine:
    """One compute party inside a computation on Shamir shares. Made by `start`.

    Attributes:
        me: this party's place among the compute parties, from 0; also in `names` and `points`.
        n, t: how many parties hold shares, and how many of them together learn nothing.
        counters: rounds, messages and bytes so far.
    """

    party: Party
    scheme: Shamir
    seeds: Sequence[bytes]
    counters: Counters = field(default_factory=Counters)
    _streams: dict[tuple[int, str], Stream] = field(default_factory=dict)
    cache: dict[Any, Any] = field(default_factory=dict)
    """Public tables that words build once."""
    random: Words = field(default_factory=lambda: np.empty(0, np.uint64))
    """Our shares of random elements: see `spare`."""
    chain: Sequence[bytes] = ()
    """With active security the first chain of our coin, and the `ends` of everybody's."""
    ends: list[bytes] = field(default_factory=list)
    audit: Audit | None = None
    """With active security: what checks, at every opening, all that was done before."""

    def __post_init__(self) -> None:
        self.field = self.scheme.field
        self.names = self.scheme.compute
        self.n, self.t = len(self.names), self.scheme.threshold
        self.me = self.names.index(self.party.me)
        self.points = tuple(self.scheme.point[name] for name in self.names)

    def __repr__(self) -> str:
        return f"Engine({self.party.me}, n={self.n}, t={self.t})"

    # --- what arrays ask of their engine --------------------------------------------------------

    def array(self, *parts: Elements) -> SecretArray:
        """Our shares as a secret array; they must not change afterwards."""
        return SecretArray(self, parts)

    def public(self, values: object, shape: tuple[int, ...] | None = None) -> SecretArray:
        """Public integers as a secret array everybody knows."""
        elements = self.field.encode(values)
        return self.array(elements if shape is None else np.broadcast_to(elements, shape))

    def need_products(self) -> None:
        """ManifestError unless degree 2t can be reduced."""
        if self.n < 2 * self.t + 1:
            raise ManifestError(
                f"multiplying needs at least {2 * self.t + 1} compute parties for a threshold of "
                f"{self.t}, and there are {self.n}",
                hint=f"lower the threshold to {(self.n - 1) // 2} or name more compute parties",
            )

    def weights(self, parties: Sequence[int], at: int = 0) -> list[int]:
        """Lagrange coefficients of these parties' points."""
        key = ("weights", tuple(parties), at)
        if key not in self.cache:
            self.cache[key] = self.field.lagrange([self.points[j] for j in parties], at)
        found: list[int] = self.cache[key]
        return found

    # --- randomness -----------------------------------------------------------------------------

    def stream(self, peer: int, use: str) -> Stream:
        """The stream we share with `peer` for one purpose; with ourselves: our own randomness."""
        found = self._streams.get((peer, use))
        if found is None:
            found = self._streams[peer, use] = Stream(self.seeds[peer], f"engine {use}")
        return found

    def uniform(self, peer: int, use: str, length: int) -> Words:
        """The next elements of a stream."""
        return self.field.uniform(self.stream(peer, use), np.empty(length, np.uint64))

    def random_words(self, peer: int, use: str, shape: tuple[int, ...]) -> NDArray[np.uint64]:
        """The next 64-bit words of a stream."""
        out = np.empty(shape, np.uint64)
        self.stream(peer, use).fill(out.reshape(-1))
        return out

    def spare(self, count: int) -> SecretArray | None:
        """So many uniform elements that no t parties know, if as many came with the shares of
        inputs and are left; each is given once."""
        if count > len(self.random):
            return None
        found, self.random = self.random[:count], self.random[count:]
        return self.array(found)

    # --- messages -------------------------------------------------------------------------------

    def begin(self, steps: int = 1) -> Step:
        """A round begins: the first of so many step numbers for its messages."""
        self.counters.rounds += 1
        return self.party.next_steps(steps)

    def send(self, to: int, step: Step, message: Array) -> None:
        """Send a vector, which must not change afterwards."""
        self.counters.messages += 1
        self.counters.bytes += message.nbytes
        self.party.exchange.send(self.names[to], step, message)

    async def receive_words(self, sender: int, step: Step, into: Words) -> Words:
        """Fill `into` with the 64-bit words that `sender` sent."""
        name = self.names[sender]
        return await self.party.receive(name, step, words(len(into)), into=into)

    async def receive(self, sender: int, step: Step, into: Words) -> Words:
        """Fill `into` with the field elements that `sender` sent.

        Raises:
            PeerViolation: a word is no element.
        """
        await self.receive_words(sender, step, into)
        try:
            self.field.check(into)
        except ValueError as problem:
            name = self.names[sender]
            raise PeerViolation(f"{name} sent no share: {problem}", peer=name) from None
        return into


async def start(
    party: Party, draw: Draw, offers: Offers | None = None, *, active: bool = False
) -> Engine:
    """Agree on pairwise seeds: one round, 32 bytes to every other compute party, twice that with
    active security; none if the offers came with the shares of inputs.

    Args:
        party: its scheme must be Shamir sharing, and it one of the compute parties.
        draw: where this party's own randomness comes from.
        offers: what came with the shares of inputs, if anything did.
    """
    scheme = party.scheme
    if not isinstance(scheme, Shamir):
        raise ManifestError(
            f"{scheme.name} sharing cannot multiply",
            hint='set scheme = "shamir" under [sharing]',
        )
    if offers:
        return _engine(party, scheme, offers)
    offers = Offers(scheme, party.me, draw, active=active)
    messages: dict[PartyId, Array] = {
        name: offers.message(name) for name in scheme.compute if name != party.me
    }
    step = party.next_steps()
    got = await party.exchange.all_to_all(messages, step, words(SEED_BYTES // 8 * (1 + active)))
    for name, message in got.items():
        offers.take(name, message)
    engine = _engine(party, scheme, offers)
    engine.counters = Counters(1, len(messages), sum(m.nbytes for m in messages.values()))
    return engine


def _engine(party: Party, scheme: Shamir, offers: Offers) -> Engine:
    random, ends = offers.random, offers.ends()
    return Engine(party, scheme, offers.seeds(), random=random, chain=offers.chain, ends=ends)
