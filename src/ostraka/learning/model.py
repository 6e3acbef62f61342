"""Models that are learned: named layers of numbers, which are one vector in sessions.

Numbers are float64. All parties compute the next model from the same aggregate by the same two
operations an element, so they have the same bits, and the model's digest can be in a manifest.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ostraka.errors import InputError, UsageError
from ostraka.files import replacing

Vector = NDArray[np.float64]

MODEL_BYTES: Final = 1 << 30
"""Bytes of a model's file."""


@dataclass(frozen=True)
class LayerShapes:
    """Shapes of a model's layers, by name, in the order of its vector."""

    shapes: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def size(self) -> int:
        """Number of elements of the vector."""
        return sum(math.prod(shape) for _, shape in self.shapes)

    def split(self, vector: Vector) -> dict[str, Vector]:
        """Return the layers of a vector, which share its memory."""
        layers, at = {}, 0
        for name, shape in self.shapes:
            end = at + math.prod(shape)
            layers[name] = vector[at:end].reshape(shape)
            at = end
        return layers

    def join(self, layers: Mapping[str, Any]) -> Vector:
        """Return layers as one new vector.

        Raises:
            InputError: a layer is missing, too many, of another shape, or not finite.
        """
        names = [name for name, _ in self.shapes]
        if set(layers) != set(names):
            raise _wrong(f"the layers are {', '.join(layers)} instead of {', '.join(names)}")
        parts = [_layer(name, shape, layers[name]) for name, shape in self.shapes]
        return np.concatenate(parts) if parts else np.empty(0)


def _layer(name: str, shape: tuple[int, ...], given: Any) -> Vector:
    found = np.asarray(given, np.float64)
    if found.shape != shape:
        raise _wrong(f"layer {name} has shape {found.shape} instead of {shape}")
    if not np.isfinite(found).all():
        raise _wrong(f"layer {name} holds numbers that are not finite")
    return found.ravel()


def _wrong(problem: str) -> InputError:
    hint = "a trainer returns the layers that it was given, with other numbers; nothing was sent"
    return InputError(problem, hint=hint, data_left=False)


def digest(shapes: LayerShapes, vector: Vector) -> str:
    """Return the digest of a model as manifests have it: "sha256:" and 64 hex digits.

    It is of "ostraka model 1", each layer's name and shape, and all numbers in little-endian order;
    -0 counts as 0.
    """
    head = "".join(f"{name}{list(shape)}" for name, shape in shapes.shapes)
    body = (vector + 0.0).astype("<f8").tobytes()
    said = b"ostraka model 1\0" + head.encode() + b"\0" + body
    return f"sha256:{hashlib.sha256(said).hexdigest()}"


def save(path: Path, shapes: LayerShapes, vector: Vector) -> None:
    """Write a model as an .npz file of its layers."""
    with replacing(path) as file:
        layers: dict[str, Any] = dict(shapes.split(vector))
        np.savez(file.buffer, **layers)


def left(directory: Path, number: int) -> Path:
    """Return where a directory that parties share has the model after a round."""
    return directory / f"model-{number}.npz"


def leave(directory: Path, number: int, shapes: LayerShapes, vector: Vector) -> None:
    """Write the model after a round into a directory that parties share; make it if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    save(left(directory, number), shapes, vector)


def load(path: Path, shapes: LayerShapes) -> Vector:
    """Read a model that `save` wrote; nothing in the file is unpickled.

    Raises:
        UsageError: the file is unreadable, or of another model.
    """
    try:
        if path.stat().st_size > MODEL_BYTES:
            raise ValueError("it is too large")
        with np.load(path, allow_pickle=False) as file:
            return shapes.join({name: file[name] for name in file.files})
    except (OSError, ValueError, EOFError, InputError) as error:
        message = f"{path} is not a model of this study: {error}"
        raise UsageError(message, data_left=False) from None
