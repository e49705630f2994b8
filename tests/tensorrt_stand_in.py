"""TensorRT, pycuda and cuda.bindings for a machine without a GPU: plans hold ONNX, which onnxruntime runs.

It is as strict as the real ones where our code could be wrong: work waits on its stream until it is synchronised, memory is
full of rubbish, addresses are only those of living buffers, everything needs the context of the calling thread, and a
graph replays what was recorded. That the names and arguments used are the real ones is checked in ``test_bindings.py``.
"""

import enum
import pickle
import sys
import threading
from collections.abc import Callable
from itertools import count
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from rtme.engine.trt import gpu

Work = Callable[[], None]
_RUBBISH = 0xA5


class CudaError(Exception):
    pass


class CudaMemoryError(CudaError):
    pass


class StandIn:
    """The machine: its memory and streams, and what is to go wrong.

    Attributes:
        fails: Names of things that fail: mem_alloc, capture, execute, launch, noise, parse, build.
        allocated: Buffers of the device so far.
        memory: The living ones by their address.
        streams: By their handle.
        launched: Graphs so far.
    """

    def __init__(self) -> None:
        self.fails: set[str] = set()
        self.allocated = 0
        self.memory: dict[int, np.ndarray] = {}
        self.streams: dict[int, Stream] = {}
        self.launched = 0
        self._addresses = count(0x7000_0000, 0x10_0000)
        self._threads = threading.local()

    @property
    def stack(self) -> list[object]:
        if not hasattr(self._threads, "stack"):
            self._threads.stack = []
        stack: list[object] = self._threads.stack
        return stack

    def need_context(self) -> None:
        if not self.stack:
            raise CudaError("no context is current in this thread")

    def install(self, patch: pytest.MonkeyPatch) -> None:
        cuda, trt, driver = pycuda_module(self), tensorrt_module(self), driver_module(self)
        modules = {
            "tensorrt": trt,
            "pycuda": _module("pycuda", driver=cuda),
            "pycuda.driver": cuda,
            "cuda": _module("cuda"),
            "cuda.bindings": _module("cuda.bindings", driver=driver),
            "cuda.bindings.driver": driver,
        }
        for name, module in modules.items():
            patch.setitem(sys.modules, name, module)
        gpu._primary.cache_clear()


class Stream:
    def __init__(self, machine: StandIn, flags: int) -> None:
        machine.need_context()
        self._machine = machine
        self.handle = 1000 + len(machine.streams)
        self.waiting: list[Work] = []
        self.recording: list[Work] | None = None
        machine.streams[self.handle] = self
        assert flags == 1, "TensorRT is slow on a blocking stream"

    def put(self, work: Work) -> None:
        self._machine.need_context()
        (self.waiting if self.recording is None else self.recording).append(work)

    def synchronize(self) -> None:
        self._machine.need_context()
        if self.recording is not None:
            raise CudaError("a stream that is being recorded cannot be waited for")
        while self.waiting:
            self.waiting.pop(0)()


class Allocation:
    def __init__(self, machine: StandIn, size: int) -> None:
        machine.need_context()
        if "mem_alloc" in machine.fails:
            raise CudaMemoryError("cuMemAlloc failed: out of memory")
        self._machine, self._address = machine, next(machine._addresses)
        machine.memory[self._address] = np.full(size, _RUBBISH, np.uint8)
        machine.allocated += 1

    def __int__(self) -> int:
        return self._address

    def free(self) -> None:
        self._machine.need_context()
        del self._machine.memory[self._address]


