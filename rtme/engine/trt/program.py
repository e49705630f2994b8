"""A plan in memory, with a slot for each size of batch: its buffers, addresses and recorded graph."""

import contextlib
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rtme.engine.buckets import split
from rtme.engine.trt.cuda_graph import CaptureError, CudaGraph
from rtme.engine.trt.gpu import GpuRoom
from rtme.engine.trt.log import Said, tensorrt_log
from rtme.engine.trt.tensors import Table, Tensor, fill
from rtme.errors import BackendLostError, EngineError

if TYPE_CHECKING:
    import pycuda.driver as cuda
    import tensorrt as trt

_LOG = logging.getLogger(__name__)


class Program:
    """Runs one graph. All its memory is taken when it is made; a call takes none but for the answers.

    Args:
        plan: Built here, by :func:`rtme.engine.trt.builder.build`.
        table: What the graph takes and gives.
        sizes: Of the plan's batches, rising: one profile each, in their order.
        largest: Larger batches are not used.
        room: Where it runs.
        what: For messages, such as ``encoder``.

    Raises:
        EngineError: The plan cannot be loaded or is of another graph.
        BackendLostError: CUDA fails.
    """

    def __init__(
        self, plan: bytes, table: Table, sizes: Sequence[int], largest: int, room: GpuRoom, what: str
    ) -> None:
        import tensorrt as trt

        self._table, self._room, self._what = table, room, what
        self._log = tensorrt_log()
        self._slots: list[_Slot] = []
        self._used = tuple(size for size in sizes if size <= largest)
        self._runtime: trt.Runtime | None = None
        self._engine: trt.ICudaEngine | None = None
        try:
            with room.entered(f"loading the {what}"):
                self._runtime = trt.Runtime(self._log)
                self._engine = self._runtime.deserialize_cuda_engine(plan)
                if self._engine is None:
                    raise EngineError(
                        f"TensorRT {trt.__version__} cannot load the {what}'s plan ({self._log.take()}): build it again"
                    )
                _check(self._engine, table, len(sizes), what)
                for profile, size in enumerate(self._used):
                    self._slots.append(_Slot(self._engine, profile, size, table, room.stream, self._log))
        except BaseException:
            self.close()
            raise

    @property
    def recorded(self) -> bool:
        """Whether every size runs as a CUDA graph."""
        return all(slot.recorded for slot in self._slots)

    def run(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        """Run any number of items.

        Args:
            arrays: ``(N, ...)`` for each input.

        Raises:
            EngineError: It was closed, or an array does not fit.
            BackendLostError: CUDA or TensorRT fails.
        """
        if not self._slots:
            raise EngineError("this engine was closed: open it again")
        count = self._table.check(arrays)
        found = {t.name: np.empty((count, *t.shape), np.float32) for t in self._table.outputs}
        if count == 0:
            return found
        with self._room.entered(f"running the {self._what}"):
            for part in split(count, self._used):
                items = slice(part.start, part.start + part.count)
                slot = self._slots[self._used.index(part.bucket)]
                answers = slot.run({name: array[items] for name, array in arrays.items()})
                for name, answer in answers.items():
                    found[name][items] = answer[: part.count]
        return found

    def close(self) -> None:
        """Release everything, in the order in which one thing needs another. Safe to call twice."""
        if self._runtime is None:
            return
        # On a lost device nothing can be released any more.
        with contextlib.suppress(BackendLostError), self._room.entered(f"closing the {self._what}"):
            while self._slots:
                self._slots.pop().close()
        self._slots.clear()
        with contextlib.suppress(BackendLostError), self._room.entered(f"closing the {self._what}"):
            self._engine = None
            self._runtime = None


class _Slot:
    """One size of batch."""

    def __init__(
        self,
        engine: "trt.ICudaEngine",
        profile: int,
        size: int,
        table: Table,
        stream: "cuda.Stream",
        log: Said,
    ) -> None:
        import pycuda.driver as cuda

        self._stream, self._log, self._cuda = stream, log, cuda
        self._graph: CudaGraph | None = None
        self._host: dict[str, NDArray[Any]] = {}
        self._device: dict[str, cuda.DeviceAllocation] = {}
        self._inputs = [t.name for t in table.inputs]
        self._outputs = [t.name for t in table.outputs]
        self._context: trt.IExecutionContext | None = engine.create_execution_context()
        try:
            self._prepare(profile, size, table)
        except BaseException:
            self.close()
            raise

    @property
    def recorded(self) -> bool:
        return self._graph is not None

    def run(self, items: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        """Views of the answers, which hold until the next call; those to padding are among them."""
        for name in self._inputs:
            fill(self._host[name], items[name])
        if self._graph is None:
            self._enqueue()
        else:
            try:
                self._graph.launch()
            except CaptureError as error:
                raise BackendLostError(f"the GPU fails: {error}") from error
        self._stream.synchronize()
        return {name: self._host[name] for name in self._outputs}

    def close(self) -> None:
        if self._graph is not None:
            self._graph.close()
            self._graph = None
        self._context = None
        while self._device:
            self._device.popitem()[1].free()
        # Pinned memory is given back with its last view.
        self._host.clear()

    def _prepare(self, profile: int, size: int, table: Table) -> None:
        context: trt.IExecutionContext | None = self._context
        if context is None:
            raise BackendLostError(f"TensorRT gives no room for batches of {size}: {self._log.take()}")
        self._demand(
            context.set_optimization_profile_async(profile, self._stream.handle), "choosing a profile"
        )
        self._stream.synchronize()
        for tensor in table.inputs:
            self._demand(
                context.set_input_shape(tensor.name, (size, *tensor.shape)), f"shaping {tensor.name}"
            )
        unready = context.infer_shapes()
        self._demand(not unready, f"shaping {', '.join(unready)}")
        for tensor in (*table.inputs, *table.outputs):
            self._take(context, tensor, size)
        # The first run sets up what may not be set up while work is being recorded.
        for name in self._inputs:
            self._host[name][:] = 0
        self._enqueue()
        self._stream.synchronize()
        try:
            self._graph = CudaGraph(self._stream.handle, self._enqueue)
        except CaptureError as error:
            _LOG.info("batches of %d run without a CUDA graph: %s", size, error)

    def _take(self, context: "trt.IExecutionContext", tensor: Tensor, size: int) -> None:
        shape = (size, *tensor.shape)
        told = tuple(context.get_tensor_shape(tensor.name))
        if told != shape:
            raise EngineError(
                f"{tensor.name} is {told} in the plan where the manifest says {shape}: build it again"
            )
        host = self._cuda.pagelocked_empty(shape, tensor.dtype)
        self._host[tensor.name] = host
        self._device[tensor.name] = self._cuda.mem_alloc(host.nbytes)
        address = int(self._device[tensor.name])
        self._demand(context.set_tensor_address(tensor.name, address), f"placing {tensor.name}")

    def _enqueue(self) -> None:
        """Up, through the network and down again, all on the stream."""
        context: trt.IExecutionContext | None = self._context
        assert context is not None
        for name in self._inputs:
            self._cuda.memcpy_htod_async(self._device[name], self._host[name], self._stream)
        self._demand(context.execute_async_v3(self._stream.handle), "running")
        for name in self._outputs:
            self._cuda.memcpy_dtoh_async(self._host[name], self._device[name], self._stream)

    def _demand(self, done: bool, doing: str) -> None:
        if not done:
            raise BackendLostError(f"TensorRT fails ({doing}): {self._log.take() or 'it gives no reason'}")


def _check(engine: "trt.ICudaEngine", table: Table, profiles: int, what: str) -> None:
    """Whether a plan is of this graph: names, directions, types, profiles."""
    import tensorrt as trt

    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    wanted = {t.name: (trt.TensorIOMode.INPUT, t) for t in table.inputs}
    wanted |= {t.name: (trt.TensorIOMode.OUTPUT, t) for t in table.outputs}
    if set(names) != set(wanted):
        raise EngineError(
            f"the {what}'s plan has the tensors {', '.join(names)}, not {', '.join(wanted)}: build it again"
        )
    for name, (mode, tensor) in wanted.items():
        dtype = trt.DataType.UINT8 if tensor.dtype is np.uint8 else trt.DataType.FLOAT
        if engine.get_tensor_mode(name) != mode or engine.get_tensor_dtype(name) != dtype:
            raise EngineError(
                f"{name} is {engine.get_tensor_mode(name)}, {engine.get_tensor_dtype(name)} in the {what}'s plan, not "
                f"{mode}, {dtype}: build it again"
            )
    if engine.num_optimization_profiles != profiles:
        raise EngineError(
            f"the {what}'s plan has {engine.num_optimization_profiles} profiles, not {profiles}: build it again"
        )
