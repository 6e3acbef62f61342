"""Six words of a manifest, which people compare by voice: English words of BIP 39.

They are 66 bits of the digest, stretched: a forger who wants another manifest with the same words
tries 2^66 of them, and each try costs 2^15 hashes.
"""

from __future__ import annotations

import hashlib
import re
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Final

from ostraka.errors import UsageError

COUNT: Final = 6
"""Number of words; each is one of 2048 and stands for 11 bits."""

_BITS: Final = 11
_ITERATIONS: Final = 1 << 14
_SALT: Final = b"ostraka six words 1"


@cache
def word_list() -> tuple[str, ...]:
    """Return the 2048 words, in alphabetical order; no two share their first four letters."""
    return tuple(Path(__file__).with_name("bip39-english.txt").read_text("ascii").split())


def six_words(digest: bytes) -> str:
    """Return the six words of a manifest's digest, with a space between two."""
    bits = COUNT * _BITS
    stretched = hashlib.pbkdf2_hmac("sha256", digest, _SALT, _ITERATIONS, -(-bits // 8))
    number = int.from_bytes(stretched) >> (-bits % 8)
    indices = (number >> (_BITS * i) & (1 << _BITS) - 1 for i in reversed(range(COUNT)))
    return " ".join(word_list()[index] for index in indices)


def read_words(text: str) -> str:
    """Return six words as `six_words` writes them; case, commas and other marks do not matter.

    Raises:
        UsageError: they are not six, or one of them is not in the list.
    """
    found = re.findall(r"[a-z]+", text.lower())
    for word in found:
        if word not in word_list():
            near = get_close_matches(word, word_list(), 1)
            hint = f"is it {near[0]}?" if near else "ask for it again, letter by letter"
            raise UsageError(f"{word!r} is no word of the list", hint=hint, data_left=False)
    if len(found) != COUNT:
        hint = 'all six, in one argument: "one two three four five six"'
        raise UsageError(f"{len(found)} words are not {COUNT}", hint=hint, data_left=False)
    return " ".join(found)