def pycuda_module(machine: StandIn) -> ModuleType:
    class Context:
        def push(self) -> None:
            machine.stack.append(self)

        @staticmethod
        def pop() -> None:
            machine.stack.pop()

    class Device:
        def __init__(self, number: int) -> None:
            assert number == 0

        def retain_primary_context(self) -> Context:
            return Context()

    def pagelocked_empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        machine.need_context()
        return np.frombuffer(
            bytearray([_RUBBISH]) * (int(np.prod(shape)) * np.dtype(dtype).itemsize), dtype
        ).reshape(shape)

    def up(to: Allocation, array: np.ndarray, stream: Stream) -> None:
        assert array.flags.c_contiguous
        stream.put(lambda: np.copyto(machine.memory[int(to)], array.reshape(-1).view(np.uint8)))

    def down(array: np.ndarray, source: Allocation, stream: Stream) -> None:
        assert array.flags.c_contiguous
        stream.put(lambda: np.copyto(array.reshape(-1).view(np.uint8), machine.memory[int(source)]))

    return _module(
        "pycuda.driver",
        Error=CudaError,
        MemoryError=CudaMemoryError,
        init=lambda: None,
        get_version=lambda: (13, 0, 0),
        Device=Device,
        Context=Context,
        Stream=lambda flags: Stream(machine, flags),
        mem_alloc=lambda size: Allocation(machine, size),
        pagelocked_empty=pagelocked_empty,
        memcpy_htod_async=up,
        memcpy_dtoh_async=down,
    )


def driver_module(machine: StandIn) -> ModuleType:
    class Status(enum.Enum):
        CUDA_SUCCESS = 0
        CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901
        CUDA_ERROR_DEVICE_UNAVAILABLE = 46

    def begin(stream: Stream, mode: object) -> tuple[Status]:
        stream.recording = []
        return (Status.CUDA_SUCCESS,)

    def end(stream: Stream) -> tuple[Status, list[Work]]:
        recorded, stream.recording = stream.recording, None
        assert recorded is not None
        if "capture" in machine.fails:
            return Status.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, []
        return Status.CUDA_SUCCESS, recorded

    def launch(ready: list[Work], stream: Stream) -> tuple[Status]:
        if "launch" in machine.fails:
            return (Status.CUDA_ERROR_DEVICE_UNAVAILABLE,)
        machine.launched += 1
        for work in ready:
            stream.put(work)
        return (Status.CUDA_SUCCESS,)

    return _module(
        "cuda.bindings.driver",
        CUresult=Status,
        CUstream=lambda handle: machine.streams[handle],
        CUstreamCaptureMode=SimpleNamespace(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL=1),
        cuStreamBeginCapture=begin,
        cuStreamEndCapture=end,
        cuGraphInstantiate=lambda graph, flags: (Status.CUDA_SUCCESS, list(graph)),
        cuGraphLaunch=launch,
        cuGraphDestroy=lambda graph: (Status.CUDA_SUCCESS,),
        cuGraphExecDestroy=lambda ready: (Status.CUDA_SUCCESS,),
    )


