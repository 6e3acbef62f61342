"""Trainers: what a device does with a model and its own examples; two of them, by NumPy alone.

A trainer takes the layers of a model and the number of a round, and returns the layers after
training. It never sees another device's data, and no party sees its.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostraka.learning.model import Vector

Trainer = Callable[[dict[str, Vector], int], Mapping[str, Any]]
"""Function from the layers of a model and a round's number to the layers after training."""


@dataclass(frozen=True)
class Examples:
    """Examples of one device.

    Attributes:
        inputs: shape (examples, features).
        labels: numbers of classes, shape (examples,).
    """

    inputs: Vector
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Logistic:
    """Multinomial logistic regression, by steps of gradient descent over all own examples.

    Layers: weights (features, classes).
    """

    examples: Examples
    rate: float = 8.0
    steps: int = 5

    def __call__(self, layers: dict[str, Vector], number: int) -> Mapping[str, Any]:
        w, x = layers["weights"].copy(), self.examples.inputs
        truth = np.eye(w.shape[1])[self.examples.labels]
        for _ in range(self.steps):
            w -= self.rate * x.T @ (softmax(x @ w) - truth) / len(x)
        return {"weights": w}

    @staticmethod
    def scores(layers: Mapping[str, Vector], x: Vector) -> Vector:
        """Return the scores of each class, shape (examples, classes)."""
        return x @ layers["weights"]


@dataclass(frozen=True)
class Perceptron:
    """Network of one hidden layer with ReLU, by steps of gradient descent over all own examples.

    Layers: hidden (features, width), hidden_bias (width,), weights (width, classes), bias
    (classes,).
    """

    examples: Examples
    rate: float = 1.0
    steps: int = 3

    def __call__(self, layers: dict[str, Vector], number: int) -> Mapping[str, Any]:
        found = {name: layer.copy() for name, layer in layers.items()}
        x = self.examples.inputs
        truth = np.eye(len(found["bias"]))[self.examples.labels]
        for _ in range(self.steps):
            h = _hidden(found, x)
            error = (softmax(h @ found["weights"] + found["bias"]) - truth) / len(x)
            back = (error @ found["weights"].T) * (h > 0)
            found["hidden"] -= self.rate * x.T @ back
            found["hidden_bias"] -= self.rate * back.sum(0)
            found["weights"] -= self.rate * h.T @ error
            found["bias"] -= self.rate * error.sum(0)
        return found

    @staticmethod
    def scores(layers: Mapping[str, Vector], x: Vector) -> Vector:
        """Return the scores of each class, shape (examples, classes)."""
        found: Vector = _hidden(layers, x) @ layers["weights"] + layers["bias"]
        return found


def _hidden(layers: Mapping[str, Vector], x: Vector) -> Vector:
    found: Vector = np.maximum(0, x @ layers["hidden"] + layers["hidden_bias"])
    return found


def softmax(scores: Vector) -> Vector:
    """Return probabilities of classes, each row adding up to 1."""
    e = np.exp(scores - scores.max(1, keepdims=True))
    found: Vector = e / e.sum(1, keepdims=True)
    return found


def accuracy(scores: Vector, labels: NDArray[np.int64]) -> float:
    """Return the part of examples whose best class is the labelled one."""
    return float((scores.argmax(1) == labels).mean())
