"""A recording written again with what was found drawn into it."""

import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from rtme.capture.file import FileSource
from rtme.capture.sources import open_source
from rtme.errors import SettingsError, SourceError
from rtme.traces import FaceSight, Shown, Sight
from rtme.view.course import HOLD_S, Course
from rtme.view.curves import collect_curves
from rtme.view.overlay import Image, draw_face
from rtme.view.report import Report
from rtme.view.video_file import VideoFile

_SIZE = struct.Struct("<I")
_TELL_EVERY = 30


class Sights:
    """The outlines of a recording's faces, in the order of its frames.

    They wait in a file without a name, which is gone with this object or the process: an hour of them fills gigabytes
    of memory as objects, and nobody else may read them.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it stays open until close()
        self._failure: OSError | None = None

    def add(self, shown: Shown) -> None:
        """Keep one. Raises nothing: whoever shows them has more to do."""
        data = zlib.compress(shown.message.model_dump_json().encode(), 1)
        try:
            self._file.write(_SIZE.pack(len(data)) + data)
        except OSError as error:
            self._failure = self._failure or error

    def __iter__(self) -> Iterator[Sight]:
        """From the first on.

        Raises:
            SettingsError: They could not be kept.
        """
        if self._failure is not None:
            raise SettingsError(
                f"the outlines of the faces could not be kept in {tempfile.gettempdir()} "
                f"({self._failure.strerror}): name a folder with more room in TMPDIR"
            )
        self._file.seek(0)
        while head := self._file.read(_SIZE.size):
            yield Sight.model_validate_json(zlib.decompress(self._file.read(_SIZE.unpack(head)[0])))

    def close(self) -> None:
        """Forget them."""
        self._file.close()


def burn(
    source: str | Path,
    target: Path,
    report: Report,
    shown: list[Shown],
    sights: Sights,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> None:
    """Read a recording once more and write it with what was found.

    Args:
        source: The recording that was analysed.
        target: The new file; its ending says the form (:data:`rtme.view.video_file.CODECS`).
        report: What was found.
        shown: The traces of its faces.
        sights: Their outlines.
        on_progress: Called now and then with frames written and frames expected.

    Raises:
        SettingsError: The file cannot be written; nothing is left of it.
        SourceError: The recording cannot be read any more.
    """
    # The same reader as in the analysis: it counts the same frames, damaged ones left out.
    recording = open_source(str(source))
    if not isinstance(recording, FileSource):
        raise SourceError(f"{source} is no file: only of a recording can a copy be written")
    course = Course(report, collect_curves(shown))
    recording.open()
    try:
        with VideoFile(recording.path, target, f"{report.engine}: {report.engine_note}") as video:
            faces = _Faces(sights)
            first_s: float | None = None
            while (frame := recording.read()) is not None:
                pts_s = frame.stamp.pts_s or 0.0
                first_s = pts_s if first_s is None else first_s
                number, time_s = frame.stamp.frame, pts_s - first_s
                video.write(_drawn(frame.image, course, faces.at(number, time_s), number, time_s), pts_s)
                if on_progress is not None and number % _TELL_EVERY == 0:
                    on_progress(number, report.frames)
            video.finish()
    finally:
        recording.close()


class _Faces:
    """Where the faces of each frame are, asked for in order."""

    def __init__(self, sights: Sights) -> None:
        self._rest = iter(sights)
        self._now: Sight | None = None
        self._next = next(self._rest, None)

    def at(self, frame: int, time_s: float) -> list[FaceSight]:
        while self._next is not None and self._next.frame <= frame:
            self._now, self._next = self._next, next(self._rest, None)
        # Of a recording that is faster than the engine, not every frame was looked at.
        if self._now is None or time_s - self._now.time_s > HOLD_S:
            return []
        return self._now.faces


def _drawn(image: Image, course: Course, faces: list[FaceSight], frame: int, time_s: float) -> Image:
    height = course.strip_height(image)
    # Codecs want an even number of rows.
    strip = course.strip(image, height + (image.shape[0] + height) % 2, time_s)
    picture = image.copy()
    for face in faces:
        draw_face(picture, face, course.state(face.face, frame, time_s))
    return np.vstack([picture, strip])
