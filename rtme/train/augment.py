"""Crops as they might have been: in a mirror, in other light, a little aside.

Crops are ``(…, H, W, 3)`` uint8 (:meth:`rtme.data.store.Store.crops`). Of motion crops the channels are gray and the
flow to the right and downwards, 128 being still (:mod:`rtme.face.motion`), so that they vary otherwise than colours do.
"""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Input = Literal["rgb", "motion"]
Crops = NDArray[np.uint8]

_STILL = 128
_LEVELS = np.arange(256)


def mirror(crops: Crops, input: Input) -> Crops:
    """The face in a mirror: pixels swap sides and flow to the right becomes flow to the left."""
    # numpy takes fifty times as long to reverse an axis of pixels.
    pictures = [cv2.flip(picture, 1) for picture in crops.reshape(-1, *crops.shape[-3:])]
    flipped: Crops = np.stack(pictures).reshape(crops.shape)
    if input == "rgb":
        return flipped
    return _mapped(flipped, _LEVELS, np.minimum(2 * _STILL - _LEVELS, 255), _LEVELS)


def light(crops: Crops, input: Input, gain: float, shift: float) -> Crops:
    """The face in other light: ``128 + (pixel - 128) * gain + shift``; flow does not depend on it.

    Args:
        crops: Of one window, which has one light.
        input: What the channels are.
        gain: Contrast, around 1.
        shift: Brightness, in gray levels.
    """
    lit = np.clip(np.rint((_LEVELS - 128) * gain + 128 + shift), 0, 255)
    return _mapped(crops, lit, lit, lit) if input == "rgb" else _mapped(crops, lit, _LEVELS, _LEVELS)


def jitter(crops: Crops, right: int, down: int) -> Crops:
    """The crop cut a little aside: all channels move alike and the border is repeated.

    Args:
        crops: Of one window: a constant shift adds no flow.
        right: Pixels, negative to the left.
        down: Pixels, negative upwards.
    """
    height, width = crops.shape[-3:-1]
    reach = max(abs(right), abs(down))
    edges = [(0, 0)] * (crops.ndim - 3) + [(reach, reach), (reach, reach), (0, 0)]
    wide = np.pad(crops, edges, mode="edge")
    top, left = reach - down, reach - right
    return wide[..., top : top + height, left : left + width, :]


def _mapped(crops: Crops, *levels: NDArray[np.generic]) -> Crops:
    """Each of the three channels' 256 levels replaced by others."""
    table = np.stack(levels, 1).astype(np.uint8)[None]
    mapped: Crops = cv2.LUT(crops.reshape(-1, *crops.shape[-2:]), table).reshape(crops.shape)
    return mapped
