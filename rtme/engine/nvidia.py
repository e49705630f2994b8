"""Whether there is an NVIDIA GPU to be used, without loading anything large."""

import ctypes


def driver_missing() -> str | None:
    """Why CUDA cannot run here whatever is installed, or None: its driver, which comes with the system, is asked."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "there is no NVIDIA driver (libcuda.so.1) on this machine"
    count = ctypes.c_int(0)
    if cuda.cuInit(0) != 0 or cuda.cuDeviceGetCount(ctypes.byref(count)) != 0 or count.value == 0:
        return "the NVIDIA driver finds no GPU"
    return None
