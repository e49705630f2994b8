"""A bundle's graph in the types that TensorRT is to compute in: TensorRT 11 takes them from the graph alone.

What leads up to the first product (a ``MatMul``, ``Gemm`` or ``Conv``) stays in single precision: scaling pixels and
measures. What follows is computed in half precision, but for recurrent layers, whose errors add up slot by slot and which
TensorRT runs as a loop anyway, and the sigmoids that make probabilities. Inputs and outputs keep their types.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from rtme.errors import EngineError

if TYPE_CHECKING:
    import onnx

Kept = Literal["fp32", "fp16", "bf16"]
"""Precisions that a graph can be typed for."""

LOWER = ("fp16", "bf16")

_PRODUCTS = frozenset({"MatMul", "Gemm", "Conv"})
_SINGLE = frozenset({"Cast", "LSTM", "GRU", "RNN", "Sigmoid"})
# They answer with whole numbers, whatever they are asked of.
_UNTYPED = frozenset({"Shape", "Size"})
_BF16_OPSET = 22
_LARGEST_HALF = 65504.0


def typed(graph: bytes, precision: Kept) -> bytes:
    """Derive a strongly typed graph.

    Args:
        graph: An ONNX model that computes in single precision.
        precision: ``fp32`` leaves what is computed as it is; ``bf16`` raises the opset to 22, where convolutions have it.

    Raises:
        EngineError: It is no such graph.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_from_string(graph)
        if precision == "bf16":
            opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
            if opset < _BF16_OPSET:
                model = onnx.version_converter.convert_version(model, _BF16_OPSET)
        _ask_casts_for_sizes(model.graph)
        if precision != "fp32":
            _Typing(model, precision).apply()
        onnx.checker.check_model(model, full_check=True)
    except (
        DecodeError,
        StopIteration,
        onnx.checker.ValidationError,
        onnx.shape_inference.InferenceError,
        onnx.version_converter.ConvertError,
    ) as error:
        said = (str(error).splitlines() or ["it is no ONNX model"])[0]
        raise EngineError(f"this graph cannot be typed for {precision}: {said}") from error
    written: bytes = model.SerializeToString()
    return written


def _ask_casts_for_sizes(graph: "onnx.GraphProto") -> None:
    """Leave bytes to casts alone, in place: TensorRT takes uint8 into a network, but no other layer reads it."""
    from onnx import TensorProto

    for entry in graph.input:
        if entry.type.tensor_type.elem_type != TensorProto.UINT8:
            continue
        readers = [node for node in graph.node if entry.name in node.input]
        casts = [node for node in readers if node.op_type == "Cast"]
        for node in readers:
            if casts and node.op_type in _UNTYPED:
                node.input[0] = casts[0].output[0]
        # Its own input is there from the beginning, and sizes may be asked for early.
        nodes = [*(_copy(cast) for cast in casts), *(node for node in graph.node if node not in casts)]
        del graph.node[:]
        graph.node.extend(nodes)


class _Typing:
    """Walks a graph's nodes in their order and knows in which types each tensor is at hand."""

    def __init__(self, model: "onnx.ModelProto", precision: str) -> None:
        import onnx

        self._graph = model.graph
        self._suffix = f".{precision}"
        self._low_type = {"fp16": onnx.TensorProto.FLOAT16, "bf16": onnx.TensorProto.BFLOAT16}[precision]
        self._float_type = onnx.TensorProto.FLOAT
        self._helper = onnx.helper
        self._numpy = onnx.numpy_helper
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True).graph
        known = (*inferred.input, *inferred.output, *inferred.value_info)
        self._floats = {v.name for v in known if v.type.tensor_type.elem_type == self._float_type}
        self._weights = {t.name: t for t in self._graph.initializer}
        self._floats |= {name for name, t in self._weights.items() if t.data_type == self._float_type}
        # Weights that a bundle keeps in half precision, with the cast behind them: by the cast's name.
        self._kept_half = {
            node.output[0]: self._weights[node.input[0]]
            for node in self._graph.node
            if node.op_type == "Cast" and node.input[0] in self._weights and node.output[0] in self._floats
        }
        self._low: dict[str, str] = {}
        self._single: set[str] = {v.name for v in self._graph.input} | set(self._weights)
        self._nodes: list[Any] = []
        self._made: list[Any] = []

    def apply(self) -> None:
        """Rewrite the graph in place."""
        for node in self._graph.node:
            if any(a.type in (a.GRAPH, a.GRAPHS) for a in node.attribute):
                raise EngineError(
                    f"this graph cannot be typed: it has a subgraph in {node.op_type} {node.name}"
                )
            self._add(node)
        for output in self._graph.output:
            self._need_single(output.name)
        # A cast of a weight that is only used in the other type is left over, and then so is the weight.
        wanted = {name for node in self._nodes for name in node.input} | {o.name for o in self._graph.output}
        nodes = [node for node in self._nodes if any(name in wanted for name in node.output)]
        used = {name for node in nodes for name in node.input}
        weights = [_copy(t) for t in (*self._weights.values(), *self._made) if t.name in used]
        del self._graph.node[:], self._graph.initializer[:]
        self._graph.node.extend(nodes)
        self._graph.initializer.extend(weights)
        # Types were of the graph as it was.
        del self._graph.value_info[:]

    def _add(self, node: Any) -> None:
        floats = [name for name in node.input if name in self._floats]
        low = node.op_type in _PRODUCTS or (
            node.op_type not in _SINGLE | _UNTYPED and any(self._only_low(name) for name in floats)
        )
        made = _copy(node)
        if node.op_type not in _UNTYPED:
            have: Callable[[str], str] = self._need_low if low else self._need_single
            made.input[:] = [have(name) if name in self._floats else name for name in node.input]
        else:
            made.input[:] = [self._low[name] if self._only_low(name) else name for name in node.input]
        if low:
            made.output[:] = [self._born_low(name) if name in self._floats else name for name in node.output]
        else:
            self._single.update(node.output)
        self._nodes.append(made)

    def _only_low(self, name: str) -> bool:
        return name in self._low and name not in self._single

    def _born_low(self, name: str) -> str:
        self._low[name] = name + self._suffix
        return self._low[name]

    def _need_single(self, name: str) -> str:
        if name not in self._single:
            cast = self._helper.make_node("Cast", [self._low[name]], [name], to=self._float_type)
            self._nodes.append(cast)
            self._single.add(name)
        return name

    def _need_low(self, name: str) -> str:
        if name not in self._low:
            low = self._born_low(name)
            kept = self._kept_half.get(name, self._weights.get(name))
            if kept is not None:
                self._made.append(self._lowered(kept, low))
            else:
                self._nodes.append(self._helper.make_node("Cast", [name], [low], to=self._low_type))
        return self._low[name]

    def _lowered(self, weight: Any, name: str) -> Any:
        import numpy as np

        values = self._numpy.to_array(weight).astype(np.float32)
        if np.isfinite(values).all() and np.abs(values).max(initial=0) > _LARGEST_HALF:
            raise EngineError(f"weight {weight.name} holds numbers beyond half precision: build for fp32")
        kind = self._helper.tensor_dtype_to_np_dtype(self._low_type)
        return self._numpy.from_array(values.astype(kind), name)


def _copy(message: Any) -> Any:
    copied = type(message)()
    copied.CopyFrom(message)
    return copied
