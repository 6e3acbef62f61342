"""Cases of `ostraka bench`: made-up inputs to time a protocol with, and what must come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Tables = Mapping[str, Mapping[str, Any] | Sequence[Mapping[str, Any]]]
"""Tables of a manifest by name: {"input": {"type": "int", ...}, ...}; several inputs are a list."""


def _no_privacy(size: int) -> Mapping[str, Mapping[str, Any]]:
    return {"none": {}}


@dataclass(frozen=True)
class BenchCase:
    """One case of `bench`: a protocol on made-up inputs of a given size.

    Attributes:
        tables: from a size to the manifest's `[input]` and `[outputs]`.
        value: from a contributor's place and a size to that contributor's raw input.
        expected: from the number of contributors and a size to the opened numbers of each output,
            in order; a noised output may differ by its error.
        privacy: from a size to the `[privacy]` of each session that is compared, by name.
        absent: whether `size` contributors who are not there have shared beforehand, and what is
            timed leads from their shares to the result.
        owners: how many of the parties contribute, the first ones; None for all. The others compute
            and receive.
    """

    tables: Callable[[int], Tables]
    value: Callable[[int, int], Any]
    expected: Callable[[int, int], tuple[NDArray[Any], ...]]
    privacy: Callable[[int], Mapping[str, Mapping[str, Any]]] = _no_privacy
    absent: bool = False
    owners: int | None = None


def yes_or_no_input(size: int) -> Tables:
    """Describe `size` answers of yes or no from each contributor."""
    return {"input": {"type": "bool", "length": size}}


def yes_or_no(voter: int, size: int) -> NDArray[np.bool_]:
    """Make up answers that differ between neighbours."""
    found: NDArray[np.bool_] = (np.arange(size) + voter) % 2 == 0
    return found


def yes_votes(n: int, size: int) -> tuple[NDArray[np.int64]]:
    """Count the made-up answers that are yes."""
    return (np.sum([yes_or_no(voter, size) for voter in range(n)], axis=0),)


def numbers(voter: int, size: int) -> NDArray[np.int64]:
    """Make up a contributor's vector, in place: copies would count as the protocol's memory."""
    x = np.arange(size)
    x %= 1000
    x += voter
    return x


def sum_of_numbers(n: int, size: int) -> tuple[NDArray[np.int64]]:
    """Add up the made-up vectors of n contributors."""
    x = numbers(0, size)
    x *= n
    x += n * (n - 1) // 2
    return (x,)


def noises(size: int) -> dict[str, dict[str, Any]]:
    """List `[privacy]` tables: no noise; for a histogram at epsilon 1; for a long vector."""
    laplace = {"mechanism": "discrete-laplace", "epsilon": size / 2}
    gaussian = {"mechanism": "discrete-gaussian", "epsilon": 1, "delta": 1e-6}
    return {
        "none": {},
        "discrete Laplace": {"central": laplace},
        "discrete Gaussian": {"central": gaussian},
    }


REPORT: Final = 24
"""Options of a report that `bench reports` makes up."""


def _one_hot_input(_: int) -> Tables:
    options = ", ".join(f'"{i}"' for i in range(REPORT))
    return {
        "input": {"type": f"choice([{options}])"},
        "outputs": {"statistics": ["histogram"], "invalid": "exclude"},
    }


def _choices(_: int, size: int) -> tuple[NDArray[np.int64]]:
    return (np.bincount(np.arange(size) % REPORT, minlength=REPORT)[None],)


def _bounded_input(_: int) -> Tables:
    bounds = {"min": 0, "max": (1 << 20) - 1}
    return {"input": {"type": "int", **bounds}, "outputs": {"invalid": "exclude"}}


UPDATE: Final = 100_000
"""Elements of an update that `bench reports-clipped` makes up."""


def _update_input(_: int) -> Tables:
    bounds = {"min": -(1 << 16), "max": 1 << 16}
    return {
        "input": {"type": "int", "length": UPDATE, **bounds},
        "outputs": {"invalid": "exclude"},
    }


def _clipped(_: int) -> dict[str, dict[str, Any]]:
    gaussian = {"mechanism": "discrete-gaussian", "epsilon": 1, "delta": 1e-6}
    return {"": {"central": gaussian, "clip": {"norm": "l2", "at": 1 << 16}}}


def _update(voter: int, _: int) -> NDArray[np.int64]:
    return np.arange(voter, voter + UPDATE, dtype=np.int64) % 256


_CLIPPED: Final = BenchCase(
    _update_input,
    _update,
    lambda _, size: (np.sum([_update(voter, size) for voter in range(size)], axis=0),),
    _clipped,
    absent=True,
)

SUM_CASES: Final = {
    "learn": _CLIPPED,  # a round of so many devices
    "reports": BenchCase(
        _one_hot_input, lambda voter, _: str(voter % REPORT), _choices, absent=True
    ),
    "reports-bounded": BenchCase(
        _bounded_input,
        lambda voter, _: voter,
        lambda _, size: (np.array([size * (size - 1) // 2]),),
        absent=True,
    ),
    "reports-clipped": _CLIPPED,
    "sum": BenchCase(
        lambda size: {"input": {"type": "int", "length": size, "min": 0, "max": 1_000_000}},
        numbers,
        sum_of_numbers,
    ),
    "noise": BenchCase(yes_or_no_input, yes_or_no, yes_votes, noises),
}
"""Cases of sums."""
