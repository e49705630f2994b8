"""The state of a face, frame by frame: what the animator draws."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtme.synth.action_units import SHAPES
from rtme.synth.truth import ACTION_UNITS

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Motion:
    """The state of a face at every frame of a clip; n frames.

    Attributes:
        units: ``(n, 13, 2)`` pixels per action unit and side.
        shapes: ``(n, 8)`` pixels per shape of ``action_units.SHAPES``.
        jaw: ``(n,)`` opening of the mouth, pixels.
        lids: ``(n, 2)`` closure of each eye, 0..1.
        pose: ``(n, 6)`` yaw, pitch, roll (degrees), shift x and y (canonical pixels), log of scale.
    """

    units: Floats
    shapes: Floats
    jaw: Floats
    lids: Floats
    pose: Floats

    @classmethod
    def still(cls, n_frames: int) -> "Motion":
        """Nothing moves."""
        return cls(
            np.zeros((n_frames, len(ACTION_UNITS), 2), np.float32),
            np.zeros((n_frames, len(SHAPES)), np.float32),
            np.zeros(n_frames, np.float32),
            np.zeros((n_frames, 2), np.float32),
            np.zeros((n_frames, 6), np.float32),
        )
