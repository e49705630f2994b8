"""Runs a bundle's two graphs with OpenVINO on the CPU.

The precision is always said: left alone, OpenVINO computes in bfloat16 wherever the processor can. Each graph is compiled
for a few fixed batch sizes, for free ones cost up to a third; a larger batch is parted into these. A crop's features
are the same whatever it was batched with.

With several threads, as many requests of one thread each run side by side: two one-thread requests work through more
crops than one request of two threads.
"""

from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtme.engine.backend import Floats, Precision, Wish
from rtme.engine.bundle import Bundle
from rtme.engine.quantize import QUANTISED
from rtme.engine.tensors import CROPS, FEATURES, SCORES, WINDOW, Shapes, check, resolve
from rtme.engine.two_graphs import TwoGraphs
from rtme.errors import BackendLostError, EngineError

_HINT: dict[Precision, str] = {"fp32": "f32", "bf16": "bf16"}
_CAPABILITY: dict[Precision, str] = {"fp32": "FP32", "bf16": "BF16"}

BATCHES = (4, 1)
"""Sizes that graphs are compiled for, the largest first. Beyond four crops there is nothing to gain, and two alone would
save a tenth for a third of a second at the start."""

_PATIENCE_MS = 10_000
"""A crop takes a few milliseconds; what takes so long will not come."""


def missing(bundle: Bundle, wish: Wish) -> str | None:
    """Why OpenVINO cannot run here, or None."""
    if find_spec("openvino") is None:
        return "OpenVINO is not installed (pip install 'rtme[openvino]')"
    if QUANTISED in bundle.manifest.training:
        return "its encoder is int8 for onnxruntime, which runs it quicker and one crop at a time"
    if wish.precision is None:
        return None
    if wish.precision not in _HINT:
        return f"it computes in {' or '.join(_HINT)}, not in {wish.precision}"
    if wish.precision == "fp32":
        return None
    able = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if _CAPABILITY[wish.precision] in able:
        return None
    return f"this processor has no {wish.precision} of its own, so it would be slower than fp32"


@cache
def _core() -> Any:
    """The one core of the process, which lives as long as the process does.

    OpenVINO lays the stack for signals of the thread that first uses a core into memory of that core's. Were the core
    released elsewhere, the next signal would end the process with a segmentation fault.
    """
    return _library().Core()


def _library() -> Any:
    try:
        import openvino
    except Exception as error:  # its telemetry alone may raise anything, as where the user has no home
        raise EngineError(f"OpenVINO cannot be loaded ({type(error).__name__}: {error})") from error
    return openvino


class OpenVinoBackend(TwoGraphs["_Graph"]):
    """A :class:`rtme.engine.backend.Backend` on the CPU.

    Args:
        bundle: The engine.
        wish: Threads of the encoder (the temporal part uses one), and the precision: fp32 when None.

    Raises:
        EngineError: OpenVINO or a graph cannot be loaded, or a graph is not what the manifest says.
    """

    name = "openvino"

    def __init__(self, bundle: Bundle, wish: Wish) -> None:
        precision = wish.precision or "fp32"
        version = _library().get_version().partition("-")[0]
        threads = f"{wish.threads} thread{'s' * (wish.threads > 1)}"
        self.label = f"openvino {version}, {precision}, CPU, {threads}"
        self.manifest = bundle.manifest
        core = _core()

        def graph(path: Path, inputs: Shapes, outputs: Shapes, threads: int) -> _Graph:
            return _Graph(core, path, bundle, inputs, outputs, _HINT[precision], threads)

        self._encoder = graph(bundle.encoder_path, CROPS, FEATURES, wish.threads)
        self._temporal = graph(bundle.temporal_path, WINDOW, SCORES, 1)


