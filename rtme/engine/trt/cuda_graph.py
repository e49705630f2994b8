"""A CUDA graph: work that was recorded once and is launched with one call. pycuda has none; NVIDIA's own bindings do."""

from collections.abc import Callable
from typing import Any


class CaptureError(Exception):
    """The work cannot be recorded; it runs as well without."""


class CudaGraph:
    """Recorded work on a stream.

    Args:
        stream: Handle of the stream. Its context is current.
        work: Puts the work on the stream; it must have run before.

    Raises:
        CaptureError: It cannot be recorded, or cuda.bindings is not installed.
    """

    def __init__(self, stream: int, work: Callable[[], None]) -> None:
        try:
            from cuda.bindings import driver
        except (ImportError, RuntimeError) as error:
            raise CaptureError(f"cuda.bindings cannot be imported: {error}") from error
        self._driver = driver
        self._stream = driver.CUstream(stream)
        # Calls of other threads, such as another engine's, do not disturb it.
        mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        self._did(driver.cuStreamBeginCapture(self._stream, mode))
        failed: Exception | None = None
        try:
            work()
        except Exception as error:
            failed = error
        # The capture ends whatever happened, or the stream could not be used any more.
        status, recorded = driver.cuStreamEndCapture(self._stream)
        if failed is not None or status != driver.CUresult.CUDA_SUCCESS:
            if status == driver.CUresult.CUDA_SUCCESS and int(recorded):
                driver.cuGraphDestroy(recorded)
            raise CaptureError(str(failed or status)) from failed
        try:
            self._ready: Any = self._did(driver.cuGraphInstantiate(recorded, 0))
        finally:
            driver.cuGraphDestroy(recorded)

    def launch(self) -> None:
        """Put the recorded work on the stream.

        Raises:
            CaptureError: CUDA fails.
        """
        self._did(self._driver.cuGraphLaunch(self._ready, self._stream))

    def close(self) -> None:
        """Release it, once."""
        self._driver.cuGraphExecDestroy(self._ready)

    def _did(self, answer: tuple[Any, ...]) -> Any:
        status, *values = answer
        if status != self._driver.CUresult.CUDA_SUCCESS:
            raise CaptureError(str(status))
        return values[0] if values else None
