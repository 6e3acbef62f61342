"""Context of a compute party in every Shamir computation: its place, numbered steps, streams.

Before the first operation every pair of compute parties agrees on a seed (32 bytes each way, with
the shares of inputs or in a round of their own: `shamir.offers`); each pair then has one AES-CTR
stream for every purpose and direction, read forward only by both ends in step. Operations cost
rounds and are run one after the other, by every party alike: an operation must not be started
before the one before it has ended. Batch into arrays instead, or see `engine.rounds`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.field import Elements, Field
from ostraka.arithmetic.matrix import matmul
from ostraka.arithmetic.planes import Planes
from ostraka.arithmetic.randomness import Stream, Words
from ostraka.delivery.party import Party
from ostraka.engine.array import Arithmetic, SecretArray
from ostraka.errors import ManifestError, PeerViolation
from ostraka.exchange import Array, Expected, words
from ostraka.names import Step
from ostraka.sharing.shamir import Shamir

T = TypeVar("T")


class Audit(ABC):
    """A list of what must be right before anything is revealed: `audit.Auditor`.

    Arrays are this party's shares and must not change before `settle` has ended.
    """

    @abstractmethod
    def products(self, x: Words, y: Words, z: Words) -> None:
        """Note that z = x * y, elementwise."""

    @abstractmethod
    def sums(self, x: Elements, y: Elements, z: Words) -> None:
        """Note that z_i = sum_k x_ik y_ik."""

    @abstractmethod
    def matrices(self, x: Elements, y: Elements, z: Elements) -> None:
        """Note that z = x @ y."""

    @abstractmethod
    def gates(self, x: Planes, y: Planes, z: Planes, zero: Planes) -> None:
        """Note that z = x AND y for bits of three parties: see `gates.Gates.add`."""

    @abstractmethod
    def dealt(self, shares: Sequence[Words]) -> None:
        """Note shares that parties of the computation dealt, and that must be of degree t."""

    @abstractmethod
    def given(self, shares: Sequence[Words]) -> None:
        """Note shares that contributors dealt: only the proof assures that they are of degree t."""

    @abstractmethod
    async def toss(self) -> Stream:
        """Return the stream of a coin that no party can foresee, or bend: see `coin.Coin.toss`."""

    @abstractmethod
    async def agree(self, on: bytes) -> None:
        """Stop the run unless all honest parties hold the same bytes. One round."""

    @abstractmethod
    async def relieve(self) -> None:
        """Prove what was noted if it is very much, so that memory stays bounded."""

    @abstractmethod
    async def settle(self) -> None:
        """Prove all that was noted; PeerViolation if something of it is wrong."""


@dataclass
class Counters:
    """Counts of what one party did so far: rounds waited for, messages and payload bytes sent;
    with active security, audits, proofs of gates, and passes of shuffles."""

    rounds: int = 0
    messages: int = 0
    bytes: int = 0
    audits: int = 0
    gates: int = 0
    passes: int = 0

    def unsound(self) -> int:
        """Return the most that liars can get a wrong result through with, as a multiple of 1 / p.

        It is the union bound of docs/spec/active.md, section 7.
        """
        return 312 * self.audits + 8 * self.gates + self.passes


@dataclass
class Context(Arithmetic):
    """One compute party inside a computation on Shamir shares.

    Attributes:
        me: this party's place among the compute parties, from 0; also in `names` and `points`.
        n: number of parties, which all hold shares.
        t: number of them that may pool what they see and learn nothing.
        counters: of what it did so far.
    """

    party: Party
    scheme: Shamir
    seeds: Sequence[bytes]
    counters: Counters = field(default_factory=Counters)
    _streams: dict[tuple[int, str], Stream] = field(default_factory=dict)
    cache: dict[Any, Any] = field(default_factory=dict)
    """Public tables that operations build once."""
    offered: Words = field(default_factory=lambda: np.empty(0, np.uint64))
    """Shares that this party holds of random elements: see `take_random`."""
    chain: Sequence[bytes] = ()
    """Links of this party's first chain for the coin, if active; `ends` holds all parties'."""
    ends: list[bytes] = field(default_factory=list)
    audit: Audit | None = None
    """Check, at every opening, of all that was done before; with active security only."""

    def __post_init__(self) -> None:
        self.names = self.scheme.compute
        self.n, self.t = len(self.names), self.scheme.threshold
        self.me = self.names.index(self.party.me)
        self.points = tuple(self.scheme.point[name] for name in self.names)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.party.me}, n={self.n}, t={self.t})"

    # --- what arrays ask of their engine --------------------------------------------------------

    @property
    def ring(self) -> Field:
        return self.scheme.field

    @property
    def field(self) -> Field:
        """The field of shares."""
        return self.scheme.field

    def combine(self, a: Elements, b: Elements) -> Elements:
        return matmul(self.field, a, b)

    def array(self, *parts: Elements) -> SecretArray:
        """Return this party's shares as a secret array; they must not change afterwards."""
        return SecretArray(self, parts)

    def public(self, values: object, shape: tuple[int, ...] | None = None) -> SecretArray:
        elements = self.field.encode(values)
        return self.array(elements if shape is None else np.broadcast_to(elements, shape))

    def need_products(self) -> None:
        """Raise ManifestError unless degree 2t can be reduced."""
        if self.n < 2 * self.t + 1:
            raise ManifestError(
                f"multiplying needs at least {2 * self.t + 1} compute parties for a threshold of "
                f"{self.t}, and there are {self.n}",
                hint=f"lower the threshold to {(self.n - 1) // 2} or name more compute parties",
            )

    def weights(self, parties: Sequence[int], at: int = 0) -> list[int]:
        """Return the Lagrange coefficients that take these parties' shares to the value at `at`."""
        key = ("weights", tuple(parties), at)
        if key not in self.cache:
            self.cache[key] = self.field.lagrange([self.points[j] for j in parties], at)
        found: list[int] = self.cache[key]
        return found

    # --- randomness -----------------------------------------------------------------------------

    def stream(self, peer: int, use: str) -> Stream:
        """Return the stream shared with party `peer` for one purpose; with itself: its own."""
        found = self._streams.get((peer, use))
        if found is None:
            found = self._streams[peer, use] = Stream(self.seeds[peer], f"engine {use}")
        return found

    def uniform(self, peer: int, use: str, length: int) -> Words:
        """Read the next `length` uniform elements of the stream shared with `peer`."""
        return self.field.uniform(self.stream(peer, use), np.empty(length, np.uint64))

    def random_words(self, peer: int, use: str, shape: tuple[int, ...]) -> NDArray[np.uint64]:
        """Read the next 64-bit words of the stream shared with `peer`."""
        out = np.empty(shape, np.uint64)
        self.stream(peer, use).fill(out.reshape(-1))
        return out

    def take_random(self, count: int) -> SecretArray | None:
        """Take uniform elements that no t parties know, if as many came with the shares of inputs
        and are left; each is given once."""
        if count > len(self.offered):
            return None
        found, self.offered = self.offered[:count], self.offered[count:]
        return self.array(found)

    # --- long work ---------------------------------------------------------------------------

    async def offload(self, nanoseconds: float, work: Callable[[], T]) -> T:
        """Return what `work` returns, as `Exchange.offload` does."""
        return await self.party.exchange.offload(nanoseconds, work)

    # --- messages -------------------------------------------------------------------------------

    def begin(self, steps: int = 1) -> Step:
        """Begin a round: return the first of so many step numbers for its messages."""
        self.counters.rounds += 1
        return self.party.next_steps(steps)

    def send(self, to: int, step: Step, message: Array) -> None:
        """Send a vector, which must not change afterwards."""
        self.counters.messages += 1
        self.counters.bytes += message.nbytes
        self.party.exchange.send(self.names[to], step, message)

    async def all_to_all(
        self, messages: Mapping[int, Array], expected: Expected
    ) -> dict[int, NDArray[Any]]:
        """Send each party its message and receive one from each of them: one round."""
        step = self.begin()
        for party, message in messages.items():
            self.send(party, step, message)
        return {
            party: await self.party.receive(self.names[party], step, expected) for party in messages
        }

    async def receive_words(self, sender: int, step: Step, into: Words) -> Words:
        """Fill `into` with the 64-bit words that `sender` sent."""
        name = self.names[sender]
        return await self.party.receive(name, step, words(len(into)), into=into)

    async def receive(self, sender: int, step: Step, into: Words) -> Words:
        """Fill `into` with the field elements that `sender` sent; raises as `check`."""
        return self.check(sender, await self.receive_words(sender, step, into))

    def check(self, sender: int, message: Words) -> Words:
        """Return what `sender` sent if it is made of field elements.

        Raises:
            PeerViolation: it is not.
        """
        try:
            self.field.check(message)
        except ValueError as problem:
            name = self.names[sender]
            raise PeerViolation(f"{name} sent no share: {problem}", peer=name) from None
        return message
