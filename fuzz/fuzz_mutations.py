"""Seeded mutations of a corpus, for runs of the targets without a fuzzer."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"

PIECES = (
    b"", b"\0", b"\xff", b"\x7f", b"\x80", b"\n", b"\r\n", b'"', b"{}", b"[]", b"null", b"-1", b"0",
    b"1e999", b"9" * 30, b"\xff\xff\xff\xff", b"\xc0", b"\xc1", b"\xdc\xff\xff", b"\xcb" + bytes(8),
    b"\xef\xbb\xbf", "\u202e".encode(), b"true", b"NaN", b"1/0",
)  # fmt: skip


def corpus(target: str) -> list[bytes]:
    """Return the kept inputs of a target, by the names of their files."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


def mutations(kept: Sequence[bytes], count: int, seed: object) -> Iterator[bytes]:
    """Yield inputs, each made from a kept one by one to four changes."""
    draw = random.Random(f"{seed}")
    for _ in range(count):
        data = bytearray(draw.choice(kept))
        for _ in range(draw.randint(1, 4)):
            _change(data, draw, kept)
        yield bytes(data)


def _change(data: bytearray, draw: random.Random, kept: Sequence[bytes]) -> None:
    at = draw.randint(0, len(data))
    end = min(len(data), at + draw.choice((0, 1, 1, 2, 4, 16)))
    match draw.randrange(5):
        case 0 if at < len(data):
            data[at] ^= 1 << draw.randrange(8)
        case 1 if at < len(data):
            data[at] = draw.randrange(256)
        case 2:
            other = draw.choice(kept)
            start = draw.randint(0, len(other))
            data[at:end] = other[start : start + draw.randint(0, 40)]
        case 3:
            del data[at:end]
        case _:
            data[at:end] = draw.choice(PIECES)