class _Graph:
    """One graph, compiled for each batch size when it is opened: later it would hold up what is live."""

    def __init__(
        self,
        core: Any,
        path: Path,
        bundle: Bundle,
        inputs: Shapes,
        outputs: Shapes,
        hint: str,
        threads: int,
    ) -> None:
        self._core, self._path, self._threads = core, path, threads
        self._sizes = {name: resolve(sizes, bundle.manifest) for name, sizes in outputs.items()}
        self._inputs = {name: resolve(sizes, bundle.manifest) for name, sizes in inputs.items()}
        self._options = {
            "INFERENCE_PRECISION_HINT": hint,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": threads,
        }
        self._requests: dict[int, list[Any]] = {}
        try:
            model = core.read_model(path)
            found = {
                side: {one.get_any_name(): (_kind(one), _shape(one)) for one in tensors}
                for side, tensors in (("input", model.inputs), ("output", model.outputs))
            }
        except (RuntimeError, UnicodeDecodeError) as error:  # a name, which a message may repeat, is no text
            raise EngineError(f"{path} is no graph that OpenVINO can run: {_said(error)}") from error
        for side, wanted in (("input", inputs), ("output", outputs)):
            check(path, side, found[side], wanted, bundle.manifest)
        for size in BATCHES:
            self._compile(size)
        for size in BATCHES:
            self.run(
                {
                    name: np.ones((size, *shape), np.uint8 if name == "crops" else np.float32)
                    for name, shape in self._inputs.items()
                }
            )

    def run(self, batch: dict[str, NDArray[Any]]) -> dict[str, Floats]:
        """All items of the batch."""
        for name, shape in self._inputs.items():
            # OpenVINO would convert and broadcast what does not fit.
            given, kind = batch[name], np.uint8 if name == "crops" else np.float32
            if given.shape[1:] != shape or given.dtype != kind:
                raise EngineError(
                    f"{self._path} failed: {name} is {given.dtype} of shape {given.shape[1:]}, and the engine takes "
                    f"{np.dtype(kind)} of shape {shape}"
                )
        count = len(next(iter(batch.values())))
        found = {name: np.empty((count, *shape), np.float32) for name, shape in self._sizes.items()}
        waiting: list[tuple[Any, int, int]] = []
        try:
            for first, size in _parts(count, self._threads):
                turn = len(waiting) % self._threads
                requests = self._requests[size]
                if len(waiting) >= self._threads:
                    self._collect(*waiting[-self._threads], found)
                part = {
                    name: np.ascontiguousarray(tensor[first : first + size]) for name, tensor in batch.items()
                }
                requests[turn].start_async(part, share_inputs=True)
                waiting.append((requests[turn], first, size))
            for one in waiting[-self._threads :]:
                self._collect(*one, found)
        except RuntimeError as error:
            raise EngineError(f"{self._path} failed: {_said(error)}") from error
        return found

    def _collect(self, request: Any, first: int, size: int, found: dict[str, Floats]) -> None:
        if not request.wait_for(_PATIENCE_MS):
            raise BackendLostError(f"OpenVINO did not answer in {_PATIENCE_MS / 1000:g} s")
        for name, values in found.items():
            values[first : first + size] = request.get_tensor(name).data

    def _compile(self, size: int) -> None:
        model = self._core.read_model(self._path)
        model.reshape({name: [size, *shape] for name, shape in self._inputs.items()})
        compiled = self._core.compile_model(model, "CPU", self._options)
        self._requests[size] = [compiled.create_infer_request() for _ in range(self._threads)]


def _parts(count: int, threads: int) -> Iterator[tuple[int, int]]:
    """First item and size of each part of a batch: large, but enough of them for every thread."""
    first = 0
    share = max(1, -(-count // threads))
    while first < count:
        size = next(size for size in BATCHES if size <= min(count - first, share) or size == 1)
        yield first, size
        first += size


def _kind(tensor: Any) -> str:
    return {"u8": "uint8", "f32": "float32"}.get(tensor.get_element_type().get_type_name(), "another type")


def _shape(tensor: Any) -> tuple[int | None, ...]:
    return tuple(d.get_length() if d.is_static else None for d in tensor.get_partial_shape())


def _said(error: Exception) -> str:
    """What OpenVINO says, without where in its source it says it."""
    lines = [
        line.strip()
        for line in str(error).splitlines()
        if line.strip() and not line.startswith("Exception from")
    ]
    return lines[0] if lines else type(error).__name__
