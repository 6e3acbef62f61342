"""ONNX files as models of predictions: linear layers with ReLU between them, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NoReturn

from ostraka.errors import InputError, UsageError
from ostraka.models import layered

MOST_BYTES: Final = 256 << 20
"""Largest file that is read."""

IGNORED: Final = ("Identity", "Flatten", "Reshape", "Cast", "Dropout")
"""Operations that leave the numbers of one query as they are."""

LAST: Final = ("Sigmoid", "Softmax", "LogSoftmax", "ArgMax", "ZipMap")
"""Operations that a recipient applies to scores itself, at the end of a graph."""


def export_onnx(file: str | Path) -> str:
    """Return the JSON that a manifest's "model" input reads, of a network in an ONNX file.

    Raises:
        InputError: the file is no ONNX model, is too large, keeps weights in other files, or
            computes something else than Gemm, MatMul, Add and Relu.
        UsageError: the package onnx is not installed.
    """
    graph = _graph(Path(file))
    weights, biases = _Reader(graph).layers()
    kind = "mlp" if len(weights) > 1 else "logistic" if len(biases[0]) > 1 else "linear"
    if len(weights) == 1 and any(node.op_type in LAST for node in graph.node):
        kind = "logistic"
    lists = [w.tolist() for w in weights], [b.tolist() for b in biases]
    try:
        return json.dumps(layered(*lists, kind), allow_nan=False)
    except ValueError:
        _refuse("it has weights that are not finite numbers")


def _graph(file: Path) -> Any:
    """Read a file's graph; nothing but this file is opened."""
    try:
        import onnx
    except ImportError:
        raise UsageError(
            "reading ONNX takes the package onnx, which is not installed",
            hint='pip install "ostraka[onnx]"',
            data_left=False,
        ) from None
    try:
        if file.stat().st_size > MOST_BYTES:
            _refuse(f"it is larger than {MOST_BYTES >> 20} MiB")
        model = onnx.load_model_from_string(file.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {file.name}: {error.strerror}", data_left=False) from None
    except InputError:
        raise
    except Exception:  # protobuf's own errors have no common class
        _refuse("it cannot be parsed")
    if model.functions or model.graph.sparse_initializer:
        _refuse("it has functions or sparse weights of its own")
    if not model.graph.node:
        _refuse("it has no operations")
    return model.graph


class _Reader:
    """Follows a graph from its input, node by node, and collects layers."""

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.numbers = {each.name: _array(each) for each in graph.initializer}
        inputs = [each.name for each in graph.input if each.name not in self.numbers]
        if len(inputs) != 1:
            _refuse(f"it has {len(inputs)} inputs, and a query is one")
        self.at = inputs[0]
        self.weights: list[Any] = []
        self.biases: list[Any] = []
        self.after_relu = True
        """Whether a new layer may begin here."""

    def layers(self) -> tuple[list[Any], list[Any]]:
        """Return the weights, shape (inputs, outputs), and the biases of each layer."""
        ended = False
        for node in self.graph.node:
            if node.op_type == "Constant":
                self._constant(node)
                continue
            if self.at not in node.input or len(node.output) < 1:
                _refuse(f"its {node.op_type} is not one of a chain of layers")
            ended = ended or node.op_type in LAST
            if not ended and node.op_type not in IGNORED:
                self._step(node)
            elif ended and node.op_type not in (*LAST, *IGNORED):
                _refuse(f"{node.op_type} comes after what should be last")
            self.at = node.output[0]
        if not self.weights or (self.after_relu and len(self.weights)):
            _refuse("it does not end with a linear layer")
        return self.weights, self.biases

    def _constant(self, node: Any) -> None:
        for attribute in node.attribute:
            if attribute.name == "value":
                self.numbers[node.output[0]] = _array(attribute.t)

    def _step(self, node: Any) -> None:
        match node.op_type:
            case "Gemm":
                self._gemm(node)
            case "MatMul":
                if node.input[0] != self.at:
                    _refuse("a MatMul has its weights on the left")
                self._layer(self._known(node, 1))
            case "Add":
                other = 1 - list(node.input).index(self.at)
                self._bias(self._known(node, other))
            case "Relu":
                if self.after_relu:
                    _refuse("a Relu does not follow a linear layer")
                self.after_relu = True
            case other_kind:
                _refuse(f"it has the operation {str(other_kind)[:40]}, which is not computed")

    def _gemm(self, node: Any) -> None:
        import onnx

        options = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.input[0] != self.at or options.get("transA"):
            _refuse("a Gemm has its weights on the left")
        weights = self._known(node, 1)
        self._layer((weights.T if options.get("transB") else weights) * options.get("alpha", 1.0))
        if len(node.input) > 2 and node.input[2]:
            self._bias(self._known(node, 2) * options.get("beta", 1.0))

    def _known(self, node: Any, place: int) -> Any:
        name = node.input[place] if place < len(node.input) else ""
        if name not in self.numbers:
            _refuse(f"the weights of a {node.op_type} are not in the file")
        return self.numbers[name]

    def _layer(self, weights: Any) -> None:
        import numpy as np

        if not self.after_relu:
            _refuse("two linear layers have no Relu between them")
        before = self.weights[-1].shape[1] if self.weights else weights.shape[0]
        if weights.ndim != 2 or weights.shape[0] != before or not weights.size:
            _refuse("its weights are no matrices that fit each other")
        self.weights.append(weights)
        self.biases.append(np.zeros(weights.shape[1]))
        self.after_relu = False

    def _bias(self, numbers: Any) -> None:
        import numpy as np

        if self.after_relu or numbers.size not in (1, len(self.biases[-1])):
            _refuse("an Add is no bias of a layer")
        self.biases[-1] = self.biases[-1] + np.broadcast_to(
            numbers.reshape(-1), self.biases[-1].shape
        )


def _array(tensor: Any) -> Any:
    """Return a tensor's numbers; those in another file are refused."""
    import numpy as np
    import onnx

    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        _refuse("it keeps weights in other files, which are not opened")
    try:
        return np.asarray(onnx.numpy_helper.to_array(tensor), np.float64)
    except (TypeError, ValueError):
        _refuse(f"its tensor {str(tensor.name)[:40]} is damaged")


def _refuse(problem: str) -> NoReturn:
    raise InputError(
        f"this ONNX file cannot be exported: {problem}",
        hint="what is computed: Gemm, or MatMul and Add, with Relu between them, and a Sigmoid or "
        "Softmax at the end, which is left to the recipient",
        data_left=False,
    )
