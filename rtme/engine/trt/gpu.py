"""A GPU's context, stream and memory, with pycuda.

One thread at a time uses it, whichever. pycuda keeps a stack of contexts for each thread and ends the whole process when a
thread ends with one still on it; so each call pushes the context and pops it whatever happens.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from rtme.errors import BackendLostError

_NON_BLOCKING = 1
"""pycuda has no name for the flag. TensorRT waits more than it must on the default stream."""


class GpuRoom:
    """Where plans run: the primary context of a GPU and a stream of its own.

    Args:
        number: Of the GPU.

    Raises:
        BackendLostError: CUDA fails.
    """

    def __init__(self, number: int) -> None:
        import pycuda.driver as cuda

        self._number = number
        with _told(number, "opening it"):
            self._context: cuda.Context = _primary(number)
        with self.entered("opening it"):
            self.stream: cuda.Stream = cuda.Stream(_NON_BLOCKING)

    @contextmanager
    def entered(self, doing: str) -> Iterator[None]:
        """Work on the GPU in this thread.

        Args:
            doing: What, for the message.

        Raises:
            BackendLostError: CUDA fails: no memory, a lost device.
        """
        with _told(self._number, doing):
            self._context.push()
            try:
                yield
            finally:
                self._context.pop()


@contextmanager
def _told(number: int, doing: str) -> Iterator[None]:
    import pycuda.driver as cuda

    try:
        yield
    except cuda.MemoryError as error:
        raise BackendLostError(
            f"GPU {number} has no memory left ({doing}): end what else runs on it, or use another with --device"
        ) from error
    except cuda.Error as error:
        raise BackendLostError(f"GPU {number} fails ({doing}): {error}") from error


@cache
def _primary(number: int) -> Any:
    """The context that TensorRT and everybody else in this process uses; retained once, for pycuda compares objects."""
    import pycuda.driver as cuda

    cuda.init()
    return cuda.Device(number).retain_primary_context()
