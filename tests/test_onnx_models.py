"""ONNX files: networks become layers, and what would compute something else is refused."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ostraka import onnx_models, strict_json
from ostraka.errors import InputError
from ostraka.models import flattened
from ostraka.onnx_models import export_onnx

RNG = np.random.default_rng(1)
W1, B1, W2, B2 = (
    RNG.integers(-8, 8, shape).astype(np.float32) / 4 for shape in ((3, 4), 4, (4, 2), 2)
)


def save(path, nodes, **tensors):
    """Write a graph from "x" to "y", and return its path."""
    graph = helper.make_graph(
        [helper.make_node(kind, ins, outs, **more) for kind, ins, outs, more in nodes],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in tensors.items()],
    )
    onnx.save(helper.make_model(graph), path)
    return path


GEMMS = [
    ("Flatten", ["x"], ["f"], {}),
    ("Gemm", ["f", "w1", "b1"], ["a"], {"transB": 1}),
    ("Relu", ["a"], ["r"], {}),
    ("Gemm", ["r", "w2", "b2"], ["s"], {"alpha": 2.0, "beta": 0.5}),
    ("Softmax", ["s"], ["y"], {}),
]
PRODUCTS = [
    ("MatMul", ["x", "w1"], ["m"], {}),
    ("Add", ["b1", "m"], ["a"], {}),
    ("Relu", ["a"], ["r"], {}),
    ("MatMul", ["r", "w2"], ["y"], {}),
]


def numbers(text, kind, layers):
    return [float(x) for x in flattened(strict_json.parse(text), kind, layers)]


def test_gemms_and_products_become_layers(tmp_path):
    path = save(tmp_path / "a.onnx", GEMMS, w1=W1.T.copy(), b1=B1, w2=W2, b2=B2)
    wanted = np.concatenate([W1.ravel(), B1, 2 * W2.ravel(), B2 / 2]).tolist()
    assert numbers(export_onnx(path), "mlp", [3, 4, 2]) == wanted
    path = save(tmp_path / "b.onnx", PRODUCTS, w1=W1, b1=B1, w2=W2)
    wanted = np.concatenate([W1.ravel(), B1, W2.ravel(), [0, 0]]).tolist()
    assert numbers(export_onnx(path), "mlp", [3, 4, 2]) == wanted


def test_one_layer_is_logistic_if_a_sigmoid_follows_and_else_linear(tmp_path):
    gemm = ("Gemm", ["x", "w", "b"], ["s"], {})
    tensors = {"w": W1[:, :1], "b": B1[:1]}
    assert '"linear"' in export_onnx(save(tmp_path / "a.onnx", [gemm], **tensors))
    path = save(tmp_path / "b.onnx", [gemm, ("Sigmoid", ["s"], ["y"], {})], **tensors)
    assert '"logistic"' in export_onnx(path)


RELU = ("Relu", ["m"], ["r"], {})
FIRST = ("MatMul", ["x", "w1"], ["m"], {})


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([("Conv", ["x", "w1"], ["y"], {})], "operation Conv"),
        ([FIRST, ("MatMul", ["m", "w2"], ["y"], {})], "no Relu between"),
        ([FIRST, RELU], "end with a linear layer"),
        ([RELU], "not one of a chain"),
        ([("Relu", ["x"], ["y"], {})], "does not follow"),
        ([("MatMul", ["w1", "x"], ["y"], {})], "on the left"),
        ([("MatMul", ["x", "missing"], ["y"], {})], "not in the file"),
        ([FIRST, ("Add", ["m", "w2"], ["y"], {})], "no bias"),
        ([FIRST, ("Softmax", ["m"], ["s"], {}), ("Relu", ["s"], ["y"], {})], "should be last"),
        ([("MatMul", ["x", "b1"], ["y"], {})], "no matrices"),
        ([], "no operations"),
        ([("Gemm", ["x", "nan"], ["y"], {})], "not finite"),
    ],
)
def test_what_would_compute_something_else_is_refused(tmp_path, nodes, words):
    tensors = {"w1": W1, "w2": W2, "b1": B1, "nan": np.full((3, 1), np.nan, np.float32)}
    with pytest.raises(InputError, match=words) as caught:
        export_onnx(save(tmp_path / "a.onnx", nodes, **tensors))
    assert caught.value.data_left is False


def test_files_that_are_no_models_are_refused(tmp_path, monkeypatch):
    (tmp_path / "a.onnx").write_bytes(b"\xff\x00 no protobuf")
    with pytest.raises(InputError, match="cannot be parsed"):
        export_onnx(tmp_path / "a.onnx")
    with pytest.raises(InputError, match="cannot read"):
        export_onnx(tmp_path / "none.onnx")
    monkeypatch.setattr(onnx_models, "MOST_BYTES", 4)
    with pytest.raises(InputError, match="larger than"):
        export_onnx(tmp_path / "a.onnx")


def test_weights_in_other_files_are_not_opened(tmp_path):
    path = save(tmp_path / "a.onnx", PRODUCTS, w1=W1, b1=B1, w2=W2)
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    (tmp_path / "w.bin").unlink()
    with pytest.raises(InputError, match="in other files"):
        export_onnx(path)
