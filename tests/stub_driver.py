"""NVIDIA's driver as ``probe`` sees it, compiled: this machine need not have one."""

import subprocess
from pathlib import Path

_SOURCE = r"""
#include <string.h>
int cuInit(unsigned flags) { return INIT; }
int cuDriverGetVersion(int *version) { *version = VERSION; return 0; }
int cuDeviceGetCount(int *count) { *count = COUNT; return 0; }
int cuDeviceGet(int *device, int number) { *device = number + 40; return 0; }
int cuDeviceGetName(char *name, int size, int device) { strncpy(name, "Stub GPU", size); return device == 40 ? 0 : 101; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 75 ? 9 : attribute == 76 ? 0 : attribute == 16 ? 132 : -1;
  return device == 40 ? 0 : 101;
}
"""


def stub_driver(folder: Path, *, version: int = 13020, count: int = 1, init: int = 0) -> str:
    """Compile a driver that speaks a version of CUDA, finds so many GPUs and starts with a status."""
    return compile_library(
        folder / f"libcuda-{version}-{count}-{init}.so",
        _SOURCE,
        f"-DVERSION={version}",
        f"-DCOUNT={count}",
        f"-DINIT={init}",
    )


def compile_library(path: Path, source: str, *flags: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-shared", "-fPIC", *flags, "-x", "c", "-", "-o", str(path)]
    subprocess.run(command, input=source, text=True, check=True, timeout=60)
    return str(path)
