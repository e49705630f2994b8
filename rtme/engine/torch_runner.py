"""Runs a graph on an NVIDIA GPU, one batch after the other."""

from pathlib import Path

import torch
from torch import Tensor

from rtme.engine.backend import Floats
from rtme.engine.batched import first_line
from rtme.engine.torch_graph import TorchGraph
from rtme.engine.two_graphs import Arrays
from rtme.errors import BackendLostError

_BEFORE_CAPTURE = 3
"""Runs after which the libraries have chosen their ways and taken their memory: neither can be captured."""


class CudaRunner:
    """Answers to batches. Each size is captured as one CUDA graph: launching its nodes singly takes longer than they do.

    Args:
        graph: On the device.
        path: Of the graph, for messages.
        device: The GPU.
        sizes: Of the batches, rising; a batch is filled up to the next.
    """

    def __init__(self, graph: TorchGraph, path: Path, device: torch.device, sizes: tuple[int, ...]) -> None:
        self._graph, self._path, self._device, self._sizes = graph, path, device, sizes
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._plans: dict[int, _Plan] = {}

    @property
    def captured(self) -> bool:
        """Whether every size so far is run as a CUDA graph."""
        return all(plan.captured for plan in self._plans.values())

    def __call__(self, batch: Arrays) -> dict[str, Floats]:
        """Answers to at most as many items as the largest size.

        Raises:
            BackendLostError: The GPU has no room, or fails.
        """
        count = len(next(iter(batch.values())))
        size = next(each for each in self._sizes if each >= count)
        try:
            with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
                if size not in self._plans:
                    self._plans[size] = _Plan(self._graph, batch, size, self._stream, self._device)
                return self._plans[size].run(batch, count)
        except torch.OutOfMemoryError as error:
            raise BackendLostError(
                f"GPU {self._device.index} has no room for {self._path.name} with {size} at once: free some of its "
                "memory, or ask for a smaller batch"
            ) from error
        except RuntimeError as error:
            raise BackendLostError(
                f"GPU {self._device.index} failed in {self._path.name}: {first_line(error)}"
            ) from error


class _Plan:
    """One size of batch: memory that stays in its place on both sides, and what is launched between."""

    def __init__(
        self, graph: TorchGraph, batch: Arrays, size: int, stream: torch.cuda.Stream, device: torch.device
    ) -> None:
        self._graph, self._stream = graph, stream
        # Copies to and from a GPU go by themselves only where the system may not move the memory.
        self._sent = {
            name: torch.zeros(
                (size, *tensor.shape[1:]), dtype=torch.from_numpy(tensor).dtype, pin_memory=True
            )
            for name, tensor in batch.items()
        }
        self._given = {name: tensor.to(device) for name, tensor in self._sent.items()}
        self._capture: torch.cuda.CUDAGraph | None = None
        self._found = self._try_to_capture()
        self._answers = {
            name: torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            for name, tensor in self._found.items()
        }

    @property
    def captured(self) -> bool:
        return self._capture is not None

    def run(self, batch: Arrays, count: int) -> dict[str, Floats]:
        """Answers to the first ``count`` places; what lies in the others is left over and touches nobody."""
        for name, tensor in batch.items():
            self._sent[name][:count].copy_(torch.from_numpy(tensor))
            self._given[name][:count].copy_(self._sent[name][:count], non_blocking=True)
        if self._capture is not None:
            self._capture.replay()
        else:
            self._found = self._graph(self._given)
        for name, answer in self._found.items():
            self._answers[name][:count].copy_(answer[:count], non_blocking=True)
        self._stream.synchronize()
        return {name: answer[:count].numpy().copy() for name, answer in self._answers.items()}

    def _try_to_capture(self) -> dict[str, Tensor]:
        for _ in range(_BEFORE_CAPTURE):
            found = self._graph(self._given)
        self._stream.synchronize()
        capture = torch.cuda.CUDAGraph()
        try:
            # Other threads may use the GPU meanwhile: what they do is no part of it.
            with torch.cuda.graph(capture, stream=self._stream, capture_error_mode="thread_local"):
                captured = self._graph(self._given)
        except RuntimeError:
            # Slower and as right. If the GPU itself is ill, the next run says so.
            return found
        self._capture = capture
        return captured
