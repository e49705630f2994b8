"""Where the face is, frame by frame, while frames pass."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from rtme.events import Mark
from rtme.face.crop import FaceCrop
from rtme.face.template import UNIT
from rtme.face.tracker import FaceTracker
from rtme.spot.grid import TimeGrid
from rtme.synth.canonical import apply, invert

Floats = NDArray[np.float32]

FPS = 30.0
"""Slots a second; a frame between two slots takes the place of the one before."""

SETTLED_S = 0.5
"""A face must have been judged for so long before anything is planted in it."""

_SHAPE_FROM = 10  # newest frames whose landmarks make the shape of the face: one alone is shaky


class Follower:
    """One face of a stream: its place in the newest frame, its shape, and since when it can be judged.

    Raises:
        FaceError: As :class:`~rtme.face.tracker.FaceTracker`.
    """

    def __init__(self) -> None:
        self._tracker = FaceTracker(input="rgb", size=UNIT, fps=FPS)
        self._grid = TimeGrid(FPS)
        self._face: FaceCrop | None = None
        self._since_s: float | None = None
        self._shapes: deque[Floats] = deque(maxlen=_SHAPE_FROM)

    def begin_epoch(self) -> None:
        """Forget everything: what follows has nothing to do with what was."""
        self._tracker.reset()
        self._grid = TimeGrid(FPS)
        self._face = self._since_s = None
        self._shapes.clear()

    def see(self, image: NDArray[np.uint8], at: Mark) -> None:
        """Follow the face into the next frame, ``(height, width, 3)`` uint8 RGB."""
        slot = self._grid.place(at.time_s)
        if slot is None:
            return
        before = self.number
        crops = self._tracker.track(image, slot)
        self._face = crops[0] if crops else None
        if self.why_not is not None or self.number != before:
            self._since_s = None
            self._shapes.clear()
        if self._face is not None and self.why_not is None:
            self._since_s = at.time_s if self._since_s is None else self._since_s
            self._shapes.append(apply(self._face.to_crop, self._face.landmarks))

    @property
    def number(self) -> int | None:
        """The face's number, None where there is no face."""
        return None if self._face is None else self._face.face

    @property
    def why_not(self) -> str | None:
        """Why the face cannot be judged in the newest frame, None where it can."""
        return "no face" if self._face is None else self._face.invalid

    def is_settled(self, at: Mark) -> bool:
        """Whether this face has been judged for a while."""
        return self._since_s is not None and at.time_s - self._since_s >= SETTLED_S

    @property
    def place(self) -> NDArray[np.float64]:
        """``(2, 3)`` the similarity that carries canonical points to the newest frame; only where there is a face."""
        assert self._face is not None
        return invert(self._face.to_crop)

    @property
    def shape(self) -> Floats:
        """``(468 or more, 2)`` landmarks in the canonical crop; only of a settled face."""
        mean: Floats = np.mean(self._shapes, 0)
        return mean

    def close(self) -> None:
        """Release the tracker. Safe to call twice."""
        self._tracker.close()
