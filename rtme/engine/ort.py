"""Runs a bundle's two graphs with onnxruntime on the CPU."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as raised

from rtme.engine.backend import Floats, Wish
from rtme.engine.bundle import Bundle
from rtme.engine.manifest import Manifest
from rtme.engine.tensors import CROPS, FEATURES, SCORES, WINDOW, Shapes, check, compare, resolve
from rtme.engine.two_graphs import TwoGraphs
from rtme.errors import EngineError

# onnxruntime's own exceptions have no common base.
RAISED = (
    raised.EPFail,
    raised.Fail,
    raised.InvalidArgument,
    raised.InvalidGraph,
    raised.InvalidProtobuf,
    raised.NoModel,
    raised.NoSuchFile,
    raised.NotImplemented,
    raised.RuntimeException,
    UnicodeDecodeError,  # a message that repeats a name which is no text
)


def missing(bundle: Bundle, wish: Wish) -> str | None:
    """It comes with rtme: nothing is ever missing."""
    return None


class OnnxRuntimeBackend(TwoGraphs["_Graph"]):
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
        self._encoder = _Graph(bundle.encoder_path, self.manifest, CROPS, FEATURES, threads)
        self._temporal = _Graph(bundle.temporal_path, self.manifest, WINDOW, SCORES, 1)


class _Graph:
    """One session, checked against the manifest and run once, for the first run is the slowest."""

    def __init__(self, path: Path, manifest: Manifest, inputs: Shapes, outputs: Shapes, threads: int) -> None:
        self._path = path
        self._manifest = manifest
        self._shapes = {name: resolve(sizes, manifest) for name, sizes in outputs.items()}
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Spinning wins a little time and burns the cores that decoding and tracking need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        except RAISED as error:
            raise EngineError(f"{path} is no graph that onnxruntime can run: {_said(error)}") from error
        check_session(path, self._session, inputs, outputs, manifest)
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
        except RAISED as error:
            raise EngineError(f"{self._path} failed: {_said(error)}") from error
        return answers

    def _warm_up(self, inputs: Shapes, outputs: Shapes) -> None:
        answers = self._once(
            {
                name: np.ones(
                    (1, *resolve(sizes, self._manifest)), np.uint8 if name == "crops" else np.float32
                )
                for name, sizes in inputs.items()
            }
        )
        for (name, sizes), answer in zip(outputs.items(), answers, strict=True):
            compare(self._path, name, answer.shape, sizes, self._manifest)


def check_session(
    path: Path, session: onnxruntime.InferenceSession, inputs: Shapes, outputs: Shapes, manifest: Manifest
) -> None:
    """See that a graph takes and gives what the manifest says.

    Raises:
        EngineError: It does not, or a name in it is no text.
    """
    for side, listed, wanted in (
        ("input", session.get_inputs, inputs),
        ("output", session.get_outputs, outputs),
    ):
        try:
            found = {tensor.name: (_kind_of(tensor.type), tensor.shape) for tensor in listed()}
        except UnicodeDecodeError as error:
            raise EngineError(
                f"{path} is no graph that onnxruntime can run: the name of an {side} is no text"
            ) from error
        check(path, side, found, wanted, manifest)


def _kind_of(said: str) -> str:
    """A tensor's type as numpy names it: onnxruntime says ``tensor(float)``."""
    inner = said.removeprefix("tensor(").removesuffix(")")
    return "float32" if inner == "float" else inner


def _said(error: Exception) -> str:
    """The first line of what onnxruntime says, without its codes."""
    return str(error).splitlines()[0].rpartition(" : ")[2].strip()
