"""Handwritten digits that scikit-learn ships, dealt to devices unevenly: to try learning out.

97 examples are taken for public: features are centred by their mean and turned into their first
principal components, each example scaled to length 1. 360 are kept to test with. Each device has
some classes more than others (Dirichlet). All draws are seeded.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from ostraka.errors import UsageError
from ostraka.learning.model import Vector
from ostraka.learning.training import Examples

PUBLIC: Final = 97
TESTED: Final = 360
CLASSES: Final = 10


@dataclass(frozen=True)
class Digits:
    """Digits of several devices, and those to test with."""

    devices: tuple[Examples, ...]
    test: Examples


def load(devices: int, *, features: int = 24, evenness: float = 0.5, seed: int = 3) -> Digits:
    """Return digits of 8 by 8 pixels, dealt to devices.

    Args:
        features: principal components an example has, at most 64.
        evenness: Dirichlet's parameter: the smaller, the fewer classes has a device.
        seed: of the order and of the deal.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    draw = np.random.default_rng(seed)  # noqa: TID251 - public examples, no secrets
    pixels, labels = _table()
    order = draw.permutation(len(labels))
    x, y = pixels[order] / 16, labels[order]
    public = x[:PUBLIC]
    directions = np.linalg.svd(public - public.mean(0), full_matrices=False)[2][:features]
    z = (x - public.mean(0)) @ directions.T
    z /= np.maximum(1e-9, np.linalg.norm(z, axis=1, keepdims=True))
    rest, own = z[PUBLIC:-TESTED], y[PUBLIC:-TESTED]
    dealt = _deal(own, devices, evenness, draw)
    return Digits(
        tuple(Examples(rest[part], own[part]) for part in dealt),
        Examples(z[-TESTED:], y[-TESTED:]),
    )


def _table() -> tuple[Vector, Any]:
    """Read the table of digits without importing scikit-learn, which takes a second."""
    found = find_spec("sklearn")
    if found is None or found.origin is None:
        raise UsageError(
            "the digits come with scikit-learn, which is not installed",
            hint="pip install scikit-learn",
            data_left=False,
        )
    table = np.loadtxt(Path(found.origin).parent / "datasets/data/digits.csv.gz", delimiter=",")
    return table[:, :64], table[:, 64].astype(np.int64)


def _deal(labels: Any, devices: int, evenness: float, draw: Any) -> list[Any]:
    """Deal examples: equally many to each device, of classes in its own proportions."""
    pools = [draw.permutation(np.flatnonzero(labels == c)).tolist() for c in range(CLASSES)]
    wanted, dealt = len(labels) // devices, []
    for _ in range(devices):
        liking, mine = draw.dirichlet([evenness] * CLASSES), list[int]()
        while len(mine) < wanted:
            left = np.array([bool(pool) for pool in pools])
            weight = (liking + 1e-9) * left
            mine.append(pools[draw.choice(CLASSES, p=weight / weight.sum())].pop())
        dealt.append(np.array(mine))
    return dealt
