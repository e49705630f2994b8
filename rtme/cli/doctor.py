"""``rtme doctor``: what is here, what is wrong, and what to do about it."""

import ctypes
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Literal

import typer
from rich.text import Text

from rtme.bus.address import DEFAULT_ADDRESS
from rtme.cli.console import print_json, results
from rtme.cli.options import Json
from rtme.cli.progress import progress
from rtme.errors import BusError, EngineError

# Nothing else of ours is imported up here: what is broken must be found below, not on the way in.

PROBE_S = 120
HEARTBEAT_S = 2.5
STYLES = {"ok": "green", "note": "yellow", "problem": "bold red"}

# Each package is imported in a process of its own: a missing system library or an instruction that this
# processor lacks must end that process, not this one. What the code prints is shown beside the version.
PROBES = {
    "numpy": "import numpy",
    "av": "import av; v = av.library_versions; print(*(f'{k} {v[k][0]}.{v[k][1]}' for k in "
    "('libavformat', 'libavcodec')), sep=', ')",
    "opencv-contrib-python": "import cv2",
    "mediapipe": "import mediapipe",
    "onnxruntime": "import onnxruntime; print(*onnxruntime.get_available_providers(), sep=', ')",
    "pyzmq": "import zmq; print('libzmq', zmq.zmq_version())",
}
OPENCV_WHEELS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
# What the OpenCV wheel expects of the system; a bare Debian or Ubuntu has neither package.
SYSTEM_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: The thing.
        status: "problem" stops ``rtme live``, "note" does not.
        detail: What was found.
        fix: What to do; empty when nothing.
    """

    what: str
    status: Literal["ok", "note", "problem"]
    detail: str
    fix: str = ""


def doctor(
    json: Json = False,
    brief: Annotated[
        bool, typer.Option("--brief", help="Look at the installation only, and say only what is wrong.")
    ] = False,
) -> None:
    """Say what is installed, which cameras and backends there are, and what is wrong.

    Ends with code 0 when `rtme live` can run here, else with 1.

    Examples:
    - `rtme doctor`
    - `rtme doctor --brief`
    - `rtme doctor --json`
    """
    console = results(soft_wrap=True)
    findings = []
    # In words each finding is printed as soon as it is known, which is progress enough.
    with progress("looking at what is installed") if json else nullcontext():
        for finding in examine(installation_only=brief):
            findings.append(finding)
            if not json and (finding.status == "problem" or not brief):
                console.print(_line(finding))
    problems = sum(finding.status == "problem" for finding in findings)
    if json:
        report = {"can_run": problems == 0, "findings": [asdict(finding) for finding in findings]}
        print_json(report)
    elif problems:
        console.print(f"\n`rtme live` cannot run here: {problems} problem{'s' * (problems > 1)}, see above.")
    elif not brief:
        console.print("\n`rtme live` can run here.")
    if problems:
        raise typer.Exit(1)


def examine(*, installation_only: bool = False) -> Iterator[Finding]:
    """Look at everything, in the order in which one thing needs another.

    Args:
        installation_only: Leave out what changes from hour to hour: cameras and the port.
    """
    yield Finding("rtme", "ok", version("rtme"))
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.platform()}")
    yield check_system_libraries()
    broken = set()
    for package in PROBES:
        finding = check_package(package)
        if finding.status == "problem":
            broken.add(package)
        yield finding
    yield check_opencv_wheels()
    yield _torch()
    if "onnxruntime" not in broken:
        yield check_engine()
    if installation_only:
        return
    if "av" not in broken:
        yield check_cameras()
    if "pyzmq" not in broken:
        yield check_port(DEFAULT_ADDRESS)


def check_system_libraries() -> Finding:
    """Whether the shared libraries that wheels expect of the system are there."""
    if sys.platform != "linux":
        return Finding("system libraries", "ok", "nothing needed beyond the wheels")
    missing = [name for name in SYSTEM_LIBRARIES if not _loads(name)]
    if missing:
        return Finding("system libraries", "problem", f"missing: {', '.join(missing)}", _install(missing))
    return Finding("system libraries", "ok", ", ".join(SYSTEM_LIBRARIES))


def check_package(package: str) -> Finding:
    """Whether a package is installed and can be imported."""
    try:
        installed = version(package)
    except PackageNotFoundError:
        return Finding(package, "problem", "not installed", "pip install rtme")
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROBES[package]],
            capture_output=True,
            text=True,
            timeout=PROBE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finding(
            package,
            "problem",
            f"{installed}, but importing it did not end in {PROBE_S} s",
            "is the disk very slow?",
        )
    if done.returncode == 0:
        said = done.stdout.strip()
        return Finding(package, "ok", f"{installed} ({said})" if said else installed)
    if done.returncode < 0:
        reason = f"importing it was ended by signal {-done.returncode}"
    else:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    library = re.search(r"([\w.+-]+\.so[.\d]*): cannot open shared object file", reason)
    fix = (
        _install([library[1]])
        if library
        else f"pip install --force-reinstall --no-deps {package}=={installed}"
    )
    return Finding(package, "problem", f"{installed}, but it cannot be imported: {reason}", fix)


def check_opencv_wheels() -> Finding:
    """Whether exactly one OpenCV wheel fills the cv2 folder."""
    installed = [wheel for wheel in OPENCV_WHEELS if _version(wheel) is not None]
    if len(installed) < 2:
        return Finding("opencv wheels", "ok", ", ".join(installed) or "none")
    return Finding(
        "opencv wheels",
        "problem",
        f"{' and '.join(installed)} write into the same cv2 folder and break each other",
        f"pip uninstall -y {' '.join(installed)} && pip install rtme",
    )


def check_cameras() -> Finding:
    """Which cameras are attached; none is no problem, there are streams, files and the demo."""
    from rtme.capture.webcam import list_cameras

    cameras = list_cameras()
    if not cameras:
        return Finding(
            "cameras", "note", "none found", "attach one, or use a stream, a file or `rtme live demo`"
        )
    names = ", ".join(f"{camera.device} ({camera.title})" for camera in cameras)
    closed = [
        camera.device
        for camera in cameras
        if camera.device.startswith("/dev/") and not os.access(camera.device, os.R_OK | os.W_OK)
    ]
    if closed:
        return Finding(
            "cameras",
            "note",
            f"{names}; this user may not open {', '.join(closed)}",
            "sudo usermod -aG video $USER, then log in again",
        )
    return Finding("cameras", "ok", names)


def check_engine() -> Finding:
    """Whether the default engine is whole and a backend runs it."""
    from rtme.engine.backend import Wish
    from rtme.engine.backends import open_for
    from rtme.engine.bundle import load_bundle

    try:
        bundle = load_bundle("default")
        opened = open_for(bundle, Wish())
    except EngineError as error:
        return Finding("engine", "problem", str(error), "install rtme again, or name an engine with --engine")
    manifest = bundle.manifest
    why = opened.why + _refused(opened.refused)
    detail = f"{manifest.name} {manifest.version} on {opened.backend.label} ({why}): {manifest.summary}"
    opened.backend.close()
    return Finding("engine", "ok", detail)


def _refused(refused: Mapping[str, str]) -> str:
    return "".join(f"; not {name}: {reason}" for name, reason in refused.items())


def check_port(address: str) -> Finding:
    """Whether a service could publish at ``address``."""
    from rtme.bus.publisher import Publisher
    from rtme.bus.subscriber import Subscriber

    try:
        Publisher(address).close()
    except BusError as error:
        with Subscriber(address) as events:
            try:
                ours = events.receive(HEARTBEAT_S) is not None
            except BusError:  # it wants keys: nothing else would say so
                ours = True
        if ours:
            return Finding(
                "port",
                "note",
                f"{address} is in use by a running rtme service",
                "give a second service its own: --bind tcp://127.0.0.1:5558",
            )
        return Finding("port", "problem", str(error), "--bind tcp://127.0.0.1:5558")
    return Finding("port", "ok", f"{address} is free")


def _torch() -> Finding:
    installed = _version("torch")
    return Finding(
        "torch", "ok", installed or "not installed; only training needs it: pip install 'rtme[train]'"
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _install(libraries: list[str]) -> str:
    """How to get missing system libraries."""
    packages = sorted({SYSTEM_LIBRARIES[name] for name in libraries if name in SYSTEM_LIBRARIES})
    if not packages or shutil.which("apt-get") is None:
        return f"install the system packages that hold {', '.join(libraries)}"
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get install -y {' '.join(packages)}"


def _line(finding: Finding) -> Text:
    line = Text(f"{finding.status:<8} ", style=STYLES[finding.status])
    line.append(f"{finding.what:<22} ", style="bold")
    line.append(finding.detail, style="default")
    if finding.fix:
        line.append(f"\n{'':<9}{'':<22} -> {finding.fix}", style="cyan")
    return line
