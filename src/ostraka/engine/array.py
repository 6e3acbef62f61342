"""Secret arrays: numpy-shaped, opaque, and free to add.

Operators are free: `a + b`, `a - 1`, `3 * a`, `m @ a` with public `m`, indexing, sums and reshapes
happen at each party alone. Operations cost rounds: `await mul(a, b)`, `await less_than(a, b)`,
`await reveal(a)`; they are functions of this package, not methods.

An array holds one or more *parts*, this party's shares, all of the array's shape: one part in
Shamir sharing, two in a replicated scheme. Only the backend that made an array reads its parts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.field import Elements

Index = Any
"""A public index, of any kind that numpy takes."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Origin of an array's rows: each depends on what one contributor shared, and on nothing else.

    Free operations keep it where rows stay rows; `rounds.Product` deepens it; all else loses it.

    Attributes:
        inputs: identifies the inputs, so that rows of the same i have the same contributor.
        depth: number of products, one of another, that were taken.
    """

    inputs: object
    depth: int


def joint_origin(*origins: Origin | None, products: int = 0) -> Origin | None:
    """Return the origin of rows made of rows with these origins, None if contributors mix."""
    inputs = {origin and origin.inputs for origin in origins}
    if None in inputs or len(inputs) != 1:
        return None
    depth = max(origin.depth for origin in origins if origin)
    return Origin(inputs.pop(), depth + products)


class Ring(Protocol):
    """Arithmetic on public elements: of F_p with p = 2^bits - 1, or of Z_2^bits."""

    @property
    def bits(self) -> int:
        """Length of an element in bits."""

    def encode(self, values: object) -> Elements:
        """Return public integers as elements; TypeError for anything else."""

    def decode(self, a: Elements) -> NDArray[np.int64]:
        """Return elements as signed integers centred on zero."""

    def add(self, a: Elements, b: Elements) -> Elements:
        """Return a + b, elementwise with broadcasting."""

    def subtract(self, a: Elements, b: Elements) -> Elements:
        """Return a - b, elementwise with broadcasting."""

    def product(self, a: Elements, b: Elements) -> Elements:
        """Return a * b, elementwise with broadcasting."""

    def sum(self, a: Elements, axis: int | tuple[int, ...] | None = None) -> Elements:
        """Return the sum over some axes, over all by default."""


class Arithmetic(ABC):
    """The free arithmetic that a secret array asks of its computation: see `backend.Backend`."""

    @property
    @abstractmethod
    def ring(self) -> Ring:
        """The ring that elements of secrets belong to."""

    @abstractmethod
    def public(self, values: object, shape: tuple[int, ...] | None = None) -> SecretArray:
        """Return public integers as a secret array whose value every party knows."""

    @abstractmethod
    def combine(self, a: Elements, b: Elements) -> Elements:
        """Return the matrix product a @ b of a part and a public matrix, in either order."""


class SecretArray:
    """Shares that one party holds of an array of signed integers, centred on zero in their ring.

    Sums and products by public numbers wrap around beyond the ring's range without an error, so
    protocols bound their inputs. Public operands are integers (Python's or numpy's) or booleans.

    Args:
        engine: the computation it belongs to.
        parts: the party's shares, never changed afterwards.
        origin: of its rows, if each is of one contributor alone.
    """

    __slots__ = ("engine", "origin", "parts")
    __array_ufunc__ = None  # numpy leaves `public + secret` to this class
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, engine: Arithmetic, parts: tuple[Elements, ...], origin: Origin | None = None
    ) -> None:
        self.engine = engine
        self.parts = parts
        self.origin = origin

    # --- shape ----------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array, as numpy has it: public."""
        return self.parts[0].shape

    @property
    def ndim(self) -> int:
        """Number of axes: public."""
        return self.parts[0].ndim

    @property
    def size(self) -> int:
        """Number of elements: public."""
        return self.parts[0].size

    @property
    def T(self) -> SecretArray:
        """Transposed array: free."""
        return self._each(lambda part: part.T)

    def __len__(self) -> int:
        return len(self.parts[0])

    def __getitem__(self, index: Index) -> SecretArray:
        self._refuse_secret(index)
        rows = _keeps_rows(index) and self.ndim > 0
        return self._each(lambda part: np.asarray(part[index]), rows=rows)

    def reshape(self, *shape: Any) -> SecretArray:
        """Return the array in another shape: free."""
        return self._each(lambda part: part.reshape(*shape), rows=True)

    def ravel(self) -> SecretArray:
        """Return the array as a vector: free."""
        return self.reshape(-1)

    def broadcast_to(self, shape: tuple[int, ...]) -> SecretArray:
        """Return the array repeated to fill `shape`: free."""
        return self._each(lambda part: np.broadcast_to(part, shape))

    def transpose(self, *axes: int) -> SecretArray:
        """Return the array with its axes reordered, as numpy does: free."""
        return self._each(lambda part: part.transpose(*axes))

    # --- free operators -------------------------------------------------------------------------

    def __add__(self, other: object) -> SecretArray:
        return self._pair(other, self.engine.ring.add)

    __radd__ = __add__

    def __sub__(self, other: object) -> SecretArray:
        return self._pair(other, self.engine.ring.subtract)

    def __rsub__(self, other: object) -> SecretArray:
        return self._secret(other) - self

    def __neg__(self) -> SecretArray:
        return self.engine.public(0) - self

    def __pos__(self) -> SecretArray:
        return self

    def __mul__(self, other: object) -> SecretArray:
        if isinstance(other, SecretArray):
            raise TypeError("a product of two secrets costs a round: await mul(a, b)")
        factor = self.engine.ring.encode(other)
        rows = factor.ndim <= self.ndim
        return self._each(lambda part: self.engine.ring.product(part, factor), rows=rows)

    __rmul__ = __mul__

    def __matmul__(self, other: object) -> SecretArray:
        if isinstance(other, SecretArray):
            raise TypeError("a product of two secrets costs a round: await matmul(a, b)")
        public = self.engine.ring.encode(other)
        return self._each(lambda part: self._product(part, public))

    def __rmatmul__(self, other: object) -> SecretArray:
        public = self.engine.ring.encode(other)
        return self._each(lambda part: self._product(public, part))

    def dot(self, other: object) -> SecretArray:
        """Return the inner product with a public vector, or matrix product with a public matrix."""
        return self @ other

    def sum(self, axis: int | tuple[int, ...] | None = None) -> SecretArray:
        """Return the sum over some axes, over all by default."""
        rows = isinstance(axis, int) and self.ndim > 0 and axis % self.ndim > 0
        return self._each(lambda part: self.engine.ring.sum(part, axis), rows=rows)

    # --- what a secret does not do ----------------------------------------------------------------

    def __repr__(self) -> str:
        return f"SecretArray(shape={self.shape})"

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a secret is neither true nor false here: branch on nothing secret, "
            "use await select(condition, a, b), or await reveal(x) if it may be known"
        )

    def __iter__(self) -> Iterator[NoReturn]:
        raise TypeError("one round per element would be slow: use operations on the whole array")

    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("shares are not numbers: await reveal(x) if every party may know x")

    def _no_number(self) -> NoReturn:
        raise TypeError("a secret is not a number here: await reveal(x) if every party may know x")

    __int__ = __float__ = __index__ = __complex__ = _no_number

    def _no_order(self, _other: object) -> NoReturn:
        raise TypeError("comparing costs rounds: await less_than(a, b), or await equal(a, b)")

    __lt__ = __le__ = __gt__ = __ge__ = _no_order
    __eq__ = __ne__ = _no_order

    def __reduce__(self) -> NoReturn:
        raise TypeError("shares are not pickled")

    # --- inside ---------------------------------------------------------------------------------

    def _each(self, function: Callable[[Elements], Elements], *, rows: bool = False) -> SecretArray:
        """Apply a function to each part.

        Args:
            rows: whether rows stay rows, if there are as many afterwards.
        """
        found = SecretArray(self.engine, tuple(function(part) for part in self.parts))
        if rows and self.shape[:1] == found.shape[:1]:
            found.origin = self.origin
        return found

    def _secret(self, other: object) -> SecretArray:
        if isinstance(other, SecretArray):
            if other.engine is not self.engine:
                raise ValueError("these secrets belong to different computations")
            return other
        return self.engine.public(other)

    def _pair(
        self, other: object, function: Callable[[Elements, Elements], Elements]
    ) -> SecretArray:
        theirs = self._secret(other).parts
        shape = self.shape
        if theirs[0].ndim and theirs[0].shape != shape:
            shape = np.broadcast_shapes(shape, theirs[0].shape)
        pairs = zip(self.parts, theirs, strict=True)
        parts = (function(np.atleast_1d(a), np.atleast_1d(b)) for a, b in pairs)
        found = SecretArray(self.engine, tuple(part.reshape(shape) for part in parts))
        if shape == self.shape and not isinstance(other, SecretArray):
            found.origin = self.origin
        elif isinstance(other, SecretArray) and self.shape == other.shape:
            found.origin = joint_origin(self.origin, other.origin)
        return found

    def _product(self, a: Elements, b: Elements) -> Elements:
        rows, columns = np.atleast_2d(a), b if b.ndim == 2 else b[:, None]
        shape = (*a.shape[:-1], *b.shape[1:])
        return self.engine.combine(rows, columns).reshape(shape)

    @staticmethod
    def _refuse_secret(index: Index) -> None:
        if isinstance(index, SecretArray):
            raise TypeError("a secret index would show where it points: multiply by a one-hot row")

    def same_as(self, other: SecretArray) -> Self:
        """Return this array if `other` belongs to the same computation; ValueError if not."""
        self._secret(other)
        return self


