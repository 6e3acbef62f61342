"""Cases of `ostraka bench` with two lists of which three quarters are in common."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ostraka.protocols.bench_case import BenchCase, Tables


def _rows(owner: int, size: int) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Make up a list: three quarters of it are in the next owner's list too."""
    first = owner * (size // 4)
    return [f"id-{i:09d}" for i in range(first, first + size)], np.arange(size) % 1000


def _expected(_: int, size: int) -> tuple[np.ndarray[Any, Any], ...]:
    first, count = size // 4, size - size // 4
    sums = [(np.arange(start, start + count) % 1000).sum() for start in (first, 0)]
    return tuple(np.array([number]) for number in (count, *sums))


def _case(hide: str) -> BenchCase:
    def tables(size: int) -> Tables:
        return {
            "input": {"type": "int", "length": size, "min": 0, "max": 999},
            "outputs": {"figures": ["size", "sum"], "hide": hide},
        }

    return BenchCase(tables, _rows, _expected, owners=2)


BENCH: Final = {"join": _case("all-but-pattern"), "join-hidden": _case("everything")}
