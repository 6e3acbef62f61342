"""Feeding parsers: whole, byte by byte, and with trailing bytes that must stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def feed(parser: Any, data: bytes, step: int) -> tuple[Any, bytes]:
    """Run `parser` on `data`, at most `step` bytes at a time; its result and what it left."""
    source = memoryview(data)
    try:
        view = next(parser)
        while True:
            if not len(view):
                view = next(parser)
                continue
            size = min(step, len(view), len(source))
            if not size:
                raise EOFError(f"it wants {len(view)} bytes more")
            view[:size] = source[:size]
            view, source = view[size:], source[size:]
    except StopIteration as end:
        return end.value, bytes(source)


def strict(step: int) -> Callable[..., Any]:
    """As `feed`, with trailing bytes that must stay."""

    def run(parser: Any, data: bytes, *, trailing: bytes = b"\xff\0trailing") -> Any:
        result, rest = feed(parser, data + trailing, step)
        assert rest == trailing
        return result

    return run


@pytest.fixture(params=[1 << 30, 1, 3], ids=["whole", "bytes", "threes"])
def parse(request) -> Callable[..., Any]:
    """A parser's result, checked to leave trailing bytes alone."""
    return strict(request.param)


@pytest.fixture(scope="session")
def parse_whole() -> Callable[..., Any]:
    """As `parse`, for streams too long to be fed in pieces."""
    return strict(1 << 30)


@pytest.fixture(scope="session")
def feed_whole() -> Callable[[Any, bytes], tuple[Any, bytes]]:
    """A parser's result and what it left."""
    return lambda parser, data: feed(parser, data, 1 << 30)
