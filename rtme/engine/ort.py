"""Runs a bundle's two graphs with onnxruntime on the CPU.

The graphs of a bundle (``N`` and ``B`` are free, the rest is in the manifest):

============== ========= ========================= =========
graph          direction tensor                    type
============== ========= ========================= =========
encoder.onnx   input     ``crops`` (N, S, S, 3)    uint8
..             output    ``frame`` (N, D)          float32
..             output    ``regions`` (N, R, Dr)    float32
temporal.onnx  input     ``frame`` (B, T, D + M)   float32
..             input     ``regions`` (B, T, R, Dr) float32
..             input     ``valid`` (B, T)          float32
..             output    ``p_me`` (B,)             float32
..             output    ``p_speaking`` (B, T)     float32
..             output    ``frame_scores`` (B, T)   float32
============== ========= ========================= =========
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as raised

from rtme.engine.backend import Features, Floats, WindowScores, Wish
from rtme.engine.bundle import Bundle
from rtme.engine.manifest import Manifest
from rtme.errors import EngineError

# A tensor's sizes after the leading N or B: numbers of the manifest by name, or fixed.
Shapes = dict[str, tuple[str | int, ...]]

_CROPS: Shapes = {"crops": ("size", "size", 3)}
_FEATURES: Shapes = {"frame": ("frame_size",), "regions": ("regions", "region_size")}
_WINDOW: Shapes = {
    "frame": ("window", "token_size"),
    "regions": ("window", "regions", "region_size"),
    "valid": ("window",),
}
_SCORES: Shapes = {"p_me": (), "p_speaking": ("window",), "frame_scores": ("window",)}

# onnxruntime's own exceptions have no common base.
_RAISED = (
    raised.Fail,
    raised.InvalidArgument,
    raised.InvalidGraph,
    raised.InvalidProtobuf,
    raised.NoModel,
    raised.NoSuchFile,
    raised.NotImplemented,
    raised.RuntimeException,
)


def missing(bundle: Bundle, wish: Wish) -> str | None:
    """It comes with rtme: nothing is ever missing."""
    return None


class OnnxRuntimeBackend:
    """A :class:`rtme.engine.backend.Backend` on the CPU.

    Crops and windows are run one by one, so that a result never depends on what else was in the batch; on a
    CPU a batch gains little. A NaN that a graph gives is passed on: the spotter takes it as no knowledge.

    Args:
        bundle: The engine.
        wish: Threads of the encoder; the temporal part uses one.

    Raises:
        EngineError: A graph cannot be loaded, or is not what the manifest says.
    """

    name = "onnxruntime"

    def __init__(self, bundle: Bundle, wish: Wish) -> None:
        if wish.precision not in (None, "fp32"):
            raise EngineError(f"onnxruntime computes in fp32 on a CPU, not in {wish.precision}")
        threads = wish.threads
        self.manifest = bundle.manifest
        self.label = (
            f"onnxruntime {onnxruntime.__version__}, fp32, CPU, {threads} thread{'s' * (threads > 1)}"
        )
        self._encoder: _Graph | None = _Graph(bundle.encoder_path, self.manifest, _CROPS, _FEATURES, threads)
        self._temporal: _Graph | None = _Graph(bundle.temporal_path, self.manifest, _WINDOW, _SCORES, 1)

    def encode(self, crops: NDArray[np.uint8]) -> Features:
        """Run the encoder once over ``(N, size, size, 3)`` uint8 crops."""
        found = _opened(self._encoder).run({"crops": crops})
        return Features(found["frame"], found["regions"])

    def score(self, frame: Floats, regions: Floats, valid: Floats) -> WindowScores:
        """Run the temporal part over ``(B, T, D + M)``, ``(B, T, R, Dr)`` and ``(B, T)``."""
        found = _opened(self._temporal).run({"frame": frame, "regions": regions, "valid": valid})
        return WindowScores(found["p_me"], found["p_speaking"], found["frame_scores"])

    def close(self) -> None:
        """Release the sessions. Safe to call twice."""
        self._encoder = self._temporal = None


class _Graph:
    """One session, checked against the manifest and run once, for the first run is the slowest."""

    def __init__(self, path: Path, manifest: Manifest, inputs: Shapes, outputs: Shapes, threads: int) -> None:
        self._path = path
        self._manifest = manifest
        self._shapes = {name: self._resolve(sizes) for name, sizes in outputs.items()}
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Spinning wins a little time and burns the cores that decoding and tracking need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        except _RAISED as error:
            raise EngineError(f"{path} is no graph that onnxruntime can run: {_said(error)}") from error
        self._check(self._session.get_inputs(), inputs, "input")
        self._check(self._session.get_outputs(), outputs, "output")
        self._warm_up(inputs, outputs)

    def run(self, batch: dict[str, NDArray[Any]]) -> dict[str, Floats]:
        """Each item of the batch on its own."""
        size = len(next(iter(batch.values())))
        found = {name: np.empty((size, *shape), np.float32) for name, shape in self._shapes.items()}
        for item in range(size):
            one = {name: tensor[item : item + 1] for name, tensor in batch.items()}
            for name, tensor in zip(found, self._once(one), strict=True):
                found[name][item] = tensor[0]
        return found

    def _once(self, one: dict[str, NDArray[Any]]) -> list[Floats]:
        try:
            answers: list[Floats] = self._session.run(list(self._shapes), one)
        except _RAISED as error:
            raise EngineError(f"{self._path} failed: {_said(error)}") from error
        return answers

    def _resolve(self, sizes: tuple[str | int, ...]) -> tuple[int, ...]:
        return tuple(size if isinstance(size, int) else int(getattr(self._manifest, size)) for size in sizes)

    def _check(self, found: list[Any], wanted: Shapes, side: str) -> None:
        """Names, types and those sizes that the graph fixes."""
        tensors = {tensor.name: tensor for tensor in found}
        if set(tensors) != set(wanted):
            raise EngineError(
                f"{self._path} has the {side}s {', '.join(tensors)}: an engine needs {', '.join(wanted)}"
            )
        for name, sizes in wanted.items():
            kind = "tensor(uint8)" if name == "crops" else "tensor(float)"
            if tensors[name].type != kind:
                raise EngineError(f"{self._path}: {side} {name} is {tensors[name].type}, not {kind}")
            self._compare(name, sizes, tensors[name].shape)

    def _compare(self, name: str, sizes: tuple[str | int, ...], shape: list[Any] | tuple[int, ...]) -> None:
        if len(shape) != 1 + len(sizes):
            raise EngineError(f"{self._path}: {name} has {len(shape)} dimensions, not {1 + len(sizes)}")
        for size, wanted, found in zip(sizes, self._resolve(sizes), shape[1:], strict=True):
            if isinstance(found, int) and found != wanted:
                whose = (
                    f"{size} {wanted} in the manifest" if isinstance(size, str) else f"it must be {wanted}"
                )
                raise EngineError(f"{self._path}: {name} is {found} where {whose}: export the engine again")

    def _warm_up(self, inputs: Shapes, outputs: Shapes) -> None:
        answers = self._once(
            {
                name: np.ones((1, *self._resolve(sizes)), np.uint8 if name == "crops" else np.float32)
                for name, sizes in inputs.items()
            }
        )
        for (name, sizes), answer in zip(outputs.items(), answers, strict=True):
            self._compare(name, sizes, answer.shape)


def _opened(graph: _Graph | None) -> _Graph:
    if graph is None:
        raise EngineError("this engine was closed: open it again")
    return graph


def _said(error: Exception) -> str:
    """The first line of what onnxruntime says, without its codes."""
    return str(error).splitlines()[0].rpartition(" : ")[2].strip()
