"""Cases of `ostraka bench` with a made-up model and made-up queries."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostraka.protocols.bench_case import BenchCase, Tables
from ostraka.protocols.forms.layers import Layers, Numbers


def made_up_model(layers: tuple[int, ...], top: int, bits: int, **outputs: Any) -> BenchCase:
    """Return a case: "p1" gives whole numbers up to `top` in `size` queries, "p2" weights
    of so many bits. Expected are labels, or scores of a model with one output."""
    count = sum((a + 1) * b for a, b in pairwise(layers))

    def tables(size: int) -> Tables:
        query = {"type": "int", "length": size * layers[0], "min": 0, "max": top}
        model = {"type": f"float({bits})", "length": count, "min": -1, "max": 1}
        given = zip(("query", "model"), ("p1", "p2"), (query, model), strict=True)
        inputs = [{"name": name, "of": [owner], **table} for name, owner, table in given]
        return {"input": inputs, "outputs": {"layers": list(layers), **outputs}}

    def value(party: int, size: int) -> NDArray[Any]:
        if party != 1:
            return np.arange(size * layers[0]) * 31 % (top + 1)
        return (np.arange(count) * 7919 % 801 - 400) / (1 << bits)

    def expected(_: int, size: int) -> tuple[NDArray[np.int64]]:
        found, model = value(0, size).reshape(size, -1), value(1, size) * (1 << bits)
        one = (
            Numbers(Fraction(1), top, Fraction(0)),
            Numbers(Fraction(1, 1 << bits), 400, Fraction(0)),
        )
        scores = Layers(layers, *one).scores(found, model.astype(np.int64))
        return (scores.argmax(1) if layers[-1] > 1 else scores[:, 0],)

    return BenchCase(tables, value, expected, owners=2)
