"""The frames of a manifest's video, as the live path would lay them on the engine's time grid."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rtme.capture.file import FileSource
from rtme.capture.media_time import MediaClock
from rtme.data.manifest import Video
from rtme.errors import DataError
from rtme.live.marks import mark_of
from rtme.spot.grid import TimeGrid

Image = NDArray[np.uint8]

_SAME_RATE = 1.1
# Labels count frames, the grid goes by the file's clock: the two must mean the same seconds. Cameras that call
# themselves 30 a second and give 28 are common, slow motion that is stored at another rate differs by a factor.


class Footage:
    """One pass over a video's frames.

    Args:
        video: From the manifest.
        fps: Slots per second.

    Attributes:
        n_frames: Frames there are, dropped ones included; of a video file it is known when the pass is over.
        repeated: Frames that are not there, in whose place another stands.
        unreadable: Names of pictures that are there and cannot be decoded; the last good one stands in for them.
    """

    def __init__(self, video: Video, fps: float) -> None:
        self.n_frames = 0
        self.repeated = 0
        self.unreadable: list[str] = []
        self._video = video
        self._grid = TimeGrid(fps)

    def __iter__(self) -> Iterator[tuple[int, int, Image]]:
        """Slot, frame and ``(height, width, 3)`` uint8 RGB of each frame that falls on the grid.

        Raises:
            DataError: There are no frames, or none that can be decoded, or numbers of frames cannot be trusted.
            SourceError: The video file cannot be opened or read.
        """
        return self._file() if self._video.file else self._pictures()

    def _pictures(self) -> Iterator[tuple[int, int, Image]]:
        paths = self._video.pictures()
        self.n_frames = len(paths)
        self.repeated = len(paths) - len(set(paths))
        image: Image | None = None
        seen: Path | None = None
        for frame, path in enumerate(paths):
            # Rounded as the stamps of a video file's frames are, so that both fall on the same slots.
            slot = self._grid.place(round(frame / self._video.fps, 6))
            if slot is None:
                continue
            if path != seen:
                picture, seen = read_picture(path), path
                if picture is None:
                    self.unreadable.append(path.name)
                else:
                    image = picture
            if image is None:
                image = next(
                    (good for each in paths[frame:] if (good := read_picture(each)) is not None), None
                )
            if image is None:
                raise DataError(f"none of the pictures in {path.parent} can be decoded: get them again")
            yield slot, frame, image

    def _file(self) -> Iterator[tuple[int, int, Image]]:
        video, source = self._video, FileSource(self._video.file)
        clock = MediaClock(live=False)
        time_s = 0.0
        try:
            source.open()
            rate = source.fps or video.fps
            if not 1 / _SAME_RATE < rate / video.fps < _SAME_RATE:
                raise DataError(
                    f"{video.file} plays at {rate:g} frames a second, and the manifest says {video.fps:g}: "
                    "correct fps, or store the file at its true rate"
                )
            while (frame := source.read()) is not None:
                mark = mark_of(frame.stamp, clock.time(frame.stamp.pts_s, frame.stamp.capture_ns))
                self.n_frames, time_s = mark.frame + 1, mark.time_s
                slot = self._grid.place(time_s)
                if slot is not None:
                    yield slot, mark.frame, frame.image
            # Damaged pictures are left out. At the end that is harmless; before, every later frame has a wrong number.
            if source.corrupt and abs(time_s * rate - (self.n_frames - 1)) > 0.5:
                raise DataError(
                    f"{source.corrupt} pictures of {video.file} are damaged, so that the frames after them cannot be "
                    "told by number: get the file again"
                )
        finally:
            source.close()


def read_picture(path: Path) -> Image | None:
    """A picture as ``(height, width, 3)`` uint8 RGB; None when it is damaged.

    Raises:
        DataError: The file cannot be read at all.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; has the dataset moved?") from error
    # OpenCV paints the missing part of a JPEG that was cut off gray. A whole one ends, after its last scan, with a mark.
    if content.startswith(b"\xff\xd8") and content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda"):
        return None
    try:
        image: Image | None = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error:
        return None
    return image
