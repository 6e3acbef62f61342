"""Model files: what estimators become, what is refused, and scikit-learn where it is installed."""

import json
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn import ensemble, tree
from sklearn import linear_model as linear
from sklearn import neural_network as networks

from ostraka import strict_json
from ostraka.errors import InputError, UsageError
from ostraka.models import FORMAT, export, flat_trees, flattened


def read(text):
    return strict_json.parse(text, parse_float=Decimal)


def floats(numbers):
    return [float(number) for number in numbers]


def test_a_linear_model_has_one_output():
    model = SimpleNamespace(coef_=np.array([0.5, -2.0, 0.1]), intercept_=0.25)
    assert floats(flattened(read(export(model)), "linear", [3, 1])) == [0.5, -2.0, 0.1, 0.25]


def test_several_classes_are_columns():
    model = SimpleNamespace(
        coef_=np.arange(6.0).reshape(3, 2),
        intercept_=np.array([7.0, 8.0, 9.0]),
        classes_=["a", "b", "c"],
    )
    raw = read(export(model))
    assert floats(flattened(raw, "logistic", [2, 3])) == [0, 2, 4, 1, 3, 5, 7, 8, 9]
    assert raw["classes"] == ["a", "b", "c"]


def test_a_network_is_its_layers_one_after_another():
    model = SimpleNamespace(
        coefs_=[np.ones((2, 3)), np.full((3, 1), 2.0)],
        intercepts_=[np.full(3, 3.0), np.array([4.0])],
        activation="relu",
    )
    raw = read(export(model))
    assert raw["layers"] == [2, 3, 1]
    assert floats(flattened(raw, "mlp", [2, 3, 1])) == [1] * 6 + [3] * 3 + [2] * 3 + [4]


def test_a_missing_intercept_is_zero_and_sparse_weights_are_read(tmp_path):
    sparse = SimpleNamespace(toarray=lambda: np.array([[1.0, 2.0]]))
    model = SimpleNamespace(coef_=sparse, intercept_=0.0, classes_=[0, 1])
    text = export(model, tmp_path / "model.json")
    assert (tmp_path / "model.json").read_text() == text
    assert floats(flattened(read(text), "logistic", [2, 1])) == [1, 2, 0]


TWO = [np.ones((1, 2)), np.ones((2, 2))]
BIASES = [np.ones(2), np.ones(2)]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (object(), "neither coef_"),
        (SimpleNamespace(coef_=np.array([np.nan]), intercept_=0.0), "not finite"),
        (
            SimpleNamespace(coef_=np.ones((2, 2)), intercept_=0.0, classes_=[0, 1]),
            "2 rows of coef_",
        ),
        (SimpleNamespace(coefs_=TWO, intercepts_=BIASES, activation="tanh"), "tanh"),
        (SimpleNamespace(coefs_=TWO, intercepts_=BIASES, out_activation_="logistic"), "several"),
    ],
)
def test_what_would_compute_something_else_is_not_exported(model, words):
    with pytest.raises(UsageError, match=words):
        export(model)


GOOD = {
    "format": FORMAT,
    "model": "logistic",
    "layers": [2, 1],
    "weights": [[[1], [2]]],
    "biases": [[3]],
}


def test_classes_may_be_left_out():
    assert flattened(GOOD, "logistic", (2, 1)) == [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "pickle"}, "format"),
        ({"weigths": []}, "unknown entry"),
        ({"model": "mlp"}, 'asks for "logistic"'),
        ({"layers": [3, 1]}, "layers are"),
        ({"layers": "x" * 10_000}, "layers are"),
        ({"weights": []}, "layers of weights"),
        ({"weights": [[[1]]]}, "weights of layer 1: there must be 2"),
        ({"weights": [[[1], [2, 3]]]}, "a row"),
        ({"weights": [[1, 2]]}, "a row"),
        ({"biases": [3]}, "biases of layer 1"),
        ({"biases": None}, "layers of biases"),
    ],
)
def test_a_file_that_is_no_such_model_is_refused(change, words):
    with pytest.raises(InputError, match=words) as caught:
        flattened({**GOOD, **change}, "logistic", (2, 1))
    assert caught.value.data_left is False
    assert len(caught.value.message) < 300


def test_an_entry_that_is_missing_is_named():
    with pytest.raises(InputError, match='no "biases"'):
        flattened({k: v for k, v in GOOD.items() if k != "biases"}, "logistic", (2, 1))


def test_what_scikit_learn_fits_gives_its_own_scores():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    fitted = {
        "linear": [linear.LinearRegression().fit(x, x @ np.arange(4))],
        "logistic": [
            linear.LogisticRegression().fit(x, y),
            linear.LogisticRegression().fit(x, y > 1),
        ],
        "mlp": [networks.MLPClassifier((5,), solver="lbfgs", max_iter=2000).fit(x, y)],
    }
    for kind, models in fitted.items():
        for model in models:
            raw = json.loads(export(model))
            found = x
            for i, (weights, biases) in enumerate(zip(raw["weights"], raw["biases"], strict=True)):
                found = np.maximum(found, 0) if i else found
                found = found @ np.array(weights) + np.array(biases)
            assert raw["model"] == kind
            if kind == "linear":
                assert np.allclose(found[:, 0], model.predict(x))
            else:
                place = found.argmax(1) if found.shape[1] > 1 else found[:, 0] > 0
                assert (model.classes_[place.astype(int)] == model.predict(x)).all()


