"""Runs a bundle's two graphs with onnxruntime on an NVIDIA GPU."""

from pathlib import Path
from typing import Any

import onnxruntime

from rtme.engine.backend import Floats, Wish
from rtme.engine.batched import BatchedGraph, first_line
from rtme.engine.buckets import buckets
from rtme.engine.bundle import Bundle
from rtme.engine.nvidia import gpu_missing
from rtme.engine.ort import RAISED, check_session
from rtme.engine.tensors import CROPS, FEATURES, SCORES, WINDOW, Shapes
from rtme.engine.two_graphs import Arrays, TwoGraphs
from rtme.errors import BackendLostError, EngineError

CUDA = "CUDAExecutionProvider"


def missing(bundle: Bundle, wish: Wish) -> str | None:
    """Why onnxruntime cannot run on a GPU here, or None."""
    if CUDA not in onnxruntime.get_available_providers():
        return f"this onnxruntime has no {CUDA}: put onnxruntime-gpu in place of onnxruntime"
    if wish.precision not in (None, "fp32"):
        return f"onnxruntime computes in fp32 on a GPU, not in {wish.precision}"
    return gpu_missing(wish.device)


class OrtCudaBackend(TwoGraphs[BatchedGraph]):
    """A :class:`rtme.engine.backend.Backend` on a GPU. Batches run whole.

    Args:
        bundle: The engine.
        wish: Which GPU, and how many items at once.

    Raises:
        EngineError: A graph cannot be loaded, or is not what the manifest says.
        BackendLostError: The GPU has no room for it, or fails.
    """

    name = "onnxruntime-cuda"

    def __init__(self, bundle: Bundle, wish: Wish) -> None:
        self.manifest = bundle.manifest
        self.label = f"onnxruntime {onnxruntime.__version__}, fp32, GPU {wish.device}"
        self._encoder = self._open(bundle, bundle.encoder_path, CROPS, FEATURES, wish)
        self._temporal = self._open(bundle, bundle.temporal_path, WINDOW, SCORES, wish)

    def _open(self, bundle: Bundle, path: Path, inputs: Shapes, outputs: Shapes, wish: Wish) -> BatchedGraph:
        session = self._session(path, wish.device)
        check_session(path, session, inputs, outputs, bundle.manifest)

        def run(batch: Arrays) -> dict[str, Floats]:
            try:
                answers = session.run(list(outputs), batch)
            except RAISED as error:
                # The tensors fit, so it is the device and not the engine.
                raise BackendLostError(
                    f"GPU {wish.device} failed in {path.name}: {first_line(error)}"
                ) from error
            return dict(zip(outputs, answers, strict=True))

        return BatchedGraph(path, bundle.manifest, inputs, outputs, run, buckets(wish.max_batch))

    def _session(self, path: Path, device: int) -> Any:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        providers = self._providers(device)
        try:
            session = onnxruntime.InferenceSession(path, options, providers)
        except RAISED as error:
            raise EngineError(f"{path} is no graph that onnxruntime can run: {first_line(error)}") from error
        if session.get_providers()[0] != providers[0][0]:
            # It falls back to the CPU without an error.
            raise EngineError(
                "onnxruntime found no CUDA and cuDNN that fit it: install those it was built with"
            )
        return session

    def _providers(self, device: int) -> list[tuple[str, dict[str, int]]]:
        """The second takes what the first does not: shapes are worked out on the CPU."""
        return [(CUDA, {"device_id": device, "use_tf32": 0}), ("CPUExecutionProvider", {})]
