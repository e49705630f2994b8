"""Crops as they might have been: in a mirror, in other light, a little aside.

Crops are ``(…, H, W, 3)`` uint8 (:meth:`rtme.data.store.Store.crops`). Of motion crops the channels are gray and the
flow to the right and downwards, 128 being still (:mod:`rtme.face.motion`), so that they vary otherwise than colours do.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Input = Literal["rgb", "motion"]
Crops = NDArray[np.uint8]

_GRAY, _RIGHT = 0, 1
_STILL = 128


def mirror(crops: Crops, input: Input) -> Crops:
    """The face in a mirror: pixels swap sides and flow to the right becomes flow to the left."""
    flipped = crops[..., ::-1, :].copy()
    if input == "motion":
        flow = flipped[..., _RIGHT].astype(np.int16)
        flipped[..., _RIGHT] = np.minimum(2 * _STILL - flow, 255)
    return flipped


def light(crops: Crops, input: Input, gain: float, shift: float) -> Crops:
    """The face in other light: ``128 + (pixel - 128) * gain + shift``; flow does not depend on it.

    Args:
        crops: Of one window, which has one light.
        input: What the channels are.
        gain: Contrast, around 1.
        shift: Brightness, in gray levels.
    """
    changed = crops.copy()
    lit = changed if input == "rgb" else changed[..., _GRAY]
    lit[...] = np.clip(np.rint((lit.astype(np.float32) - 128) * gain + 128 + shift), 0, 255)
    return changed


def jitter(crops: Crops, right: int, down: int) -> Crops:
    """The crop cut a little aside: all channels move alike and the border is repeated.

    Args:
        crops: Of one window: a constant shift adds no flow.
        right: Pixels, negative to the left.
        down: Pixels, negative upwards.
    """
    height, width = crops.shape[-3:-1]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return crops[..., rows[:, None], columns[None, :], :]
