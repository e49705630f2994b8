"""Cameras at this machine: v4l2 on Linux, AVFoundation on macOS, DirectShow on Windows."""

import errno
import os
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import av.device

from rtme.capture.decoded_source import READ_LIMIT_S, LiveSource
from rtme.capture.decoding import Decoder
from rtme.capture.descriptors import no_descriptor
from rtme.capture.source import PermanentSourceError
from rtme.capture.urls import is_number, safe_name
from rtme.errors import SourceError

_OPEN_LIMIT_S = 10.0
_FORMATS = {"Linux": "v4l2", "Darwin": "avfoundation", "Windows": "dshow"}
_SYSTEM = platform.system()
_SIZE, _RATE = "640x480", "30"
_BUSY = {errno.EBUSY, errno.EAGAIN}
_DENIED = {errno.EACCES, errno.EPERM}


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera of this machine.

    Attributes:
        device: What to give :class:`WebcamSource` (and ``rtme live``).
        title: What the camera calls itself.
    """

    device: str
    title: str


def is_camera(spec: str) -> bool:
    """Whether a word names a camera: a number, ``/dev/videoN``, or ``video=Name`` (DirectShow)."""
    return is_number(spec) or spec.startswith(("/dev/video", "video="))


def list_cameras() -> list[Camera]:
    """The cameras of this machine, as far as they can be seen without opening one."""
    if _SYSTEM == "Linux":
        return list(_linux_cameras(Path("/dev"), Path("/sys/class/video4linux")))
    return [
        Camera(str(number) if _SYSTEM == "Darwin" else f"video={device.name}", device.description)
        for number, device in enumerate(av.device.enumerate_input_devices(_FORMATS[_SYSTEM]))
        if "video" in device.media_types
    ]


def _linux_cameras(dev: Path, sysfs: Path) -> Iterator[Camera]:
    nodes = [p for p in dev.glob("video*") if re.fullmatch(r"video\d+", p.name)]
    for node in sorted(nodes, key=lambda p: int(p.name[5:])):
        about = sysfs / node.name
        # One camera has several nodes; only the first of them gives pictures, the others metadata.
        index = about / "index"
        if index.is_file() and index.read_text().strip() != "0":
            continue
        title = about / "name"
        yield Camera(str(node), title.read_text().strip() if title.is_file() else node.name)


class WebcamSource(LiveSource):
    """A camera at this machine, at 640x480 and 30 frames per second where it can.

    A driver may block in a read for longer than FFmpeg can interrupt; ``Reader.silent_s`` shows it.
    """

    def __init__(self, device: int | str = 0, name: str | None = None) -> None:
        """Nothing is opened yet.

        Args:
            device: The camera's number, its device file, or ``video=Name`` (DirectShow).
            name: Stream name; None takes one from the device.
        """
        super().__init__(name or safe_name(str(device)), f"camera {device}")
        self._device = str(device)

    def open(self) -> None:
        """Open the camera.

        Raises:
            SourceError: It is busy or does not answer.
            PermanentSourceError: There is no such camera, or this user may not open it.
        """
        self.close()
        target = self._target()
        failure: av.FFmpegError | None = None
        for options in (
            {"video_size": _SIZE, "framerate": _RATE, "input_format": "mjpeg"},
            {"video_size": _SIZE, "framerate": _RATE},
            {},
        ):
            try:
                decoder = Decoder(
                    target,
                    self._label,
                    live=True,
                    format=_FORMATS[_SYSTEM],
                    options=options,
                    open_s=_OPEN_LIMIT_S,
                    read_s=READ_LIMIT_S,
                )
            except av.FFmpegError as error:
                failure = error
                if error.errno in _BUSY | _DENIED:
                    break
            else:
                self._opened(decoder)
                return
        assert failure is not None
        raise self._explain(failure) from failure

    def _target(self) -> str:
        if _SYSTEM != "Linux":
            return self._named()
        path = f"/dev/video{self._device}" if self._device.isdigit() else self._device
        if not Path(path).exists():
            raise PermanentSourceError(f"there is no camera {path}; {_those_here(list_cameras())}")
        if not os.access(path, os.R_OK | os.W_OK):
            raise PermanentSourceError(
                f"camera {path} may not be opened by this user; "
                "run `sudo usermod -aG video $USER`, then log in again"
            )
        return path

    def _named(self) -> str:
        if _SYSTEM == "Windows" and self._device.isdigit():
            cameras = list_cameras()
            if int(self._device) >= len(cameras):
                raise PermanentSourceError(f"there is no {self._label}; {_those_here(cameras)}")
            return cameras[int(self._device)].device
        return self._device

    def _explain(self, error: av.FFmpegError) -> SourceError:
        if (lack := no_descriptor(error)) is not None:
            return SourceError(f"{self._label} cannot be opened: {lack}")
        if error.errno in _BUSY:
            return SourceError(f"{self._label} is busy; close the program that uses it")
        if error.errno in _DENIED:
            return PermanentSourceError(f"{self._label} may not be opened by this user; allow camera access")
        return SourceError(
            f"{self._label} cannot be opened ({error.strerror}); is it a camera, and plugged in?"
        )


def _those_here(cameras: list[Camera]) -> str:
    if not cameras:
        return "this machine has no camera: plug one in"
    return "these are here: " + ", ".join(f"{c.device} ({c.title})" for c in cameras)
