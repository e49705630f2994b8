"""Frames that a program already has."""

import time
from collections.abc import Iterable, Iterator, Sized

import numpy as np
from numpy.typing import NDArray

from rtme.capture.frame import Frame
from rtme.clock import Stamp
from rtme.errors import SourceError


class FramesSource:
    """A source over pictures in memory, or made one by one. Never drops.

    Args:
        frames: Pictures, each ``(height, width, 3)`` uint8 RGB.
        fps: Their rate, frames per second; picture k is seen at k / fps seconds.
        name: The stream's name.

    Example:
        >>> rtme.analyze(FramesSource(pictures, fps=25)).report()
    """

    live = False
    corrupt = 0

    def __init__(self, frames: Iterable[NDArray[np.uint8]], fps: float, name: str = "frames") -> None:
        if not fps > 0:
            raise SourceError(f"fps is {fps}: give frames per second above 0")
        self.name = name
        self._fps = fps
        self._frames = frames
        self._left: Iterator[NDArray[np.uint8]] | None = None
        self._index = -1
        self.frames_expected = len(frames) if isinstance(frames, Sized) else None

    @property
    def fps(self) -> float | None:
        """Frames per second."""
        return self._fps

    def open(self) -> None:
        """Begin."""
        self._left = iter(self._frames)

    def read(self) -> Frame | None:
        """The next picture, None after the last."""
        if self._left is None:
            raise SourceError(f"`{self.name}` is not open: call open() first")
        image = next(self._left, None)
        if image is None:
            return None
        self._index += 1
        stamp = Stamp(self.name, 0, self._index, time.monotonic_ns(), time.time_ns(), self._index / self._fps)
        # Copied: whoever makes them one by one may use one array for all.
        return Frame(stamp, np.array(image))

    def close(self) -> None:
        """Forget the pictures."""
        self._left = None
