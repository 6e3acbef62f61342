"""Second implementation of streams, and of additive and Shamir sharing."""

import struct
from collections.abc import Callable
from math import prod

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from wire import H, Stop

P = 2**61 - 1
Shares = list[int]


def pack(numbers: list[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}Q", *numbers)


def unpack(data: bytes, modulus: int = 2**64) -> list[int]:
    numbers = list(struct.unpack(f"<{len(data) // 8}Q", data))
    if any(number >= modulus for number in numbers):
        raise Stop("violation", why="a word is not an element")
    return numbers


class Stream:
    def __init__(self, seed: bytes, label: str) -> None:
        key = H(b"ostraka stream 1", seed, label.encode())
        self.cipher = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()

    def words(self, count: int) -> list[int]:
        return unpack(self.cipher.update(bytes(8 * count)))

    def elements(self, count: int) -> list[int]:
        found: list[int] = []
        while len(found) < count:
            found += [word & P for word in self.words(count - len(found)) if word & P != P]
        return found


def point(j: int, n: int) -> int:
    return 2**j if n <= 61 else j + 1


def lagrange(points: Shares, at: int = 0) -> Shares:
    """Return the c_i with f(at) = sum of c_i f(points[i]), f being of degree below len(points)."""
    return [prod((b - at) * pow(b - a, -1, P) for b in points if b != a) % P for a in points]


def combine(coefficients: Shares, vectors: list[Shares], modulus: int = P) -> Shares:
    """Return the linear combination of vectors."""
    return [
        sum(map(int.__mul__, coefficients, column)) % modulus
        for column in zip(*vectors, strict=True)
    ]


def complete(x: Shares, drawn: dict[int, Shares], n: int, shamir: bool) -> dict[int, Shares]:
    """Return the shares of x of all n compute parties, given those that were drawn."""
    vectors, missing = [x, *drawn.values()], set(range(n)) - set(drawn)
    if not shamir:
        return drawn | {e: combine([1] + [-1] * len(drawn), vectors, 2**64) for e in missing}
    points = [0, *(point(s, n) for s in drawn)]
    return drawn | {e: combine(lagrange(points, point(e, n)), vectors) for e in missing}


def seeded(own: int | None, place: int, n: int, t: int, shamir: bool) -> list[int]:
    """Return the compute parties that get seeds from a contributor, or offer."""
    if not shamir:
        return [j for j in range(n) if j != (place % n if own is None else own)]
    return [((place if own is None else own + 1) + i) % n for i in range(t)]


def dealt_to(k: int, n: int, t: int) -> list[int]:
    """Return the compute parties that are seeded when compute party k deals."""
    return [((0 if k + t >= n and k >= t else k + 1) + i) % n for i in range(t)]


def drawn_share(seed: bytes, count: int, shamir: bool) -> Shares:
    return Stream(seed, "share").elements(count) if shamir else Stream(seed, "share").words(count)


def recombine(shares: dict[int, Shares], n: int, t: int) -> Shares:
    """Return what shares of degree t determine; all must be of one polynomial."""
    if len(shares) <= t:
        raise Stop("peer-lost", why=f"an opening needs {t + 1} shares")
    first, points = list(shares)[: t + 1], [point(j, n) for j in list(shares)[: t + 1]]
    vectors = [shares[j] for j in first]
    if any(combine(lagrange(points, point(j, n)), vectors) != shares[j] for j in shares):
        raise Stop("tampered", why="shares are not of one polynomial")
    return combine(lagrange(points), vectors)


def zero_part(own: int, t: int, draw: Callable[[int], Shares], count: int) -> Shares:
    """Return the part of zero of party own; draw(j) reads elements of the stream with party j."""
    size, total = 2 * t + 1, [0] * count
    for j in range(size):
        if 1 <= min((own - j) % size, (j - own) % size) <= (t + 2) // 2:
            total = combine([1, 1 if own < j else -1], [total, draw(j)])
    return total


def polynomial(values: Shares, low: int) -> Shares:
    """Return coefficients of the polynomial with these values at low, low + 1, ..."""
    xs, total = list(range(low, low + len(values))), [0] * len(values)
    for a, value in zip(xs, values, strict=True):
        basis = [value % P]
        for b in (b for b in xs if b != a):
            scale = pow(a - b, -1, P)
            basis = combine([scale, -b * scale], [[0, *basis], [*basis, 0]])
        total = combine([1, 1], [total, basis])
    return total


def signed(value: int, modulus: int) -> int:
    return value - modulus if value > (modulus - 1) // 2 else value
