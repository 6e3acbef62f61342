"""Models: layers and vectors, digests, files."""

import hashlib
import struct

import numpy as np
import pytest

from ostraka.errors import InputError, UsageError
from ostraka.learning.model import LayerShapes, digest, load, save

SHAPES = LayerShapes((("weights", (3, 2)), ("bias", (2,))))
VECTOR = np.arange(8.0)


def test_layers_and_vector_are_each_others_inverse():
    layers = SHAPES.split(VECTOR)
    assert layers["weights"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert layers["bias"].tolist() == [6, 7]
    assert (SHAPES.join(layers) == VECTOR).all()


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ({"weights": np.zeros((3, 2))}, "instead of weights, bias"),
        ({"weights": np.zeros((2, 3)), "bias": [0, 0]}, r"shape \(2, 3\)"),
        ({"weights": np.zeros((3, 2)), "bias": [0, np.nan]}, "not finite"),
    ],
)
def test_a_trainer_that_returns_another_model_is_told(layers, words):
    with pytest.raises(InputError, match=words) as caught:
        SHAPES.join(layers)
    assert caught.value.data_left is False


def test_the_digest_is_of_numbers_and_shapes():
    said = b"ostraka model 1\0weights[3, 2]bias[2]\0" + struct.pack("<8d", *range(8))
    assert digest(SHAPES, VECTOR) == f"sha256:{hashlib.sha256(said).hexdigest()}"
    assert digest(SHAPES, VECTOR) != digest(SHAPES, VECTOR + 1e-15)
    assert digest(SHAPES, VECTOR) != digest(LayerShapes((("weights", (8,)),)), VECTOR)
    assert digest(SHAPES, VECTOR * 0.0) == digest(SHAPES, VECTOR * -0.0)


def test_files_come_back_and_others_are_refused(tmp_path):
    path = tmp_path / "model.npz"
    save(path, SHAPES, VECTOR)
    assert (load(path, SHAPES) == VECTOR).all()
    with pytest.raises(UsageError, match="not a model of this study"):
        load(path, LayerShapes((("weights", (8,)),)))
    np.savez(path, weights=np.array([object()], object), allow_pickle=True)
    with pytest.raises(UsageError, match="not a model of this study"):
        load(path, SHAPES)
    path.write_bytes(b"no zip")
    with pytest.raises(UsageError, match="not a model of this study"):
        load(path, SHAPES)