def tensorrt_module(machine: StandIn) -> ModuleType:
    severity = enum.Enum("Severity", "INTERNAL_ERROR ERROR WARNING INFO VERBOSE")
    modes = enum.Enum("TensorIOMode", "INPUT OUTPUT")
    types = enum.Enum("DataType", "FLOAT UINT8 INT64")

    class ILogger:
        Severity = severity

    class Config:
        def __init__(self) -> None:
            self.profiles: list[Any] = []
            self.cache = SimpleNamespace(serialize=lambda: b"measured")

        def set_memory_pool_limit(self, pool: object, pool_size: int) -> None:
            assert pool_size > 0

        def clear_flag(self, flag: object) -> None:
            pass

        def create_timing_cache(self, serialized_timing_cache: bytes) -> bytes:
            return serialized_timing_cache

        def set_timing_cache(self, cache: bytes, ignore_mismatch: bool) -> bool:
            return cache in (b"", b"measured")

        def get_timing_cache(self) -> Any:
            return self.cache

        def add_optimization_profile(self, profile: Any) -> int:
            self.profiles.append(profile.shapes)
            return len(self.profiles) - 1

    class Profile:
        def __init__(self) -> None:
            self.shapes: dict[str, tuple[int, ...]] = {}

        def set_shape(self, name: str, least: Any, best: Any, most: Any) -> None:
            assert least == best == most
            self.shapes[name] = most

    class Builder:
        def __init__(self, logger: Any) -> None:
            machine.need_context()
            self._logger = logger

        def create_network(self, flags: int) -> Any:
            assert flags == 2, "the network is strongly typed"
            return SimpleNamespace(graph=b"")

        def create_builder_config(self) -> Config:
            return Config()

        def create_optimization_profile(self) -> Profile:
            return Profile()

        def build_serialized_network(self, network: Any, config: Config) -> bytes | None:
            if "build" in machine.fails:
                self._logger.log(severity.ERROR, "no tactic\nfits")
                return None
            return pickle.dumps((network.graph, config.profiles))

    class Parser:
        num_errors = 2

        def __init__(self, network: Any, logger: Any) -> None:
            self._network = network

        def parse(self, model: bytes) -> bool:
            onnx.checker.check_model(onnx.load_from_string(model))
            self._network.graph = model
            return "parse" not in machine.fails

        def get_error(self, index: int) -> Any:
            return SimpleNamespace(
                node_operator=lambda: "Gelu", node_name=lambda: f"node_{index}", desc=lambda: "not\nknown"
            )

    class Context:
        def __init__(self, engine: "Engine") -> None:
            self._engine, self._logger = engine, engine.logger
            self._shapes: dict[str, tuple[int, ...]] = {}
            self._addresses: dict[str, int] = {}
            self._profile: dict[str, tuple[int, ...]] = {}

        def set_optimization_profile_async(self, index: int, stream: int) -> bool:
            self._profile = self._engine.profiles[index]
            return True

        def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
            self._shapes[name] = tuple(shape)
            return self._profile.get(name) == tuple(shape)

        def infer_shapes(self) -> list[str]:
            return [name for name in self._profile if name not in self._shapes]

        def get_tensor_shape(self, name: str) -> tuple[int, ...]:
            size = next(iter(self._shapes.values()))[0]
            return (size, *(d for d in self._engine.tensors[name].shape[1:]))

        def set_tensor_address(self, name: str, address: int) -> bool:
            self._addresses[name] = address
            return address in machine.memory

        def execute_async_v3(self, handle: int) -> bool:
            if "execute" in machine.fails:
                self._logger.log(severity.ERROR, "the kernel was lost")
                return False
            machine.streams[handle].put(self._execute)
            return True

        def _execute(self) -> None:
            kinds = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}
            feed = {
                t.name: machine.memory[self._addresses[t.name]]
                .view(kinds[t.type])
                .reshape(self._shapes[t.name])
                for t in self._engine.session.get_inputs()
            }
            names = [t.name for t in self._engine.session.get_outputs()]
            for name, array in zip(names, self._engine.session.run(names, feed), strict=True):
                array = array + 5 if "noise" in machine.fails else array
                machine.memory[self._addresses[name]][:] = array.reshape(-1).view(np.uint8)

    class Engine:
        def __init__(self, plan: bytes, logger: Any) -> None:
            graph, self.profiles = pickle.loads(plan)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            self.logger = logger
            self.session = onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])
            self._inputs = {t.name for t in self.session.get_inputs()}
            self.tensors = {t.name: t for t in (*self.session.get_inputs(), *self.session.get_outputs())}
            self.num_io_tensors = len(self.tensors)
            self.num_optimization_profiles = len(self.profiles)

        def get_tensor_name(self, index: int) -> str:
            return list(self.tensors)[index]

        def get_tensor_mode(self, name: str) -> Any:
            return modes.INPUT if name in self._inputs else modes.OUTPUT

        def get_tensor_dtype(self, name: str) -> Any:
            return {"tensor(uint8)": types.UINT8, "tensor(float)": types.FLOAT}[self.tensors[name].type]

        def create_execution_context(self) -> Context:
            machine.need_context()
            return Context(self)

    class Runtime:
        def __init__(self, logger: Any) -> None:
            machine.need_context()
            self._logger = logger

        def deserialize_cuda_engine(self, plan: bytes) -> Engine | None:
            if plan.startswith(b"foreign"):
                self._logger.log(severity.ERROR, "magic tag does not match")
                return None
            return Engine(plan, self._logger)

    return _module(
        "tensorrt",
        __version__="11.4.0.106",
        ILogger=ILogger,
        Builder=Builder,
        OnnxParser=Parser,
        Runtime=Runtime,
        TensorIOMode=modes,
        DataType=types,
        NetworkDefinitionCreationFlag=enum.IntEnum("Flag", {"STRONGLY_TYPED": 1}),
        MemoryPoolType=SimpleNamespace(WORKSPACE=0),
        BuilderFlag=SimpleNamespace(TF32=0),
    )


def _module(name: str, **entries: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(entries)
    return module
