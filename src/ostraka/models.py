"""Models as strict JSON: written in the owner's own Python, read under a manifest.

    from ostraka.models import export
    export(fitted, "model.json")

A model is layers of weights and biases, with ReLU between layers, or trees. Estimators are asked
for their `coef_` and `intercept_`, `coefs_` and `intercepts_`, or `tree_` and `estimators_`, as
scikit-learn's have them: linear models, logistic regression, linear support vector machines,
MLPClassifier and MLPRegressor, decision trees, forests of them and gradient boosting. Nothing is
pickled, and no library is imported.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NoReturn

from ostraka.errors import InputError, UsageError

FORMAT: Final = "ostraka-model-1"
"""First entry of every model file."""

_KEYS: Final = ("format", "model", "layers", "weights", "biases", "classes")
_TREE_KEYS: Final = ("format", "model", "layers", "trees", "start", "classes")
_NODE_KEYS: Final = ("features", "thresholds", "left", "right", "values")


# --- in the owner's Python -----------------------------------------------------------------------


def export(estimator: Any, file: str | Path | None = None) -> str:
    """Write a fitted estimator as the JSON that a manifest's "model" input reads.

    Args:
        estimator: has `coef_` and `intercept_`, `coefs_` and `intercepts_`, `tree_`, or
            `estimators_` that have one each.
        file: where to write the text, too; it holds the whole model in the clear.

    Returns:
        The text. Weights are written in full; the manifest says how they are rounded.

    Raises:
        UsageError: the estimator has no such attributes, or computes something else with them.
    """
    if hasattr(estimator, "tree_") or hasattr(estimator, "estimators_"):
        found = _forest(estimator)
    else:
        found = layered(*(_network if hasattr(estimator, "coefs_") else _linear)(estimator))
    found["classes"] = [str(each) for each in getattr(estimator, "classes_", ())]
    try:
        text = json.dumps(found, allow_nan=False)
    except ValueError:
        _unusable(estimator, "has weights that are not finite numbers")
    if file is not None:
        Path(file).write_text(text, encoding="utf-8")
    return text


def layered(weights: list[Any], biases: list[Any], kind: str) -> dict[str, Any]:
    """Return a model of layers as its file holds it: weights by input and then output."""
    layers = [len(weights[0]), *map(len, biases)]
    head = {"format": FORMAT, "model": kind, "layers": layers}
    return {**head, "weights": weights, "biases": biases, "classes": []}


def _linear(estimator: Any) -> tuple[list[Any], list[Any], str]:
    import numpy as np

    if not hasattr(estimator, "coef_") or not hasattr(estimator, "intercept_"):
        _unusable(estimator, "has neither coef_ and intercept_ nor coefs_: is it fitted?")
    coefficients = estimator.coef_
    if hasattr(coefficients, "toarray"):
        coefficients = coefficients.toarray()
    rows = np.atleast_2d(np.asarray(coefficients, np.float64))
    biases = np.broadcast_to(np.asarray(estimator.intercept_, np.float64), len(rows))
    classes = getattr(estimator, "classes_", None)
    if classes is not None and len(rows) != (1 if len(classes) == 2 else len(classes)):
        _unusable(estimator, f"has {len(rows)} rows of coef_ for {len(classes)} classes")
    return [rows.T.tolist()], [biases.tolist()], "linear" if classes is None else "logistic"


def _network(estimator: Any) -> tuple[list[Any], list[Any], str]:
    import numpy as np

    weights = [np.asarray(each, np.float64).tolist() for each in estimator.coefs_]
    biases = [np.asarray(each, np.float64).tolist() for each in estimator.intercepts_]
    activation = getattr(estimator, "activation", "relu")
    if activation != "relu" and len(weights) > 1:
        _unusable(estimator, f'has activation = "{activation}"; only "relu" is computed')
    if getattr(estimator, "out_activation_", "") == "logistic" and len(biases[-1]) > 1:
        _unusable(estimator, "gives several labels at once; one of several classes is computed")
    return weights, biases, "mlp"


def _forest(estimator: Any) -> dict[str, Any]:
    """Return a tree, a forest or gradient boosting as its file holds it."""
    import numpy as np

    features, start = int(getattr(estimator, "n_features_in_", 0)), np.zeros(1)
    trees: list[dict[str, Any]]
    if hasattr(estimator, "tree_"):
        trees = [_tree(estimator, estimator, 1.0)]
    elif hasattr(estimator, "learning_rate") and getattr(estimator.estimators_, "ndim", 1) == 2:
        trees, start = _boosted(estimator, features)
    else:
        if any(hasattr(estimator, key) for key in ("estimators_features_", "estimator_weights_")):
            _unusable(estimator, "weighs or chooses for its trees in a way that is not computed")
        trees = [_tree(estimator, e, 1 / len(estimator.estimators_)) for e in estimator.estimators_]
    outputs = len(trees[0]["values"][0])
    start = np.zeros(outputs) if len(start) != outputs else start
    head = {"format": FORMAT, "model": "trees", "layers": [features, outputs]}
    return {**head, "trees": trees, "start": start.tolist()}


def _tree(estimator: Any, member: Any, factor: float) -> dict[str, Any]:
    """Return one tree, its leaves times a factor: of a classifier, shares of the classes."""
    import numpy as np

    tree = getattr(member, "tree_", None)
    if tree is None or getattr(estimator, "n_outputs_", 1) != 1:
        _unusable(estimator, "is not made of trees with one answer each")
    values = np.asarray(tree.value, np.float64)[:, 0, :]
    if hasattr(estimator, "classes_"):
        values = values / values.sum(1, keepdims=True)
    leaf = np.asarray(tree.children_left) < 0
    columns = (tree.feature, tree.threshold, tree.children_left, tree.children_right)
    feature, threshold, left, right = (np.where(leaf, 0, column) for column in columns)
    rows = (feature, threshold, left, right, values * factor)
    return {key: row.tolist() for key, row in zip(_NODE_KEYS, rows, strict=True)}


def _boosted(estimator: Any, features: int) -> tuple[list[dict[str, Any]], Any]:
    """Return the trees of gradient boosting, each for one output, and what it starts from."""
    import numpy as np

    if getattr(estimator, "init", None) not in (None, "zero"):
        _unusable(estimator, "starts from another model (init), which is not computed")
    outputs = estimator.estimators_.shape[1]
    trees, origin = [], np.zeros((1, features))
    scores = getattr(estimator, "decision_function", estimator.predict)
    start = np.asarray(scores(origin), np.float64).reshape(-1).copy()
    for row in estimator.estimators_:
        for k, member in enumerate(row):
            tree = _tree(member, member, float(estimator.learning_rate))
            start[k] -= float(estimator.learning_rate) * float(member.predict(origin)[0])
            tree["values"] = [[v * (j == k) for j in range(outputs)] for (v,) in tree["values"]]
            trees.append(tree)
    return trees, start


def _unusable(estimator: Any, why: str) -> NoReturn:
    raise UsageError(
        f"this {type(estimator).__name__} {why}",
        hint="export a linear model, a logistic regression, an MLP with ReLU, a decision tree, "
        "a random forest, or gradient boosting",
        data_left=False,
    )


# --- under a manifest ----------------------------------------------------------------------------


def flattened(raw: dict[str, Any], kind: str, layers: Sequence[int]) -> list[Any]:
    """Return the numbers of a model, layer after layer: its weights, by input and then output, and
    its biases.

    Args:
        raw: what a model file holds.
        kind, layers: what the manifest asks for.

    Raises:
        InputError: it is no such model; the message repeats no weight.
    """
    _require_format(raw, _KEYS)
    if raw["model"] != kind:
        _refuse(f'it is "{_short(raw["model"])}", and the manifest asks for "{kind}"')
    if raw["layers"] != list(layers):
        shape = _short(raw["layers"])
        _refuse(f"its layers are {shape}, and the manifest says {list(layers)}")
    _require_layers(raw, len(layers) - 1)
    numbers: list[Any] = []
    pairs = zip(raw["weights"], raw["biases"], layers, layers[1:], strict=False)
    for i, (weights, biases, inputs, outputs) in enumerate(pairs, start=1):
        _require_length(weights, inputs, f"weights of layer {i}")
        for row in weights:
            _require_length(row, outputs, f"a row of the weights of layer {i}")
            numbers += row
        _require_length(biases, outputs, f"biases of layer {i}")
        numbers += biases
    return numbers


@dataclass(frozen=True)
class FlatTrees:
    """Complete trees, one after another: nodes level by level, then leaves.

    Attributes:
        features, thresholds: of each node.
        values: of the leaves, an output after the other, and of the start.
    """

    features: list[int]
    thresholds: list[float]
    values: list[Any]


def flat_trees(raw: dict[str, Any], layers: Sequence[int], count: int, depth: int) -> FlatTrees:
    """Return the trees of a model, with as many and as deep ones as a manifest asks for.

    A leaf that is not so deep is repeated; trees that lack are zero.

    Raises:
        InputError: it is no such model, or has more or deeper trees; no threshold is repeated.
    """
    _require_format(raw, _TREE_KEYS)
    if raw["model"] != "trees" or raw["layers"] != list(layers):
        shape = f'"{_short(raw["model"])}" with {_short(raw["layers"])}'
        _refuse(f'it is {shape}, and the manifest asks for "trees" with {list(layers)}')
    _require_length(raw["start"], layers[1], "start")
    if not isinstance(raw["trees"], list) or len(raw["trees"]) > count:
        _refuse(f"it must have at most {count} trees")
    flat = FlatTrees([], [], [])
    for i, tree in enumerate(raw["trees"], start=1):
        _add_tree(flat, tree, layers, depth, f"tree {i}")
    lacking = count - len(raw["trees"])
    flat.features.extend([0] * lacking * ((1 << depth) - 1))
    flat.thresholds.extend([0.0] * lacking * ((1 << depth) - 1))
    flat.values.extend([0] * (lacking * layers[1] << depth))
    flat.values.extend(raw["start"])
    return flat


def _add_tree(flat: FlatTrees, tree: Any, layers: Sequence[int], depth: int, what: str) -> None:
    if not isinstance(tree, dict) or set(tree) != set(_NODE_KEYS):
        _refuse(f"{what} must have {', '.join(_NODE_KEYS)}")
    size = len(tree["left"]) if isinstance(tree["left"], list) else 0
    for key in _NODE_KEYS:
        _require_length(tree[key], max(1, size), f"{what}: {key}")
    at = [0]
    for i in range((1 << depth) - 1):
        node = at[i]
        left, right, feature, threshold = (tree[k][node] for k in _NODE_KEYS[2:4] + _NODE_KEYS[:2])
        if left == right == 0 and type(left) is type(right) is int:
            left = right = node
            feature, threshold = 0, math.inf
        elif not all(type(child) is int and node < child < size for child in (left, right)):
            _refuse(f"{what}: a node's children must come behind it")
        if type(feature) is not int or not 0 <= feature < layers[0]:
            _refuse(f"{what}: features are numbered from 0 to {layers[0] - 1}")
        flat.features.append(feature)
        flat.thresholds.append(_finite(threshold, what) if threshold != math.inf else math.inf)
        at += [left, right]
    for node in at[(1 << depth) - 1 :]:
        if tree["left"][node] or tree["right"][node]:
            _refuse(f"{what} is deeper than {depth}")
        _require_length(tree["values"][node], layers[1], f"{what}: values of a leaf")
        flat.values.extend(tree["values"][node])


def _finite(threshold: object, what: str) -> float:
    if isinstance(threshold, bool) or not isinstance(threshold, int | float | Decimal):
        _refuse(f"{what}: a threshold is not a number")
    return float(threshold)


def _require_format(raw: dict[str, Any], keys: Sequence[str]) -> None:
    if raw.get("format") != FORMAT:
        _refuse(f'"format" must be "{FORMAT}"')
    if unknown := set(raw) - set(keys):
        _refuse(f'it has the unknown entry "{_short(min(unknown))}"')
    if missing := [key for key in keys[:-1] if key not in raw]:
        _refuse(f'it has no "{missing[0]}"')


def _require_layers(raw: dict[str, Any], layers: int) -> None:
    for key in ("weights", "biases"):
        _require_length(raw[key], layers, f"layers of {key}")


def _require_length(found: object, length: int, what: str) -> None:
    if not isinstance(found, list) or len(found) != length:
        _refuse(f"{what}: there must be {length}")


def _short(value: object) -> str:
    return str(value)[:80]


def _refuse(problem: str) -> NoReturn:
    raise InputError(
        f"this is not the model that the manifest asks for: {problem}",
        hint="write it with ostraka.models.export(estimator)",
        data_left=False,
    )
