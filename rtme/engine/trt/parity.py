"""Whether a plan computes what the bundle's graph does: asked once, when it is built, and a plan that does not is refused.

Fused attention in half precision has been silently wrong for ViTs on some GPUs, so nothing is taken on trust.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from rtme.engine.trt.tensors import Table
from rtme.errors import EngineError

Runs = Callable[[Mapping[str, NDArray[Any]]], dict[str, NDArray[np.float32]]]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far answers may be from onnxruntime's.

    Attributes:
        features: Largest difference, in standard deviations of the feature tensor.
        probabilities: Largest difference.
    """

    features: float
    probabilities: float


TOLERANCE: Mapping[str, Tolerance] = {
    "fp32": Tolerance(0.005, 0.001),
    "fp16": Tolerance(0.03, 0.01),
    "bf16": Tolerance(0.2, 0.05),
}
"""A GPU may add up in another order than a CPU, hence the room. Of the default engine's typed graphs, run on a CPU, fp16
differs by 0.008 and 0.0002, and bf16, of which only the rounding could be run, by 0.07 and 0.011."""

_OTHERS = {"fp16": "bf16 or fp32", "bf16": "fp16 or fp32", "fp32": "fp16"}
_PROBABILITIES = frozenset({"p_me", "p_speaking", "frame_scores"})


def example(table: Table, count: int) -> dict[str, NDArray[Any]]:
    """The same inputs every time: crops about grey, features about 0, slots of which some have no frame.

    Args:
        table: Of the graph.
        count: Items; the last has no frame at all where there is more than one.
    """
    random = np.random.default_rng(count)
    found: dict[str, NDArray[Any]] = {}
    for tensor in table.inputs:
        shape = (count, *tensor.shape)
        if tensor.dtype is np.uint8:
            found[tensor.name] = np.clip(random.normal(128, 24, shape), 0, 255).astype(np.uint8)
        elif tensor.name == "valid":
            found[tensor.name] = (random.random(shape) > 0.3).astype(np.float32)
            found[tensor.name][1:][-1:] = 0
        else:
            found[tensor.name] = random.normal(size=shape).astype(np.float32)
    return found


def compare(run: Runs, sizes: Sequence[int], graph: Path, table: Table, precision: str) -> dict[str, float]:
    """Run a plan and the bundle's graph on the same inputs.

    Args:
        run: Runs the plan.
        sizes: Of its batches, rising: each was built by itself, so each is compared.
        graph: Of the bundle, in single precision.
        table: Of the graph.
        precision: Of the plan.

    Returns:
        The largest difference of each output: of features in their standard deviations.

    Raises:
        EngineError: One differs by more than ``TOLERANCE``.
    """
    inputs = example(table, sizes[-1])
    names = [tensor.name for tensor in table.outputs]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])
    told = dict(zip(names, session.run(names, inputs), strict=True))
    found = dict.fromkeys(names, 0.0)
    for size in sizes:
        # The last items, for among them is the window without any frame.
        ours = run({name: array[-size:] for name, array in inputs.items()})
        for name in names:
            probable = name in _PROBABILITIES
            scale = 1.0 if probable else max(float(told[name].std()), 1e-6)
            difference = float(np.abs(ours[name] - told[name][-size:]).max()) / scale
            bound = TOLERANCE[precision].probabilities if probable else TOLERANCE[precision].features
            # Not "more than": a NaN is no agreement.
            if not difference <= bound:
                raise EngineError(
                    f"the {precision} plan of {graph.name} is wrong on this GPU: in batches of {size} {name} differs from "
                    f"onnxruntime by {difference:.2g}{'' if probable else ' standard deviations'}, more than {bound}: build "
                    f"it with --precision {_OTHERS[precision]}"
                )
            found[name] = max(found[name], difference)
    return found
