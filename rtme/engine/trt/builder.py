"""From a typed graph to a plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtme.engine.trt.log import tensorrt_log
from rtme.engine.trt.tensors import Tensor
from rtme.errors import EngineError

if TYPE_CHECKING:
    import tensorrt as trt

WORKSPACE = 1 << 30
"""Bytes that a layer may use at most while it works."""

LEVEL = 3
"""How hard TensorRT searches, 0 to 5: its own default. 0 would not use the timings of earlier builds."""


@dataclass(frozen=True, slots=True)
class Built:
    """A plan, and what was measured to build it."""

    plan: bytes
    timings: bytes


def build(
    graph: bytes, inputs: Sequence[Tensor], sizes: Sequence[int], timings: bytes, *, full_single: bool
) -> Built:
    """Build a plan for the GPU whose context is current. Takes seconds to minutes.

    Args:
        graph: Strongly typed ONNX.
        inputs: Of the graph.
        sizes: Of batches; each gets a profile of its own, in which every shape is fixed.
        timings: Of earlier builds, or nothing.
        full_single: Whether single precision is to have all its bits; products have 10 of 23 else (TF32).

    Raises:
        EngineError: TensorRT cannot build it.
    """
    import tensorrt as trt

    log = tensorrt_log()
    builder = trt.Builder(log)
    # TensorRT 11 knows nothing else and ignores the flag. Its number changed, so it is never written down.
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log)
    if not parser.parse(graph):
        raise EngineError(f"TensorRT {trt.__version__} cannot read this graph: {_errors(parser, log.take())}")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE)
    config.builder_optimization_level = LEVEL
    if full_single:
        config.clear_flag(trt.BuilderFlag.TF32)
    if not config.set_timing_cache(config.create_timing_cache(timings), ignore_mismatch=False):
        # Of another driver, or damaged.
        log.take()
        config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)
    for size in sizes:
        profile = builder.create_optimization_profile()
        for tensor in inputs:
            shape = (size, *tensor.shape)
            profile.set_shape(tensor.name, shape, shape, shape)
        if config.add_optimization_profile(profile) < 0:
            raise EngineError(f"TensorRT {trt.__version__} refuses batches of {size}: {log.take()}")
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError(
            f"TensorRT {trt.__version__} cannot build this graph: {log.take() or 'it gives no reason'}"
        )
    measured = config.get_timing_cache()
    return Built(bytes(memoryview(plan)), bytes(memoryview(measured.serialize())) if measured else b"")


def _errors(parser: "trt.OnnxParser", logged: str) -> str:
    """Everything that the parser found wrong, with the nodes."""
    found = []
    for index in range(parser.num_errors):
        error: trt.ParserError = parser.get_error(index)
        found.append(f"{error.node_operator()} {error.node_name()}: {' '.join(error.desc().split())}")
    return "; ".join(found) or logged or "it gives no reason"
