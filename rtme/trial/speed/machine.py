"""What was measured on: without it no figure of speed means anything."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "rtme",
    "av",
    "mediapipe",
    "onnxruntime",
    "openvino",
    "torch",
    "tensorrt",
    "numpy",
    "opencv-contrib-python",
    "pyzmq",
)
_ROOT = Path(__file__).resolve().parents[3]


def machine() -> dict[str, Any]:
    """Processor, cores, memory, GPUs, system, versions, and the commit where this is a checkout."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpus": gpus(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name)) is not None},
        "commit": _commit(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def label(known: dict[str, Any]) -> str:
    """A short name for a machine, for names of files."""
    words = "".join(c if c.isalnum() else " " for c in known["processor"].lower()).split()
    kept = [w for w in words if w not in ("r", "tm", "cpu", "processor", "core", "with")][:3]
    gpu = [
        "".join(c for c in name.lower().removeprefix("nvidia ") if c.isalnum()) for name in known["gpus"][:1]
    ]
    return "-".join([*kept, f"{known['cores']}cores", *gpu])


def gpus() -> list[str]:
    """Names of NVIDIA's GPUs."""
    return _nvidia("--query-gpu=name")


def device_mib(process: int) -> float | None:
    """Memory of all GPUs that a process holds, MiB; None where there is no GPU or it holds none."""
    rows = [row.split(",") for row in _nvidia("--query-compute-apps=pid,used_memory")]
    held = [float(memory) for pid, memory in rows if pid.strip() == str(process) and memory.strip().isdigit()]
    return sum(held) if held else None


def _nvidia(query: str) -> list[str]:
    if shutil.which("nvidia-smi") is None:
        return []
    words = ["nvidia-smi", query, "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    except subprocess.TimeoutExpired:
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()] if done.returncode == 0 else []


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if "model name" in line:
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Of the checkout that this runs from, None where it was installed."""
    # A worktree has a file of this name, not a folder.
    if not (_ROOT / ".git").exists() or shutil.which("git") is None:
        return None
    commit = _git("rev-parse", "--short", "HEAD")
    return commit + ("+changes" if commit and _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=_ROOT, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout.strip()
