"""Runs a bundle's two graphs with PyTorch on an NVIDIA GPU."""

from contextlib import suppress
from importlib.metadata import version
from typing import Any

from rtme.engine.backend import Wish
from rtme.engine.batched import BatchedGraph, first_line
from rtme.engine.buckets import buckets
from rtme.engine.bundle import Bundle
from rtme.engine.nvidia import gpu_missing
from rtme.engine.tensors import CROPS, FEATURES, SCORES, WINDOW
from rtme.engine.torch_backend import load, not_installed
from rtme.engine.two_graphs import TwoGraphs
from rtme.errors import EngineError

_PRECISIONS = ("fp32", "bf16", "fp16")


def missing(bundle: Bundle, wish: Wish) -> str | None:
    """Why PyTorch cannot run on a GPU here, or None. PyTorch is imported only where all else is there."""
    reason = not_installed()
    if reason is None and "+cpu" in version("torch"):
        reason = "this torch was built for the CPU alone: install one with CUDA from PyTorch's own page"
    reason = reason or gpu_missing(wish.device)
    if reason is not None:
        return reason
    if wish.precision not in (None, *_PRECISIONS):
        return f"torch computes in {', '.join(_PRECISIONS)} on a GPU, not in {wish.precision}"
    import torch

    if not torch.cuda.is_available():
        return "torch finds no GPU that it can use, though there is a driver: its CUDA may be newer than the driver"
    return None


class TorchCudaBackend(TwoGraphs[BatchedGraph]):
    """A :class:`rtme.engine.backend.Backend` on a GPU. Batches are filled up to 1, 2, 4 and so on, and run whole.

    Matrix products are not rounded to TF32, which is a setting of PyTorch's for the whole process.

    Args:
        bundle: The engine.
        wish: A precision below fp32 holds for the encoder's matrix products; the temporal part, which decides, keeps fp32.

    Raises:
        EngineError: A graph cannot be loaded, or is not what the manifest says.
        BackendLostError: The GPU has no room for it, or fails.
    """

    name = "torch-cuda"

    def __init__(self, bundle: Bundle, wish: Wish) -> None:
        import torch

        from rtme.engine.torch_runner import CudaRunner

        backends: Any = torch.backends
        for library in (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn):
            library.fp32_precision = "ieee"
        self.manifest = bundle.manifest
        precision = wish.precision or "fp32"
        body = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        sizes = buckets(wish.max_batch)
        device = torch.device("cuda", wish.device)
        graphs, runners = [], []
        for path, inputs, outputs, kind in (
            (bundle.encoder_path, CROPS, FEATURES, body),
            (bundle.temporal_path, WINDOW, SCORES, torch.float32),
        ):
            try:
                graph = load(bundle, path, inputs, outputs, device, kind)
            except RuntimeError as error:
                raise EngineError(
                    f"{path} cannot be put on GPU {wish.device}: {first_line(error)}"
                ) from error
            runners.append(CudaRunner(graph, path, device, sizes))
            graphs.append(BatchedGraph(path, self.manifest, inputs, outputs, runners[-1], sizes))
        self._encoder, self._temporal = graphs
        plain = "" if all(runner.captured for runner in runners) else ", without CUDA graphs"
        self.label = f"torch {torch.__version__}, {precision}, {torch.cuda.get_device_name(device)}{plain}"

    def close(self) -> None:
        """Release the graphs and give the GPU its memory back. Safe to call twice."""
        import torch

        super().close()
        # PyTorch keeps what it was given; the backend that comes next may need it. A GPU that is lost has none to give.
        with suppress(RuntimeError):
            torch.cuda.empty_cache()
