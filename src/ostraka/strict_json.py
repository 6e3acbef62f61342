"""JSON of files, peers and receipts, read strictly: it has one meaning for every reader."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, NoReturn

Pairs = list[tuple[str, Any]]


class TwiceError(ValueError):
    """Error of an object that holds a key twice: readers differ in which value they take.

    Attributes:
        key: the key.
    """

    def __init__(self, key: str) -> None:
        super().__init__(f"{json.dumps(key, ensure_ascii=False)} is there twice")
        self.key = key


def parse(text: str | bytes, *, parse_float: Callable[[str], Any] | None = None) -> Any:
    """Read JSON; bytes are UTF-8 without a byte order mark.

    Args:
        parse_float: makes a value of a number with a point or an exponent; `float` by default.

    Raises:
        TwiceError: an object holds a key twice.
        ValueError: the text is not JSON, holds NaN or Infinity, is nested too deeply or is not
            UTF-8.
    """
    if isinstance(text, bytes):
        text = text.decode()
    try:
        return json.loads(
            text, parse_float=parse_float, parse_constant=_no_number, object_pairs_hook=_once
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _once(pairs: Pairs) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise TwiceError(next(key for key, count in counts.items() if count > 1))
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
