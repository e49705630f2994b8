"""What backends share whose library takes a whole batch at once."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtme.engine.backend import Floats
from rtme.engine.manifest import Manifest
from rtme.engine.tensors import Shapes, compare, resolve
from rtme.engine.two_graphs import Arrays
from rtme.errors import EngineError

Run = Callable[[Arrays], dict[str, Floats]]
"""Answers to one batch of some size that the library is ready for."""


class BatchedGraph:
    """A graph that takes any number of items. It is run once at each size, for first runs are the slowest.

    Args:
        path: The graph, for messages.
        manifest: Of the engine.
        inputs: Its tensors.
        outputs: Its tensors.
        run: What runs it; it never sees a tensor of another type or other sizes than the manifest's.
        sizes: Batches that are run beforehand, rising; the last is the most that ``run`` is given.

    Raises:
        EngineError: What comes out is not what the manifest says.
    """

    def __init__(
        self,
        path: Path,
        manifest: Manifest,
        inputs: Shapes,
        outputs: Shapes,
        run: Run,
        sizes: Sequence[int],
    ) -> None:
        self._path, self._run, self._most = path, run, sizes[-1]
        self._inputs = {name: resolve(each, manifest) for name, each in inputs.items()}
        self._outputs = {name: resolve(each, manifest) for name, each in outputs.items()}
        for size in sizes:
            answers = run({name: np.ones((size, *each), _kind(name)) for name, each in self._inputs.items()})
            for name, each in outputs.items():
                compare(path, name, answers[name].shape, each, manifest)

    def run(self, batch: Arrays) -> dict[str, Floats]:
        """Answers to all of it.

        Raises:
            EngineError: A tensor is not what the engine takes, or the library fails.
        """
        for name, sizes in self._inputs.items():
            self._check(name, batch[name], sizes)
        count = len(next(iter(batch.values())))
        found = {name: np.empty((count, *sizes), np.float32) for name, sizes in self._outputs.items()}
        for first in range(0, count, self._most):
            part = slice(first, first + self._most)
            answers = self._run({name: np.ascontiguousarray(tensor[part]) for name, tensor in batch.items()})
            for name, tensor in found.items():
                tensor[part] = answers[name]
        return found

    def _check(self, name: str, tensor: NDArray[Any], sizes: tuple[int, ...]) -> None:
        if tensor.dtype != _kind(name):
            raise EngineError(
                f"{self._path} failed: the data type of {name} is {tensor.dtype}, not {_kind(name)}"
            )
        if tensor.shape[1:] != sizes:
            raise EngineError(
                f"{self._path} failed: {name} has the dimensions {tensor.shape[1:]}, and the engine takes {sizes}"
            )


def first_line(error: Exception) -> str:
    """What a library says, without what follows it."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _kind(name: str) -> str:
    return "uint8" if name == "crops" else "float32"
