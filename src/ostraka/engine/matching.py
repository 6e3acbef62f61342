"""Matching of lists by tags, at a compute party that owns none of them. [KMRS14]

The owners of the lists agree on a key that the helper does not learn, and send it a tag of each
row: AES-256 under that key, of the 128 bits that identify the row. Tags are equal where rows have
the same identifier; other tags look uniform, as a permutation's outputs do. The helper compares
them, and shares with all compute parties, for each owner, a vector that is 1 where the owner's row
is in every list.

Who learns what: the helper, how many rows each subset of the lists has in common, and in which
places of each owner's list, which the owner therefore orders at random. With one of the owners it
could try identifiers. No owner learns anything. Passive security: a helper that lies about what it
saw is not noticed. Rounds: 3. Bytes: an owner sends 32 to each other owner and 16 a row to the
helper; the helper deals one element for each row of each vector.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import SEED_BYTES, Words
from ostraka.engine.array import SecretArray
from ostraka.engine.backend import Backend

WORDS: Final = 2
"""64-bit words that identify a row, and words of its tag."""

TAG_NS: Final = 10
"""Nanoseconds to make one tag, about."""

MATCH_NS: Final = 250
"""Nanoseconds to sort and compare one tag, about."""

Places = NDArray[np.intp]
"""Places of the rows that lists have in common: a row for each list, a column for each such row."""

_SEED_WORDS: Final = SEED_BYTES // 8


async def matched(
    engine: Backend,
    owners: Sequence[int],
    helper: int,
    rows: Words | None,
    lengths: Sequence[int],
    wanted: Sequence[int],
) -> list[SecretArray]:
    """Tell, in shares, which rows of the `wanted` owners' lists are in the lists of all owners.

    Args:
        owners: places of the compute parties that own a list, two or more.
        helper: place of the compute party that compares tags; no owner.
        rows: at an owner, `WORDS` words for each of its rows, in an order that tells nothing; rows
            of several lists are the same if their words are. None at other parties.
        lengths: rows of each owner's list.
        wanted: the owners whose rows are asked about.

    Returns:
        For each of `wanted` a vector of zeros and ones, one for each row, in the order of its list.
    """
    key = await agreed_key(engine, owners)
    messages: dict[int, Words] = {}
    if rows is not None:
        messages[helper] = await tagged(engine, key, rows)
    expected = dict(zip(owners, (WORDS * length for length in lengths), strict=True))
    got = await engine.tell(messages, expected if engine.me == helper else {})
    of = [lengths[owners.index(owner)] for owner in wanted]
    found = None
    if engine.me == helper:
        places = await places_of_common(engine, [got[owner] for owner in owners])
        hits = [_hits(places[owners.index(o)], k) for o, k in zip(wanted, of, strict=True)]
        found = np.concatenate(hits)
    shared = await engine.share(helper, found, (sum(of),))
    ends = np.cumsum(of).tolist()
    return [shared[end - length : end] for end, length in zip(ends, of, strict=True)]


async def tagged(engine: Backend, key: bytes, rows: Words) -> Words:
    """Return the tags of an owner's rows, made beside the event loop."""
    return await engine.offload(TAG_NS * len(rows) / WORDS, lambda: tags(key, rows))


async def places_of_common(engine: Backend, lists: Sequence[Words]) -> Places:
    """Return what `in_all` finds in lists of tags, `WORDS` words each, beside the event loop."""
    work = MATCH_NS * sum(map(len, lists)) / WORDS
    return await engine.offload(work, lambda: in_all([each.reshape(-1, WORDS) for each in lists]))


def _hits(places: NDArray[np.intp], length: int) -> NDArray[np.int64]:
    found = np.zeros(length, np.int64)
    found[places] = 1
    return found


async def agreed_key(engine: Backend, owners: Sequence[int]) -> bytes:
    """Return the hash of a seed from each owner; of nothing at a party that owns no list."""
    own, others = np.empty(_SEED_WORDS, np.uint64), [o for o in owners if o != engine.me]
    if engine.me not in owners:
        await engine.tell({}, {})
        return hashlib.sha256(b"ostraka join key\0").digest()
    engine.own("join key").fill(own)
    got = await engine.tell(dict.fromkeys(others, own), dict.fromkeys(others, _SEED_WORDS))
    seeds = b"".join((own if o == engine.me else got[o]).tobytes() for o in owners)
    return hashlib.sha256(b"ostraka join key\0" + seeds).digest()


def tags(key: bytes, rows: Words) -> Words:
    """Return the tags of rows, `WORDS` words each, under a key of 32 bytes.

    AES-256 as a permutation of single blocks: equal rows must have equal tags, and no list has a
    row twice.
    """
    made = np.empty(len(rows) + WORDS, np.uint64)  # update_into wants room for a block more
    cipher = Cipher(AES256(key), ECB()).encryptor()  # noqa: S305 - of distinct single blocks
    cipher.update_into(np.ascontiguousarray(rows).data.cast("B"), made.data.cast("B"))
    return made[: len(rows)]


def in_all(lists: Sequence[NDArray[np.uint64]]) -> Places:
    """Find the tags that are in all lists.

    Of a tag that an owner sent several times, the first counts.

    Args:
        lists: each of shape (length, 2).

    Returns:
        For each list the places of those tags, shape (lists, tags): a column is one tag.
    """
    high, low = (np.concatenate([each[:, word] for each in lists]) for word in range(WORDS))
    owner = np.repeat(np.arange(len(lists), dtype=np.int8), [len(each) for each in lists])
    order = _sorted(high, low)
    whose, new = owner[order], _begins(high[order], low[order])
    kept = new | np.concatenate([[True], whose[1:] != whose[:-1]])  # the first of each owner
    if not kept.all():
        order, whose, new = order[kept], whose[kept], new[kept]
    starts = np.flatnonzero(new)
    full = starts[np.diff(starts, append=len(order)) == len(lists)]
    first = np.cumsum([0, *map(len, lists[:-1])])
    found: Places = order[full + np.arange(len(lists))[:, None]] - first[:, None]
    return found


def _begins(*columns: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Tell at which places a row is another one than the row before it."""
    new = np.ones(len(columns[0]), np.bool_)
    new[1:] = False
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return new


def _sorted(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Return an order in which equal tags follow each other, those of the first lists first.

    Numbers made of a tag's first bits and its place are sorted: that is several times as fast as
    an order of whole tags. The few places with equal first bits and other tags are put right.
    """
    bits = np.uint64(max(1, len(high) - 1).bit_length())
    packed = (high >> bits << bits) | np.arange(len(high), dtype=np.uint64)
    packed.sort()
    order = (packed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.intp)
    head = packed >> bits
    run = _begins(head)
    mixed = ~run & _begins(high[order], low[order])
    if mixed.any():
        number = np.cumsum(run)
        at = np.flatnonzero(np.isin(number, number[mixed]))
        there = order[at]
        order[at] = there[np.lexsort((low[there], high[there], head[at]))]
    return order
