"""How every bench writes down what it saw: the figures, the machine, the versions, the commit."""

import json
import os
import platform
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
PACKAGES = ("rtme", "av", "mediapipe", "onnxruntime", "numpy", "opencv-contrib-python", "pyzmq")


def machine() -> dict[str, Any]:
    """Processor, cores, memory, system."""
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        if info.exists()
        else []
    )
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "commit": _git("rev-parse", "--short", "HEAD")
        + ("+changes" if _git("status", "--porcelain") else ""),
    }


def label() -> str:
    """A short name for the machine, used in file names."""
    words = "".join(c if c.isalnum() else " " for c in machine()["processor"].lower()).split()
    kept = [w for w in words if w not in ("r", "tm", "cpu", "processor", "core", "with")][:3]
    return "-".join([*kept, f"{os.cpu_count()}cores"])


def save(name: str, result: dict[str, Any], draw: Callable[[Axes], None] | None = None) -> None:
    """Write ``bench/results/<name>-<machine>.json``, and a picture beside it, and say where.

    Args:
        name: Of the bench.
        result: What it saw.
        draw: Draws the picture.
    """
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{label()}.json"
    when = datetime.now(UTC).isoformat(timespec="seconds")
    text = json.dumps({"bench": name, "when": when, "machine": machine(), **result}, indent=2)
    path.write_text(text + "\n")
    print(json.dumps(result, indent=2))
    print(f"written to {path.relative_to(ROOT)}")
    if draw is not None:
        figure = Figure(figsize=(7, 3.5), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        figure.supxlabel(f"{label()}, {when[:10]}", x=0.99, ha="right", size=7, color="gray")
        figure.savefig(path.with_suffix(".png"), dpi=110)
        print(f"picture in {path.with_suffix('.png').relative_to(ROOT)}")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout.strip()
