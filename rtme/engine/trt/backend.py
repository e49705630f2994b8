"""The backend itself, and why it cannot run here."""

from collections.abc import Callable
from shlex import quote
from typing import get_args

from rtme.engine.backend import Wish
from rtme.engine.bundle import Bundle, list_bundles
from rtme.engine.nvidia import Gpu, NoGpuError, probe
from rtme.engine.trt.gpu import GpuRoom
from rtme.engine.trt.plans import Machine, Plan, PlanStore, plans_folder
from rtme.engine.trt.program import Program
from rtme.engine.trt.tensors import Table, encoder_table, temporal_table
from rtme.engine.trt.typed import Kept
from rtme.engine.two_graphs import TwoGraphs
from rtme.errors import EngineError

FROM, BEFORE = (10, 16), (12,)
"""Versions of TensorRT that one code path serves: from the first, before the second."""

PRECISION: Kept = "fp16"
"""When none is asked for."""

_PRECISIONS = get_args(Kept)


def missing(bundle: Bundle, wish: Wish) -> str | None:
    """Why TensorRT cannot run this engine here, in a few words with the way out, or None."""
    try:
        _plans(bundle, wish)
    except _MissingError as error:
        return str(error)
    return None


def machine_for(device: int) -> tuple[Gpu, Machine]:
    """The GPU, and what plans are built with and for.

    Args:
        device: Number of the GPU.

    Raises:
        EngineError: Something is missing: why, with the way out.
    """
    try:
        return _machine(device)
    except _MissingError as error:
        raise EngineError(f"backend tensorrt cannot run here: {error}") from error


class TensorRtBackend(TwoGraphs[Program]):
    """A :class:`rtme.engine.backend.Backend` on an NVIDIA GPU.

    One thread at a time uses it, whichever opened it. Items are run in batches of fixed sizes, filled up with zeros; more
    than the largest are run one batch after the other. An answer may differ in its last bits with the size of its batch.

    Args:
        bundle: The engine; its plans were built with ``rtme engine build``.
        wish: Precision, GPU and largest batch.

    Raises:
        EngineError: There is no plan that fits, or it is damaged.
        BackendLostError: CUDA fails.
    """

    name = "tensorrt"

    def __init__(self, bundle: Bundle, wish: Wish) -> None:
        try:
            gpu, machine, (encoder, temporal) = _plans(bundle, wish)
        except _MissingError as error:
            raise EngineError(f"backend tensorrt cannot run here: {error}") from error
        self.manifest = bundle.manifest
        room = GpuRoom(wish.device)

        def load(plan: Plan, table: Table, what: str) -> Program:
            return Program(plan.read(), table, plan.facts.sizes, wish.max_batch, room, what)

        self._encoder = load(encoder, encoder_table(self.manifest), "encoder")
        try:
            self._temporal = load(temporal, temporal_table(self.manifest), "temporal part")
        except BaseException:
            self._encoder.close()
            raise
        plain = "" if self._encoder.recorded and self._temporal.recorded else ", without CUDA graphs"
        self.label = f"TensorRT {machine.tensorrt}, {encoder.facts.precision}, {gpu.name}{plain}"

    def close(self) -> None:
        """Release everything on the GPU. Safe to call twice."""
        for graph in (self._temporal, self._encoder):
            if graph is not None:
                graph.close()
        super().close()


class _MissingError(Exception):
    """Something that this backend needs."""


def _plans(bundle: Bundle, wish: Wish) -> tuple[Gpu, Machine, tuple[Plan, Plan]]:
    """Everything that must be there before it can be opened."""
    precision = wish.precision or PRECISION
    if precision not in _PRECISIONS:
        raise _MissingError(f"TensorRT runs an engine in {', '.join(_PRECISIONS)}, not in {precision}")
    gpu, machine = _machine(wish.device)
    store = PlanStore(plans_folder())
    found = []
    for entry in (bundle.manifest.encoder, bundle.manifest.temporal):
        plan = store.find(entry.sha256, precision, machine)
        if isinstance(plan, str):
            raise _MissingError(f"{plan}: build it with `{build_command(bundle, wish)}`")
        found.append(plan)
    return gpu, machine, (found[0], found[1])


def build_command(bundle: Bundle, wish: Wish) -> str:
    """What builds the plans that a wish needs."""
    # A named engine lies in a folder of its name; another is named by its folder.
    named = list_bundles().get(bundle.path.name) == bundle.path
    words = f"rtme engine build {bundle.path.name if named else quote(str(bundle.path))} --backend tensorrt"
    words += f" --precision {wish.precision}" if wish.precision not in (None, PRECISION) else ""
    return words + (f" --device {wish.device}" if wish.device else "")


def _machine(device: int) -> tuple[Gpu, Machine]:
    try:
        gpu = probe(device)
    except NoGpuError as error:
        raise _MissingError(str(error)) from error
    version = _version()
    _imported("pycuda", _pycuda)
    return gpu, Machine(version, gpu.name, gpu.capability, gpu.multiprocessors)


def _version() -> str:
    """Of TensorRT, which is imported only behind the probe."""
    version = _imported("tensorrt", _tensorrt)
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if not FROM <= parts < BEFORE:
        raise _MissingError(
            f"TensorRT {version} is installed and 10.16 to 11 is needed: pip install 'rtme[gpu]'"
        )
    return version


def _imported(name: str, load: Callable[[], str]) -> str:
    try:
        return load()
    except ModuleNotFoundError as error:
        raise _MissingError(f"{error.name or name} is not installed: pip install 'rtme[gpu]'") from error
    except (ImportError, OSError, RuntimeError) as error:
        said = (str(error).splitlines() or ["no reason given"])[0]
        raise _MissingError(f"{name} cannot be imported ({said}): pip install 'rtme[gpu]' again") from error


def _tensorrt() -> str:
    import tensorrt as trt

    return str(trt.__version__)


def _pycuda() -> str:
    import pycuda.driver as cuda

    return ".".join(str(part) for part in cuda.get_version())
