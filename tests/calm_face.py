"""A face that does nothing but drift, so that whatever else moves was planted."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from faces import portrait
from rtme.synth import Script, render

Image = NDArray[np.uint8]
SIZE = (320, 240)
EYE_PX = 70.0


@cache
def still() -> Image:
    frames, _ = render(portrait(), Script.of([], n_frames=1), SIZE, eye_px=EYE_PX, camera=None)
    return next(iter(frames))


def drifting(n_frames: int) -> list[Image]:
    """So slowly that no engine takes it for an expression."""
    drifts = [np.array([[1, 0, 0.05 * k], [0, 1, 0.03 * k]]) for k in range(n_frames)]
    return [cv2.warpAffine(still(), d, SIZE, borderMode=cv2.BORDER_REPLICATE) for d in drifts]
