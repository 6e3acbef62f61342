r"""Merkle tree over the reports that a collection counts (RFC 6962, section 2.1). [RFC6962]

    leaf   = SHA-256(0x00 | "ostraka counted\0" | u32 place | report digest (32))
    node   = SHA-256(0x01 | left | right)

The left subtree of n leaves has the largest power of two below n; the root of no leaf is SHA-256
of nothing. Leaves are in the order of places.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from ostraka.errors import PeerViolation


@dataclass(frozen=True)
class Tree:
    """Merkle tree over (place, report digest), sorted by place; places are from 1."""

    leaves: tuple[tuple[int, bytes], ...]

    @classmethod
    def of(cls, reports: Iterable[tuple[int, bytes]]) -> Self:
        """Return the tree over these (place, digest) in any order; ValueError for a place twice."""
        leaves = tuple(sorted(reports))
        if len({place for place, _ in leaves}) < len(leaves):
            raise ValueError("two reports for one place")
        return cls(leaves)

    @cached_property
    def _levels(self) -> list[list[bytes]]:
        """Hashes from the leaves up to the root; an odd one out goes up unchanged."""
        levels = [[_leaf(place, digest) for place, digest in self.leaves]]
        while len(levels[-1]) > 1:
            levels.append(_above(levels[-1]))
        return levels

    @property
    def root(self) -> bytes:
        """The root, 32 bytes."""
        return self._levels[-1][0] if self.leaves else hashlib.sha256(b"").digest()

    def proof(self, place: int) -> Proof:
        """Return the proof that the report of a place is in the tree; KeyError if there is none."""
        at = {place: i for i, (place, _) in enumerate(self.leaves)}[place]
        path, i = [], at
        for level in self._levels[:-1]:
            if (beside := i ^ 1) < len(level):
                path.append(level[beside])
            i //= 2
        return Proof(place, at, len(self.leaves), tuple(path))


@dataclass(frozen=True, slots=True)
class Proof:
    """Proof that one report is in a tree.

    Attributes:
        place: the report's place, from 1.
        leaf: its place among the leaves, from 0; `size` the number of leaves.
        path: the hashes beside the way to the root, from the leaf up.
    """

    place: int
    leaf: int
    size: int
    path: tuple[bytes, ...]

    def table(self) -> dict[str, Any]:
        """Return the proof as it is written in JSON."""
        path = [node.hex() for node in self.path]
        return {"place": self.place, "leaf": self.leaf, "size": self.size, "path": path}

    @classmethod
    def of_table(cls, table: Any) -> Self:
        """Read a proof; PeerViolation if it is none."""
        try:
            place, leaf, size = numbers = [table[key] for key in ("place", "leaf", "size")]
            path = tuple(bytes.fromhex(node) for node in table["path"])
            if len(table) != 4 or any(type(n) is not int or not 0 <= n < 1 << 32 for n in numbers):
                raise ValueError
            return cls(place, leaf, size, path)
        except (KeyError, TypeError, ValueError):
            raise PeerViolation("this is no proof that a report was counted") from None


def check_proof(root: bytes, digest: bytes, proof: Proof) -> None:
    """Check that a report of this digest is in the tree of this root.

    Raises:
        PeerViolation: the proof does not show that.
    """
    if _root_of(digest, proof) != root:
        raise PeerViolation("the proof does not show that this report was counted")


def _root_of(digest: bytes, proof: Proof) -> bytes | None:
    """Return the root that a proof leads to; None where it has too few or too many hashes."""
    node, at, last, rest = _leaf(proof.place, digest), proof.leaf, proof.size - 1, list(proof.path)
    if not 0 <= at <= last or len(digest) != 32:
        return None
    while last:
        if at % 2 or at < last:
            if not rest:
                return None
            beside = rest.pop(0)
            node = _node(beside, node) if at % 2 else _node(node, beside)
        at, last = at // 2, last // 2
    return None if rest else node


def _above(level: Sequence[bytes]) -> list[bytes]:
    pairs = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return pairs + list(level[2 * len(pairs) :])


def _leaf(place: int, digest: bytes) -> bytes:
    where = place.to_bytes(4, "little")
    return hashlib.sha256(b"\0" + b"ostraka counted\0" + where + digest).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