# --- trees

RNG = np.random.default_rng(5)
X = RNG.integers(-20, 20, (80, 3))
Y = (X[:, 0] * X[:, 1] > X[:, 2] * 5).astype(int) + (X[:, 2] > 6)
WORDS = np.array(["low", "middle", "high"])[Y]
FITTED = {
    "tree": tree.DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, WORDS),
    "tree of numbers": tree.DecisionTreeRegressor(max_depth=4, random_state=0).fit(
        X, X @ [1, 2, 3]
    ),
    "forest": ensemble.RandomForestClassifier(7, max_depth=3, random_state=0).fit(X, WORDS),
    "forest of numbers": ensemble.ExtraTreesRegressor(5, max_depth=3, random_state=0).fit(
        X, X[:, 0]
    ),
    "boosting of two": ensemble.GradientBoostingClassifier(n_estimators=6, random_state=0).fit(
        X, Y > 0
    ),
    "boosting": ensemble.GradientBoostingClassifier(n_estimators=4, random_state=0).fit(X, WORDS),
    "boosting of numbers": ensemble.GradientBoostingRegressor(n_estimators=5, random_state=0).fit(
        X, X[:, 2] * 2
    ),
}
STUMP = {"features": [1, 0, 0], "thresholds": [2.5, 0, 0], "left": [1, 0, 0], "right": [2, 0, 0],
         "values": [[0], [1], [2]]}  # fmt: skip
STUMPS = {"format": FORMAT, "model": "trees", "layers": [2, 1], "trees": [STUMP], "start": [0]}


def score(flat, row, outputs, depth):
    """Walk complete trees: node i has the children 2 i + 1 and 2 i + 2."""
    nodes = 2**depth - 1
    total = [float(v) for v in flat.values[-outputs:]]
    for tree_ in range(len(flat.features) // nodes):
        at = 0
        while at < nodes:
            place = tree_ * nodes + at
            at = 2 * at + (1 if row[flat.features[place]] <= flat.thresholds[place] else 2)
        leaf = (tree_ * (nodes + 1) + at - nodes) * outputs
        total = [
            t + float(v) for t, v in zip(total, flat.values[leaf : leaf + outputs], strict=True)
        ]
    return total


@pytest.mark.parametrize("name", FITTED)
def test_trees_of_scikit_learn_give_its_own_answers(name):
    fitted = FITTED[name]
    raw = read(export(fitted))
    outputs, depth = raw["layers"][1], 4
    flat = flat_trees(raw, raw["layers"], len(raw["trees"]) + 2, depth)
    found = np.array([score(flat, row, outputs, depth) for row in X])
    if not hasattr(fitted, "classes_"):
        assert np.allclose(found[:, 0], fitted.predict(X))
    elif hasattr(fitted, "decision_function"):
        assert np.allclose(found.squeeze(), fitted.decision_function(X))
    else:
        assert np.allclose(found, fitted.predict_proba(X))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"trees": [STUMP] * 3}, "at most 2 trees"),
        ({"layers": [3, 1]}, "asks for"),
        ({"start": []}, "start"),
        ({"more": 1}, "unknown entry"),
        ({"trees": [{**STUMP, "left": [0, 0, 0]}]}, "must come behind"),
        ({"trees": [{**STUMP, "left": [3, 0, 0]}]}, "must come behind"),
        ({"trees": [{**STUMP, "left": [True, 0, 0]}]}, "must come behind"),
        ({"trees": [{**STUMP, "features": [2, 0, 0]}]}, "numbered from 0 to 1"),
        ({"trees": [{**STUMP, "thresholds": ["x", 0, 0]}]}, "not a number"),
        ({"trees": [{**STUMP, "values": [[0], [1], [2, 3]]}]}, "values of a leaf"),
        ({"trees": [{**STUMP, "left": [1, 2, 0], "right": [2, 2, 0]}]}, "deeper than 1"),
        ({"trees": [{}]}, "must have"),
        ({"trees": [{**STUMP, "left": []}]}, "there must be 1"),
    ],
)
def test_a_file_that_holds_no_such_trees_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        flat_trees({**STUMPS, **change}, [2, 1], 2, 1)


def test_what_is_no_sum_of_trees_is_not_exported():
    weighted = ensemble.AdaBoostClassifier(n_estimators=2).fit(X, Y)
    started = ensemble.GradientBoostingRegressor(n_estimators=1, init=linear.LinearRegression())
    for model, words in (
        (weighted, "weighs or chooses"),
        (started.fit(X, X[:, 0]), "starts from another"),
        (tree.DecisionTreeRegressor().fit(X, X), "one answer"),
    ):
        with pytest.raises(UsageError, match=words):
            export(model)
