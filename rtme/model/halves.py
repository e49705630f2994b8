"""Engines keep large weights in half precision: half the size on disk, and the same answers.

The rounding is part of the model: it happens when a model has been fitted, before anything is measured or tuned with it,
so that what is exported is what was measured. Graphs compute in single precision, with the rounded weights.
"""

from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

LARGE = 1024
"""Numbers from which a tensor is kept so."""

_SUFFIX = ".half"


def round_to_halves(module: nn.Module) -> None:
    """Round every large parameter to the nearest half-precision number, in place; rounding again changes nothing."""
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.numel() >= LARGE:
                parameter.copy_(parameter.half().float())


def store_halves(model: onnx.ModelProto) -> None:
    """Keep the large weights of a graph in half precision, in place; each is cast back where the graph begins.

    Args:
        model: A graph exported from a module with rounded weights, so that nothing is lost.
    """
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LARGE:
            continue
        halves = values.astype(np.float16)
        if not np.array_equal(halves.astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(halves, name + _SUFFIX))
        casts.append(helper.make_node("Cast", [name + _SUFFIX], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def stored_weights(graph: onnx.GraphProto) -> dict[str, NDArray[Any]]:
    """Every weight of a graph by the name under which it is used, in single precision where it was kept in half."""
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0].endswith(_SUFFIX):
            stored[node.output[0]] = stored.pop(node.input[0]).astype(np.float32)
    return stored
