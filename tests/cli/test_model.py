"""`model export` writes a network for `predict`, or says why not."""

from __future__ import annotations

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def test_the_command_writes_the_model_to_stdout(cli, tmp_path) -> None:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    weights = numpy_helper.from_array(np.array([[0.5], [2.0]], np.float32), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    model = helper.make_model(helper.make_graph(nodes, "graph", ends[:1], ends[1:], [weights]))
    onnx.save(model, tmp_path / "a.onnx")
    ended = cli("model", "export", tmp_path / "a.onnx")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out)["weights"] == [[[0.5], [2.0]]]


def test_what_is_no_network_is_refused(cli, tmp_path) -> None:
    (tmp_path / "b.onnx").write_bytes(b"\xff")
    ended = cli("model", "export", tmp_path / "b.onnx")
    assert (ended.code, ended.out) == (20, "")
    assert "cannot be exported" in ended.err
