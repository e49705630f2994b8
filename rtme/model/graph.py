"""An encoder's weights, read back out of the graph that was exported from it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor

from rtme.errors import EngineError
from rtme.model.encoder import Encoder

TOLERANCE = 1e-4
"""Largest difference between the graph and the encoder that has its weights."""


def weights_of(path: Path, names: Iterable[str]) -> dict[str, Tensor]:
    """Weights of an ``encoder.onnx`` by the names of PyTorch.

    The exporter keeps names, but for the matrices of linear layers: those become nameless, transposed factors of
    a product to which the bias is added under its name.

    Args:
        path: The graph.
        names: Parameters that are wanted.

    Raises:
        EngineError: One of them is not in the graph.
    """
    graph = onnx.load(path).graph
    stored = {entry.name: entry for entry in graph.initializer}
    products = {node.output[0]: node for node in graph.node if node.op_type == "MatMul"}
    matrices = {
        bias: products[product].input[1]
        for node in graph.node
        if node.op_type == "Add"
        for product, bias in (node.input, reversed(node.input))
        if product in products
    }
    weights: dict[str, Tensor] = {}
    for name in names:
        if name in stored:
            weights[name] = torch.from_numpy(numpy_helper.to_array(stored[name]).copy())
            continue
        matrix = matrices.get(f"{name.removesuffix('weight')}bias")
        if matrix not in stored:
            raise EngineError(
                f"{path} has no {name}: it was not exported by `rtme export`, so give a file of weights"
            )
        weights[name] = torch.from_numpy(numpy_helper.to_array(stored[matrix]).T.copy())
    return weights


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
