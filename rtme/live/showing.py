"""Pictures and outlines of faces, for whoever asked to see them."""

from dataclasses import dataclass

from rtme.events import Mark
from rtme.face.crop import FaceCrop
from rtme.face.libraries import cv2
from rtme.face.outline import outline
from rtme.face.tracker import Image
from rtme.traces import FaceSight, Shown, Sight

_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Showing:
    """What is shown of each source.

    Attributes:
        pictures: Whether a JPEG goes with the outlines.
        fps: At most so many a second of the stream's time; None: every frame.
        width: Of the JPEG at most, pixels.
        outlines: Whether faces have outlines, or their box alone.
    """

    pictures: bool
    fps: float | None = None
    width: int = 640
    outlines: bool = True


class Shower:
    """Decides which frames of one source are shown, and makes what is shown."""

    def __init__(self, stream: str, showing: Showing) -> None:
        self._stream = stream
        self._showing = showing
        self._epoch = -1
        self._next_s = 0.0

    def due(self, epoch: int, mark: Mark) -> bool:
        """Whether this frame is to be shown."""
        fps = self._showing.fps
        if epoch != self._epoch:
            self._epoch, self._next_s = epoch, mark.time_s
        # Time stamps are rounded.
        if fps is None or mark.time_s >= self._next_s - 0.005:
            self._next_s = max(self._next_s, mark.time_s - 1.0) + (1 / fps if fps else 0.0)
            return True
        return False

    def show(self, image: Image, epoch: int, mark: Mark, crops: list[FaceCrop]) -> Shown:
        """What is shown of a frame.

        Args:
            image: ``(height, width, 3)`` uint8 RGB.
            epoch: Of the stream.
            mark: The frame.
            crops: Its faces.
        """
        height, width = image.shape[:2]
        faces = [
            FaceSight(
                face=crop.face,
                box=tuple(round(side, 1) for side in crop.box),
                outline=outline(crop.landmarks) if self._showing.outlines else [],
                judged=crop.invalid is None,
            )
            for crop in crops
        ]
        sight = Sight(
            stream=self._stream,
            epoch=epoch,
            frame=mark.frame,
            time_s=mark.time_s,
            wall_ns=mark.wall_ns,
            width=width,
            height=height,
            faces=faces,
        )
        return Shown(sight, self._jpeg(image) if self._showing.pictures else None)

    def _jpeg(self, image: Image) -> bytes:
        height, width = image.shape[:2]
        if width > self._showing.width:
            size = self._showing.width, round(height * self._showing.width / width)
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        _, data = cv2.imencode(
            ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        )
        return bytes(data)
