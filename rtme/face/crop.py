"""What the face room hands on."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Rotation of the head relative to the camera, in degrees.

    Attributes:
        yaw: Positive when the person turns to their own left.
        pitch: Positive when the person looks up.
        roll: Positive when the head leans to the person's own right shoulder.
    """

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """One face in one frame.

    Attributes:
        face: Identity, stable over time within an epoch; from 1 up, never used again.
        box: x, y, width, height in source pixels.
        eye_distance_px: Distance of the outer eye corners in source pixels.
        pose: Head pose.
        invalid: Why this face must not be judged now, in words with the value ("turned away: yaw 52°",
            see :mod:`rtme.face.quality`), or None when it may be.
        crop: ``(size, size, 3)`` uint8, the engine's input; None exactly when ``invalid`` says why.
            For ``input: rgb`` the aligned face; for ``input: motion`` the channels are gray, u and v
            (see :mod:`rtme.face.motion`).
        landmarks: ``(468 or 478, 3)`` float32 in source pixels (z in the same scale, smaller is nearer).
        to_crop: ``(2, 3)`` float64, the similarity that takes source x and y to crop x and y. Pixel centres
            lie at whole numbers, as in OpenCV.
        measures: ``(MEASURES,)`` float32, what the landmarks see (see :mod:`rtme.face.measures`).
    """

    face: int
    box: tuple[float, float, float, float]
    eye_distance_px: float
    pose: HeadPose
    invalid: str | None
    crop: NDArray[np.uint8] | None
    landmarks: NDArray[np.float32]
    to_crop: NDArray[np.float64]
    measures: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
