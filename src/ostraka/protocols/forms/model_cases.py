"""Cases of `ostraka bench` with a made-up model and made-up queries."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostraka.models import FORMAT
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


def made_up_forest(features: int, count: int, depth: int) -> BenchCase:
    """Return a case: "p1" gives whole numbers up to 255 in `size` queries, "p2" complete trees of
    a depth; exact scores are revealed."""
    nodes, scale = (1 << depth) - 1, 1 << 8
    length = count * nodes * (features + 1) + count * (nodes + 1) + 1

    def tables(size: int) -> Tables:
        query = {"type": "int", "length": size * features, "min": 0, "max": 255}
        model = {"type": "float(8)", "length": length, "min": -1, "max": 1}
        given = zip(("query", "model"), ("p1", "p2"), (query, model), strict=True)
        asked = {"model": "trees", "layers": [features, 1], "trees": count, "depth": depth}
        return {
            "input": [{"name": name, "of": [owner], **table} for name, owner, table in given],
            "outputs": {**asked, "reveal": "score", "checked": False},
        }

    def value(party: int, size: int) -> Any:
        if party != 1:
            return np.arange(size * features) * 31 % 256
        return {
            "format": FORMAT,
            "model": "trees",
            "layers": [features, 1],
            "trees": [_made_up_tree(features, nodes, k) for k in range(count)],
            "start": [0],
        }

    def expected(_: int, size: int) -> tuple[NDArray[np.int64]]:
        queries = value(0, size).reshape(size, features)
        found = [_walked(tree, queries) for tree in value(1, size)["trees"]]
        return ((np.sum(found, axis=0) * scale).astype(np.int64),)

    return BenchCase(tables, value, expected, owners=2)


def _made_up_tree(features: int, nodes: int, seed: int) -> dict[str, Any]:
    places = np.arange(2 * nodes + 1)
    inner = places < nodes
    rows = {
        "features": (places * 7919 + seed) % features,
        "thresholds": (places * 31 + seed * 17) % 256,
        "left": 2 * places + 1,
        "right": 2 * places + 2,
    }
    values = ((places * 13 + seed) % 256 - 128) / 256
    found = {key: np.where(inner, row, 0).tolist() for key, row in rows.items()}
    return {**found, "values": values[:, None].tolist()}


def _walked(tree: dict[str, Any], queries: NDArray[Any]) -> NDArray[np.float64]:
    at, rows = np.zeros(len(queries), np.int64), np.arange(len(queries))
    columns = {key: np.array(tree[key]) for key in tree}
    while (left := columns["left"][at]).any():
        goes = queries[rows, columns["features"][at]] <= columns["thresholds"][at]
        at = np.where(goes, left, columns["right"][at])
    found: NDArray[np.float64] = columns["values"][at, 0]
    return found
