"""From what a person types to a source."""

import glob
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rtme.capture.file import FileSource
from rtme.capture.rtsp import RtspSource, Transport
from rtme.capture.source import Source
from rtme.capture.urls import VIDEO_SUFFIXES, is_number, is_url, safe_name, unique_names
from rtme.capture.webcam import WebcamSource, is_camera
from rtme.errors import SourceError

__all__ = ["expand", "open_source", "safe_name", "unique_names"]


def open_source(
    spec: str, *, transport: Transport = "tcp", paced: bool = False, name: str | None = None
) -> Source:
    """The source that a word names; nothing is opened yet.

    Args:
        spec: ``0`` or ``/dev/video0`` (a camera), ``demo``, an address (``rtsp://...``), or a path.
        transport: How RTSP carries the pictures.
        paced: Play files at their own pace.
        name: Stream name; None takes :func:`safe_name`.
    """
    if is_camera(spec):
        return WebcamSource(int(spec) if is_number(spec) else spec, name)
    if spec == "demo":
        # It animates a face, which the other sources need nothing of.
        from rtme.capture.demo import DemoSource

        demo: Source = DemoSource(name=name or "demo")
        return demo
    if is_url(spec) and not spec.lower().startswith("file://"):
        return RtspSource(spec, transport, name=name)
    path = unquote(urlsplit(spec).path) if is_url(spec) else spec
    return FileSource(path, name, paced=paced)


def expand(spec: str) -> list[str]:
    """A folder or a pattern as the files it stands for, sorted; anything else as it is.

    Raises:
        SourceError: The folder holds no video, or the pattern fits nothing.
    """
    if is_url(spec) or is_camera(spec) or spec == "demo":
        return [spec]
    path = Path(spec)
    if path.is_dir():
        videos = sorted(str(p) for p in path.iterdir() if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file())
        if not videos:
            raise SourceError(f"no video file in the folder {spec}; give a folder that holds some, or a file")
        return videos
    if path.exists() or not glob.has_magic(spec):
        return [spec]
    base = Path(path.anchor)
    found = sorted(str(p) for p in base.glob(str(path.relative_to(base))) if p.is_file())
    if not found:
        raise SourceError(f"no file fits {spec}; check the pattern")
    return found
