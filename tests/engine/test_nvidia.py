"""What is asked of the driver, and what is said where it cannot be used."""

import subprocess
import sys
from pathlib import Path

import pytest

from rtme.engine.nvidia import Gpu, NoGpuError, probe
from rtme.engine.trt import backend as room
from rtme.errors import EngineError
from stub_driver import stub_driver
from tiny_engine import make_tiny_bundle

ROOT = Path(__file__).parents[3]


def test_a_gpu(driver: str) -> None:
    assert probe(0, driver) == Gpu(0, "Stub GPU", "9.0", 132, "13.2")


@pytest.mark.parametrize(
    ("numbers", "device", "reason"),
    [
        ({"version": 12080}, 0, "speaks CUDA 12.8 and 13.0 is needed: install driver 580 or newer"),
        ({"count": 0}, 0, "no NVIDIA GPU that CUDA may use"),
        ({"init": 100}, 0, "no NVIDIA GPU that CUDA may use"),
        ({"init": 803}, 0, r"does not start \(CUDA error 803\)"),
        ({"count": 2}, 2, "there is no GPU 2: give a device from 0 to 1"),
        ({"count": 2}, -1, "there is no GPU -1"),
        ({"count": 2}, 1, r"fails \(CUDA error 101 from cuDeviceGetName\)"),
    ],
)
def test_what_stands_in_the_way(tmp_path: Path, numbers: dict[str, int], device: int, reason: str) -> None:
    with pytest.raises(NoGpuError, match=reason):
        probe(device, stub_driver(tmp_path, **numbers))


def test_no_driver(tmp_path: Path) -> None:
    with pytest.raises(NoGpuError, match="this machine has no NVIDIA driver"):
        probe(0, str(tmp_path / "libcuda.so.1"))


def test_what_is_not_installed(driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "probe", lambda device: probe(device, driver))
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(EngineError, match=r"tensorrt is not installed: pip install 'rtme\[gpu\]'"):
        room.machine_for(0)


def test_without_a_driver_nothing_that_may_crash_is_imported(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")
    code = f"""
import sys
from functools import partial
from rtme.engine.backend import Wish
from rtme.engine.bundle import load_bundle
from rtme.engine.trt import backend, builder, cuda_graph, gpu, log, making, parity, program, typed
backend.probe = partial(backend.probe, driver="/nowhere/libcuda.so.1")
print(backend.missing(load_bundle({str(bundle.path)!r}), Wish()))
print(sorted({{"tensorrt", "pycuda", "cuda", "onnx", "torch"}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True, cwd=ROOT
    )
    reason, imported = done.stdout.splitlines()
    assert reason.startswith("this machine has no NVIDIA driver")
    assert imported == "[]"
