"""Making an engine's plans: type, build, compare, keep."""

from collections.abc import Callable
from importlib.metadata import version
from time import monotonic

from rtme.engine.backend import Wish
from rtme.engine.buckets import buckets
from rtme.engine.bundle import Bundle
from rtme.engine.trt.backend import machine_for
from rtme.engine.trt.plans import Plan, PlanFacts, PlanStore
from rtme.engine.trt.tensors import encoder_table, temporal_table
from rtme.engine.trt.typed import Kept, typed
from rtme.errors import EngineError


def make_plans(
    bundle: Bundle, wish: Wish, precision: Kept, store: PlanStore, tell: Callable[[str], None]
) -> list[Plan]:
    """Build the plans of both graphs, and keep those that compute what the graphs do. Takes minutes.

    Args:
        bundle: The engine.
        wish: The GPU and the largest batch.
        precision: Of the plans.
        store: Where to; equal plans in it are replaced.
        tell: Is told of every step, in a line.

    Raises:
        EngineError: Something is missing, or a graph cannot be built, or its plan is wrong.
        BackendLostError: CUDA fails.
    """
    gpu, machine = machine_for(wish.device)
    store.check_writable()
    sizes = buckets(wish.max_batch)
    tell(
        f"for {machine}, driver with CUDA {gpu.cuda}, in {precision}, batches of {', '.join(map(str, sizes))}"
    )
    from rtme.engine.trt.builder import build
    from rtme.engine.trt.gpu import GpuRoom
    from rtme.engine.trt.parity import compare
    from rtme.engine.trt.program import Program

    room = GpuRoom(wish.device)
    m = bundle.manifest
    plans = []
    for path, entry, table in (
        (bundle.encoder_path, m.encoder, encoder_table(m)),
        (bundle.temporal_path, m.temporal, temporal_table(m)),
    ):
        tell(f"{path.name}: building, which may take minutes")
        began = monotonic()
        try:
            graph = typed(path.read_bytes(), precision)
        except ModuleNotFoundError as error:
            raise EngineError(f"building needs {error.name}: pip install 'rtme[gpu]'") from error
        with room.entered(f"building {path.name}"):
            built = build(graph, table.inputs, sizes, store.timings(machine), full_single=precision == "fp32")
        store.save_timings(machine, built.timings)
        seconds = monotonic() - began
        program = Program(built.plan, table, sizes, sizes[-1], room, path.name)
        try:
            differences = compare(program.run, sizes, path, table, precision)
            recorded = program.recorded
        finally:
            program.close()
        said = ", ".join(f"{name} {difference:.1e}" for name, difference in differences.items())
        tell(f"{path.name}: built in {seconds:.0f} s; furthest from onnxruntime: {said}")
        if not recorded:
            tell(f"{path.name}: runs without CUDA graphs")
        told = {
            "engine": f"{m.name} {m.version}",
            "rtme": version("rtme"),
            "driver": f"CUDA {gpu.cuda}",
            "seconds": round(seconds, 1),
            "differences": differences,
            "cuda graphs": recorded,
        }
        plans.append(store.save(PlanFacts(entry.sha256, precision, machine, sizes), built.plan, told))
    return plans
