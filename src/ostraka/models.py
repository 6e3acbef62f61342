"""Models as strict JSON: written in the owner's own Python, read under a manifest.

    from ostraka.models import export
    export(fitted, "model.json")

A model is layers of weights and biases, with ReLU between layers. Estimators are asked for their
`coef_` and `intercept_`, or `coefs_` and `intercepts_`, as scikit-learn's have them: linear models,
logistic regression, linear support vector machines, MLPClassifier and MLPRegressor. Nothing is
pickled, and no library is imported.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from ostraka.errors import InputError, UsageError

FORMAT: Final = "ostraka-model-1"
"""First entry of every model file."""

_KEYS: Final = ("format", "model", "layers", "weights", "biases", "classes")


# --- in the owner's Python -----------------------------------------------------------------------


def export(estimator: Any, file: str | Path | None = None) -> str:
    """Write a fitted estimator as the JSON that a manifest's "model" input reads.

    Args:
        estimator: has `coef_` and `intercept_`, or `coefs_` and `intercepts_`.
        file: where to write the text, too; it holds the whole model in the clear.

    Returns:
        The text. Weights are written in full; the manifest says how they are rounded.

    Raises:
        UsageError: the estimator has no such attributes, or computes something else with them.
    """
    weights, biases, kind = (_network if hasattr(estimator, "coefs_") else _linear)(estimator)
    found = {
        "format": FORMAT,
        "model": kind,
        "layers": [len(weights[0]), *map(len, biases)],
        "weights": weights,
        "biases": biases,
        "classes": [str(each) for each in getattr(estimator, "classes_", ())],
    }
    try:
        text = json.dumps(found, allow_nan=False)
    except ValueError:
        _unusable(estimator, "has weights that are not finite numbers")
    if file is not None:
        Path(file).write_text(text, encoding="utf-8")
    return text


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


def _unusable(estimator: Any, why: str) -> NoReturn:
    raise UsageError(
        f"this {type(estimator).__name__} {why}",
        hint="export a linear model, a logistic regression, or an MLP with ReLU",
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
    _require_format(raw)
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


def _require_format(raw: dict[str, Any]) -> None:
    if raw.get("format") != FORMAT:
        _refuse(f'"format" must be "{FORMAT}"')
    if unknown := set(raw) - set(_KEYS):
        _refuse(f'it has the unknown entry "{_short(min(unknown))}"')
    if missing := [key for key in _KEYS[:-1] if key not in raw]:
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
