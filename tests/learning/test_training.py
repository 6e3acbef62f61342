"""Trainers: their gradients are those of the loss, and their updates help."""

import numpy as np
import pytest

from ostraka.learning.training import Examples, Logistic, Perceptron, accuracy, softmax

DRAW = np.random.default_rng(1)
EXAMPLES = Examples(DRAW.normal(size=(12, 3)), DRAW.integers(0, 4, 12))
START = {
    Logistic: {"weights": DRAW.normal(size=(3, 4))},
    Perceptron: {
        "hidden": DRAW.normal(size=(3, 5)),
        "hidden_bias": DRAW.normal(size=5),
        "weights": DRAW.normal(size=(5, 4)),
        "bias": DRAW.normal(size=4),
    },
}


def loss(kind, layers):
    chosen = softmax(kind.scores(layers, EXAMPLES.inputs))[range(12), EXAMPLES.labels]
    return -np.log(chosen).mean()


@pytest.mark.parametrize("kind", [Logistic, Perceptron])
def test_a_step_goes_down_the_gradient(kind):
    rate, small = 1e-3, 1e-6
    after = kind(EXAMPLES, rate=rate, steps=1)(START[kind], 1)
    for name, layer in START[kind].items():
        slope = np.empty(layer.shape)
        for at in np.ndindex(layer.shape):
            moved = {k: v.copy() for k, v in START[kind].items()}
            moved[name][at] += small
            slope[at] = (loss(kind, moved) - loss(kind, START[kind])) / small
        assert np.allclose((layer - after[name]) / rate, slope, atol=1e-4)


@pytest.mark.parametrize("kind", [Logistic, Perceptron])
def test_steps_leave_the_model_that_was_given_alone_and_lower_the_loss(kind):
    before = {name: layer.copy() for name, layer in START[kind].items()}
    after = kind(EXAMPLES, rate=0.1, steps=20)(START[kind], 1)
    assert all((START[kind][name] == before[name]).all() for name in before)
    assert loss(kind, after) < loss(kind, before)


def test_accuracy_is_the_part_that_is_right():
    scores = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0], [0.0, 3.0]])
    assert accuracy(scores, np.array([0, 1, 1, 1])) == 0.75
