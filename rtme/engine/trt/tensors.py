"""What goes into a bundle's two graphs and what comes out, as a plan has it: names, shapes and types."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtme.engine.manifest import Manifest
from rtme.engine.tensors import CROPS, FEATURES, SCORES, WINDOW, Shapes, resolve
from rtme.errors import EngineError


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output.

    Attributes:
        name: In the graph.
        shape: Of one item, without the batch.
        dtype: uint8 or float32.
    """

    name: str
    shape: tuple[int, ...]
    dtype: type[np.uint8] | type[np.float32] = np.float32


@dataclass(frozen=True, slots=True)
class Table:
    """All tensors of a graph."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def check(self, arrays: Mapping[str, NDArray[Any]]) -> int:
        """How many items a call has.

        Args:
            arrays: Every input by its name.

        Raises:
            EngineError: An array is not of its input's type and shape, or they differ in length.
        """
        count = len(arrays[self.inputs[0].name])
        for tensor in self.inputs:
            array = arrays[tensor.name]
            if array.dtype != tensor.dtype or array.shape != (count, *tensor.shape):
                raise EngineError(
                    f"{tensor.name} is {array.dtype} {array.shape} where this engine takes "
                    f"{np.dtype(tensor.dtype)} {(count, *tensor.shape)}"
                )
        return count


def encoder_table(manifest: Manifest) -> Table:
    """Of ``encoder.onnx``."""
    return Table(_tensors(CROPS, manifest), _tensors(FEATURES, manifest))


def temporal_table(manifest: Manifest) -> Table:
    """Of ``temporal.onnx``."""
    return Table(_tensors(WINDOW, manifest), _tensors(SCORES, manifest))


def _tensors(shapes: Shapes, manifest: Manifest) -> tuple[Tensor, ...]:
    return tuple(
        Tensor(name, resolve(sizes, manifest), np.uint8 if name == "crops" else np.float32)
        for name, sizes in shapes.items()
    )


def fill(staged: NDArray[Any], items: NDArray[Any]) -> None:
    """Put items into a batch; what is left of it becomes 0, so that an answer never depends on an earlier call."""
    staged[: len(items)] = items
    staged[len(items) :] = 0
