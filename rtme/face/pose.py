"""Head pose: the rotation that takes the mean face to the landmarks."""

import math

import numpy as np
from numpy.typing import NDArray

from rtme.face.crop import HeadPose
from rtme.face.template import SHAPE

# Eye corners, bridge and base of the nose, forehead, temples: none moves with the mouth, the jaw or a blink.
_RIGID = np.array([33, 133, 263, 362, 168, 6, 197, 195, 2, 98, 327, 10, 67, 297, 54, 284, 127, 356, 234, 454])
_MEAN = SHAPE[_RIGID].astype(np.float64)
_MEAN = _MEAN - _MEAN.mean(0)


def head_pose(landmarks: NDArray[np.float32]) -> HeadPose:
    """Yaw, pitch and roll by orthogonal Procrustes (Kabsch 1976) against the mean face.

    Args:
        landmarks: ``(468 or 478, 3)`` in pixels, z in the scale of x.

    Returns:
        Degrees, with the signs of :class:`~rtme.face.crop.HeadPose`. Zero is the mean of frontal portraits.
    """
    turn = _turn(landmarks)  # decomposed as roll(z) @ yaw(y) @ pitch(x)
    return HeadPose(
        yaw=math.degrees(math.asin(max(-1.0, min(1.0, turn[2, 0])))),
        pitch=math.degrees(-math.atan2(turn[2, 1], turn[2, 2])),
        roll=math.degrees(-math.atan2(turn[1, 0], turn[0, 0])),
    )


def rotation(pose: HeadPose) -> NDArray[np.float64]:
    """The head pose as a ``(3, 3)`` rotation: landmarks times this look straight ahead."""
    (sin_z, cos_z), (sin_y, cos_y), (sin_x, cos_x) = (
        (math.sin(angle), math.cos(angle))
        for angle in (math.radians(-pose.roll), math.radians(-pose.yaw), math.radians(-pose.pitch))
    )
    return np.array(
        [
            [cos_z * cos_y, cos_z * sin_y * sin_x - sin_z * cos_x, cos_z * sin_y * cos_x + sin_z * sin_x],
            [sin_z * cos_y, sin_z * sin_y * sin_x + cos_z * cos_x, sin_z * sin_y * cos_x - cos_z * sin_x],
            [-sin_y, cos_y * sin_x, cos_y * cos_x],
        ]
    )


def _turn(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """The rotation that takes the mean face to the landmarks: observed = turn @ mean."""
    points = landmarks[_RIGID].astype(np.float64)
    left, _, right = np.linalg.svd((points - points.mean(0)).T @ _MEAN)
    left[:, 2] *= np.sign(np.linalg.det(left @ right))
    turn: NDArray[np.float64] = left @ right
    return turn
