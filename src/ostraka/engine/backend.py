"""The waist of the engine: all that operations ask of a way to share secrets.

Operations (`compare`, `sort`, `choose`, `digits`, `table`, `noise`, ...) know secret arrays, the
ring of their elements and this interface. They never read parts, and ask for a field only where
they divide. `engine.shamir` is one backend; why the cut is here:
docs/decisions/0015-engine-waist.md.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np

from ostraka.arithmetic.field import Elements, Field
from ostraka.arithmetic.randomness import Stream, Words
from ostraka.engine.array import Fresh, SecretArray
from ostraka.engine.circuit import Circuit
from ostraka.engine.rounds import Inner, Opened, Product, Random, Rounds, Task
from ostraka.errors import ManifestError
from ostraka.names import PartyId

T = TypeVar("T")

FREE_NS: Final = 15
"""Nanoseconds for a free operation on an element of a long array, about: for `Backend.offload`."""


class Backend(Rounds):
    """One compute party's side of a computation on shared secrets.

    Every compute party calls the same methods in the same order. `array.Arithmetic` says what
    backends do for free, `rounds.Rounds` how operations share rounds.

    Attributes:
        n: number of compute parties, which all hold shares.
        t: number of them that may pool what they see and learn nothing.
        me: this party's place among the compute parties, from 0.
        names: of the compute parties, in the order of their places.
        active: whether everything is proven before it is opened.
    """

    n: int
    t: int
    me: int
    names: tuple[PartyId, ...]

    @property
    @abstractmethod
    def active(self) -> bool: ...

    @property
    def field(self) -> Field:
        """The ring, for operations that divide.

        Raises:
            ManifestError: the ring is no field.
        """
        if not isinstance(self.ring, Field):
            raise ManifestError(
                "this operation divides, and not every element of this ring has an inverse",
                hint='set scheme = "shamir" under [sharing]',
            )
        return self.ring

    # --- long work -------------------------------------------------------------------------------

    async def offload(self, nanoseconds: float, work: Callable[[], T]) -> T:
        """Return what `work` returns: free operations that take about so long on one core.

        A backend over a network does long work beside its event loop, which serves links meanwhile.
        """
        return work()

    # --- secrets from outside, and to the outside ------------------------------------------------

    @abstractmethod
    async def deal(
        self, dealers: Sequence[int], own: Elements | None, shape: tuple[int, ...], *, total: bool
    ) -> list[SecretArray]:
        """Share elements that each of `dealers` knows, all in one round.

        Args:
            dealers: places of the parties that share an array each.
            own: this party's elements, of `shape`, if it is a dealer; None else.
            total: return the sum of all dealers' arrays instead of each.

        Returns:
            One array for each dealer, in their order, or one alone: each of `shape`. No party
            learns another dealer's elements.
        """

    async def share(self, owner: int, values: object, shape: tuple[int, ...]) -> SecretArray:
        """Share integers that party `owner` knows: one round.

        Args:
            values: the owner's integers, broadcast to `shape`; ignored at other parties.
        """
        own = None
        if self.me == owner:
            own = np.ascontiguousarray(np.broadcast_to(self.ring.encode(values), shape))
        return (await self.deal([owner], own, shape, total=True))[0]

    @abstractmethod
    async def tell(
        self, messages: Mapping[int, Words], expected: Mapping[int, int]
    ) -> dict[int, Words]:
        """Send 64-bit words in the clear to some compute parties, and receive them: one round.

        Args:
            messages: the words for each receiver, by its place.
            expected: the number of words that each sender sends this party, by its place.
        """

    @abstractmethod
    async def open(self, x: SecretArray, to: Iterable[PartyId] | None = None) -> Elements | None:
        """Open x to some compute parties, to all by default: elements there, None elsewhere.

        Everything done before is proven first. `Masked` is the only opening that needs no proof.
        """

    # --- products: the local part, and the rounds that share it afresh --------------------------

    @abstractmethod
    async def products(self, x: SecretArray, y: SecretArray) -> SecretArray:
        """Multiply two secret vectors of one length, elementwise; the result stays secret."""

    @abstractmethod
    async def sums(self, x: SecretArray, y: SecretArray, axis: int) -> SecretArray:
        """Sum x * y (with broadcasting) over one axis, for the rounds and bytes of the result."""

    @abstractmethod
    async def matrices(self, x: SecretArray, y: SecretArray) -> SecretArray:
        """Multiply two matrices, for the rounds and bytes of the result."""

    # --- randomness -----------------------------------------------------------------------------

    @abstractmethod
    def own(self, use: str) -> Stream:
        """Return the stream of this party's own randomness for one purpose, secret to it."""

    @abstractmethod
    async def random(self, shape: tuple[int, ...]) -> Fresh:
        """Draw uniform elements of the ring that no t parties know."""

    @abstractmethod
    async def toss(self) -> Stream:
        """Return a stream that every party reads alike, drawn by all of them. One round.

        No party that is not a compute party can foresee it, nor one that lies with active security:
        what was shared before does not depend on it.
        """

    def take_random(self, count: int) -> SecretArray | None:
        """Return as many elements as `random` would, without a round, if enough are at hand."""

    # --- bits and order: None where there is no better way than products -------------------------

    def bits(self, count: int) -> Circuit | None:
        """Return a way to compute on the bits of `count` elements, if there is one.

        Without it comparisons use products alone: see `engine.masked`.
        """

    async def shuffled(self, table: SecretArray) -> SecretArray | None:
        """Permute the columns of a matrix as `sort.shuffle` promises, if there is a better way
        than by permutation matrices."""

    # --- proofs ---------------------------------------------------------------------------------

    @abstractmethod
    def claim(self, x: SecretArray, y: SecretArray, z: SecretArray) -> None:
        """Note that z = x * y, elementwise, must be proven before anything is opened.

        Without active security nothing is proven, and this does nothing.
        """

    @abstractmethod
    async def prove(self) -> None:
        """Prove all that was done and claimed so far, and return once it is known to be right.

        Raises:
            PeerViolation: a compute party falsified something; since the last proof nothing was
                opened but `Masked` elements.
        """

    # --- rounds, by default one task after the other ---------------------------------------------

    async def round(self, tasks: Sequence[Task]) -> list[Any]:
        return [await self._done(task) for task in tasks]

    async def _done(self, task: Task) -> Any:
        if isinstance(task, Random):
            return await self.random(task.shape)
        if isinstance(task, Opened):
            return await self.open(task.a)
        if isinstance(task, Inner):
            return await self.sums(task.a, task.b, -1)
        if not isinstance(task, Product):
            return await self.open(await self.sums(task.a, task.b, -1))
        shape = np.broadcast_shapes(task.a.shape, task.b.shape)
        x, y = (v.broadcast_to(shape).ravel() for v in (task.a, task.b))
        return (await self.products(x, y)).reshape(shape)


def backend_of(x: SecretArray) -> Backend:
    """Return the backend of a secret array."""
    assert isinstance(x.engine, Backend)
    return x.engine


def wraps(engine: Backend) -> bool:
    """Tell whether 2^bits = 1 in the ring, as in F_p with p = 2^bits - 1; else 2^bits = 0."""
    return isinstance(engine.ring, Field)