class Fresh(SecretArray):
    """Uniform elements of the ring that no t parties know and no operation has used.

    Made by `Random` alone. Any operation on it gives a plain `SecretArray`; `Masked` takes a fresh
    one, once.
    """

    __slots__ = ("_spent",)

    def __init__(self, engine: Arithmetic, parts: tuple[Elements, ...]) -> None:
        super().__init__(engine, parts)
        self._spent = False

    def spend(self) -> None:
        """Mark it as used for a mask; ValueError the second time."""
        if self._spent:
            raise ValueError("a mask hides one opening only: draw another")
        self._spent = True


def _keeps_rows(index: Index) -> bool:
    """Tell whether an index leaves rows in their places: [..., None], or [:, start:stop]."""
    if not isinstance(index, tuple) or len(index) != 2:
        return False
    first, second = index
    if first is ...:
        return second is None
    return isinstance(first, slice) and first == slice(None) and isinstance(second, slice)


def _joined(
    arrays: Sequence[SecretArray], join: Callable[[Sequence[Elements]], Elements]
) -> SecretArray:
    if not arrays:
        raise ValueError("at least one array is needed")
    for other in arrays[1:]:
        arrays[0].same_as(other)
    parts = zip(*(array.parts for array in arrays), strict=True)
    return SecretArray(arrays[0].engine, tuple(join(columns) for columns in parts))


def concatenate(arrays: Sequence[SecretArray], axis: int = 0) -> SecretArray:
    """Join arrays of one computation along an axis, as numpy does: free."""
    found = _joined(arrays, lambda parts: np.concatenate(parts, axis))
    if axis % found.ndim:
        found.origin = joint_origin(*(array.origin for array in arrays))
    return found


def of_contributors(array: SecretArray) -> SecretArray:
    """Return the array as one of which each row is what one contributor shared.

    For backends, of the shares that contributors sent.
    """
    return SecretArray(array.engine, array.parts, Origin(object(), 0))


def stack(arrays: Sequence[SecretArray], axis: int = 0) -> SecretArray:
    """Join arrays of one computation along a new axis, as numpy does: free."""
    return _joined(arrays, lambda parts: np.stack(parts, axis))
