"""A graph of a bundle in PyTorch: the same nodes with the same weights, run one after the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import Tensor

from rtme.engine.torch_lstm import Lstm
from rtme.engine.torch_ops import Attributes, UnfitError, check_known, run_op
from rtme.errors import EngineError

_OPSETS = range(18, 24)
"""In which operators mean what they do in :mod:`rtme.engine.torch_ops`."""

_PRODUCTS = ("MatMul", "Gemm")

Described = dict[str, tuple[str, list[int | str]]]
"""Type (numpy's word) and shape of tensors by their names; a free size is a word."""


@dataclass(frozen=True, slots=True)
class _Node:
    """A node with one output; ``done_with`` are values that no later node reads."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    attributes: Attributes
    done_with: tuple[str, ...] = ()


class TorchGraph:
    """A graph that is called with its inputs and gives its outputs, both by name.

    Whatever depends on weights alone is worked out once, here. Shapes are worked out at each call, on the CPU.

    Args:
        path: The graph.
        device: Where it runs; inputs must be there.
        body: What its matrix products are computed in. Everything else, and what comes out, is float32.

    Raises:
        EngineError: It is no graph, or uses an operator that is not known.
    """

    def __init__(self, path: Path, device: torch.device, body: torch.dtype = torch.float32) -> None:
        graph = _read(path)
        self.inputs = _described(graph.input)
        self.outputs = _described(graph.output)
        self._path, self._device, self._body = path, device, body
        self._constants = {
            tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy())
            for tensor in graph.initializer
        }
        self._lstms: dict[str, Lstm] = {}
        with torch.no_grad():
            try:
                self._nodes = list(self._fold(_nodes(graph)))
            except UnfitError as error:
                raise EngineError(f"{path} cannot run in torch: it does not know {error}") from error
            self._keep_what_is_read()
        self._nodes = _with_ends(self._nodes, {*self._constants, *self.outputs})

    def __call__(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run it.

        Raises:
            EngineError: An operator is used in a way that is not known.
            RuntimeError: Whatever torch has to say.
        """
        values = {**self._constants, **given}
        low = self._body != torch.float32
        with (
            torch.inference_mode(),
            torch.autocast(
                self._device.type, self._body if low else torch.bfloat16, enabled=low, cache_enabled=False
            ),
        ):
            for node in self._nodes:
                try:
                    values[node.output] = self._run(node, values)
                except UnfitError as error:
                    raise EngineError(
                        f"{self._path} cannot run in torch: it does not know {error}"
                    ) from error
                for name in node.done_with:
                    del values[name]
            return {name: values[name].float() for name in self.outputs}

    def _run(self, node: _Node, values: Mapping[str, Tensor]) -> Tensor:
        inputs = [values[name] if name else None for name in node.inputs]
        if node.kind != "LSTM":
            return run_op(node.kind, inputs, node.attributes)
        x, hidden, cell = inputs
        found: Tensor = self._lstms[node.output](x, hidden, cell)
        return found

    def _fold(self, nodes: Iterator[_Node]) -> Iterator[_Node]:
        """Work out what depends on constants alone, and pass on the rest."""
        for node in nodes:
            if node.kind == "LSTM":
                yield self._make_lstm(node)
            elif all(name in self._constants for name in node.inputs if name):
                self._constants[node.output] = self._run(node, self._constants)
            else:
                yield node

    def _make_lstm(self, node: _Node) -> _Node:
        x, weights, recurrent, biases, lengths, hidden, cell, *peepholes = [*node.inputs, *[""] * 4][:8]
        constants = [self._constants.get(name) for name in (weights, recurrent, biases)]
        if lengths or any(peepholes) or any(one is None for one in constants):
            raise UnfitError("an LSTM whose weights are no constants, or with lengths or peepholes")
        lstm = Lstm(node.attributes, *(one for one in constants if one is not None))
        self._lstms[node.output] = lstm.to(self._device).eval()
        return replace(node, inputs=(x, hidden, cell))

    def _keep_what_is_read(self) -> None:
        """Drop constants that no node reads any more, and put the others where and in what they are needed."""
        readers: dict[str, set[str]] = {}
        for node in self._nodes:
            for name in node.inputs:
                readers.setdefault(name, set()).add(node.kind)
        kept = {name: value for name, value in self._constants.items() if name in {*readers, *self.outputs}}
        for name, value in kept.items():
            if value.dtype == torch.int64:  # a shape
                continue
            of_products = readers.get(name, set()) <= set(_PRODUCTS) and value.is_floating_point()
            kept[name] = value.to(self._device, self._body if of_products else None)
        self._constants = kept


def _read(path: Path) -> onnx.GraphProto:
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (OSError, DecodeError, UnicodeDecodeError, onnx.checker.ValidationError) as error:
        said = (str(error).splitlines() or ["it is empty"])[0]
        raise EngineError(f"{path} is no graph that torch can run: {said}") from error
    for entry in model.opset_import:
        if entry.domain or entry.version not in _OPSETS:
            raise EngineError(
                f"{path} cannot run in torch: it is written in {entry.domain or 'ONNX'} {entry.version}, known is "
                f"ONNX {_OPSETS[0]} to {_OPSETS[-1]}"
            )
    return model.graph


def _nodes(graph: onnx.GraphProto) -> Iterator[_Node]:
    for node in graph.node:
        check_known(node.op_type)
        outputs = [name for name in node.output if name]
        if len(outputs) != 1 or outputs[0] != node.output[0]:
            raise UnfitError(f"{node.op_type} with the outputs {', '.join(outputs)}")
        attributes: dict[str, Any] = {
            one.name: onnx.helper.get_attribute_value(one) for one in node.attribute
        }
        yield _Node(node.op_type, tuple(node.input), outputs[0], attributes)


def _with_ends(nodes: list[_Node], kept: set[str]) -> list[_Node]:
    """Tell each node which values may go after it, so that a batch takes no more memory than it must."""
    needed = set(kept)
    ended = []
    for node in reversed(nodes):
        last = {name for name in (*node.inputs, node.output) if name and name not in needed}
        needed |= last
        ended.append(replace(node, done_with=tuple(sorted(last))))
    return ended[::-1]


def _described(tensors: Any) -> Described:
    return {
        tensor.name: (
            np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.type.tensor_type.elem_type)).name,
            [
                size.dim_value if size.HasField("dim_value") else size.dim_param
                for size in tensor.type.tensor_type.shape.dim
            ],
        )
        for tensor in tensors
    }
