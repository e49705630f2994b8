"""An encoder's weights, read back out of the graph that was exported from it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rtme.errors import EngineError
from rtme.model.encoder import Encoder
from rtme.model.halves import stored_weights

_Array = NDArray[np.float32]
_Arrays = dict[str, _Array]

TOLERANCE = 1e-4
"""Largest difference between the graph and the encoder that has its weights."""


def weights_of(path: Path, encoder: Encoder) -> dict[str, Tensor]:
    """Weights of an ``encoder.onnx`` by the names of PyTorch.

    The exporter transposes matrices, drops their names, and keeps tensors that are equal once. So layers are known
    by their order, which is that of the forward pass here and there.

    Args:
        path: The graph.
        encoder: Of the same settings; it gives names and shapes.

    Raises:
        EngineError: The graph holds other layers.
    """
    graph = onnx.load(path).graph
    stored = stored_weights(graph)
    found: _Arrays = {name: stored[name] for name in ("class_token", "position") if name in stored}
    for kind, layers in ((nn.Linear, _linear(graph, stored)), (nn.LayerNorm, _norms(graph, stored))):
        names = [name for name, module in encoder.named_modules() if isinstance(module, kind)]
        # Too few on either side leave a name without its weight, below.
        for name, (weight, bias) in zip(names, layers, strict=False):
            found[f"{name}.weight"], found[f"{name}.bias"] = weight, bias
    for name, value in encoder.state_dict().items():
        shape = found[name].shape if name in found else "nothing"
        if shape != value.shape:
            raise EngineError(
                f"{path} has {shape} where its manifest promises {name} of {tuple(value.shape)}: it was not exported by "
                "`rtme export`, so give a file of weights"
            )
    return {name: torch.from_numpy(value.copy()) for name, value in found.items()}


def _linear(graph: onnx.GraphProto, stored: _Arrays) -> Iterator[tuple[_Array, _Array]]:
    """Weight and bias of each linear layer: a product with a stored matrix, and what is added to it."""
    added = {}
    for node in graph.node:
        if node.op_type == "Add":
            a, b = node.input
            added[a], added[b] = b, a
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in stored and added.get(node.output[0]) in stored:
            yield stored[node.input[1]].T, stored[added[node.output[0]]]
        elif node.op_type == "Gemm" and node.input[1] in stored and node.input[2] in stored:
            turned = any(entry.name == "transB" and entry.i for entry in node.attribute)
            weight = stored[node.input[1]]
            yield weight if turned else weight.T, stored[node.input[2]]


def _norms(graph: onnx.GraphProto, stored: _Arrays) -> Iterator[tuple[_Array, _Array]]:
    """Weight and bias of each layer norm."""
    for node in graph.node:
        if node.op_type == "LayerNormalization":
            yield stored[node.input[1]], stored[node.input[2]]


def check_against(path: Path, encoder: Encoder) -> None:
    """Run the graph and the encoder on the same random crops.

    Raises:
        EngineError: They differ by more than ``TOLERANCE``.
    """
    size = encoder.config.size
    crops = np.random.default_rng(0).integers(0, 256, (4, size, size, 3), np.uint8)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    told: list[NDArray[Any]] = session.run(["frame", "regions"], {"crops": crops})
    with torch.inference_mode():
        ours = encoder.eval()(torch.from_numpy(crops))
    difference = max(float(np.abs(a.numpy() - b).max()) for a, b in zip(ours, told, strict=True))
    if not difference <= TOLERANCE:
        raise EngineError(
            f"{path} differs by {difference:.1e} from an encoder with its weights: its manifest tells other settings "
            "of the model than it was exported with, so give a file of weights"
        )
