"""Which GPU there is, asked of the driver itself.

It comes before anything large is imported: without a driver pycuda cannot be, and TensorRT's runtime crashes the
process when it loads a plan. Only ctypes is needed, so asking costs nothing.
"""

import ctypes
from dataclasses import dataclass

DRIVER = "libcuda.so.1"
CUDA_13 = 13000
"""As CUDA counts its versions."""

_CAPABILITY = (75, 76)
_MULTIPROCESSORS = 16
_NO_DEVICE = 100


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU and its driver.

    Attributes:
        number: As CUDA counts them.
        name: Such as ``NVIDIA H100 80GB HBM3``.
        capability: Such as ``9.0``.
        multiprocessors: How many.
        cuda: The newest CUDA that the driver speaks, such as ``13.0``.
    """

    number: int
    name: str
    capability: str
    multiprocessors: int
    cuda: str


class NoGpuError(Exception):
    """There is none to be used: why, in a few words, with the way out."""


def probe(number: int = 0, driver: str = DRIVER, least_cuda: int = CUDA_13) -> Gpu:
    """Look at a GPU.

    Args:
        number: Of the GPU.
        driver: Library to ask.
        least_cuda: What the driver must speak at least: what the libraries were built for.

    Raises:
        NoGpuError: No driver, one too old, or no such GPU.
    """
    try:
        cuda = ctypes.CDLL(driver)
    except OSError as error:
        raise NoGpuError(
            "this machine has no NVIDIA driver (libcuda.so.1): install one, 580 or newer"
        ) from error
    # The version first: it can be asked of a driver that finds no GPU.
    version = _number(cuda, "cuDriverGetVersion")
    if version < least_cuda:
        raise NoGpuError(
            f"its NVIDIA driver speaks CUDA {_dotted(version)} and {_dotted(least_cuda)} is needed: install driver 580 "
            "or newer"
        )
    status = cuda.cuInit(0)
    count = 0 if status == _NO_DEVICE else _number(cuda, "cuDeviceGetCount") if status == 0 else None
    if count is None:
        raise NoGpuError(f"its NVIDIA driver does not start (CUDA error {status}): does nvidia-smi work?")
    if count == 0:
        raise NoGpuError("this machine has no NVIDIA GPU that CUDA may use: is CUDA_VISIBLE_DEVICES empty?")
    if not 0 <= number < count:
        raise NoGpuError(f"there is no GPU {number}: give a device from 0 to {count - 1}")
    device = ctypes.c_int(_number(cuda, "cuDeviceGet", number))
    name = ctypes.create_string_buffer(256)
    _check(cuda.cuDeviceGetName(name, len(name), device), "cuDeviceGetName")
    major, minor = (_number(cuda, "cuDeviceGetAttribute", part, device) for part in _CAPABILITY)
    return Gpu(
        number,
        name.value.decode(errors="replace"),
        f"{major}.{minor}",
        _number(cuda, "cuDeviceGetAttribute", _MULTIPROCESSORS, device),
        _dotted(version),
    )


def gpu_missing(number: int) -> str | None:
    """Why CUDA cannot run on a GPU here, or None; which version of CUDA is the libraries' own concern."""
    try:
        probe(number, least_cuda=0)
    except NoGpuError as error:
        return str(error)
    return None


def _number(cuda: ctypes.CDLL, function: str, *arguments: int | ctypes.c_int) -> int:
    """What a function of the driver writes into its first argument."""
    found = ctypes.c_int()
    _check(getattr(cuda, function)(ctypes.byref(found), *arguments), function)
    return found.value


def _check(status: int, function: str) -> None:
    if status != 0:
        raise NoGpuError(
            f"its NVIDIA driver fails (CUDA error {status} from {function}): does nvidia-smi work?"
        )


def _dotted(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"
