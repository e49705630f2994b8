"""Whether a face may be judged, and why not, in words for people."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtme.face.crop import HeadPose
from rtme.face.libraries import cv2


@dataclass(frozen=True, slots=True)
class Limits:
    """What a face must be to be judged.

    Attributes:
        min_eye_distance_px: Smallest distance of the outer eye corners in source pixels.
        max_yaw: Largest turn to either side, degrees.
        max_pitch: Largest turn up or down, degrees.
        min_sharpness: Smallest :func:`sharpness`.
        max_outside: Largest part of the landmarks beyond the picture's edge, 0..1.
    """

    min_eye_distance_px: float
    max_yaw: float
    max_pitch: float
    min_sharpness: float = 0.25
    max_outside: float = 0.02


def misplaced(
    landmarks: NDArray[np.float32], shape: tuple[int, int], eyes: float, pose: HeadPose, limits: Limits
) -> str | None:
    """Why this face must not be judged where it is, or None.

    Args:
        landmarks: ``(N, 3)`` in pixels.
        shape: Height and width of the picture.
        eyes: Distance of the outer eye corners in pixels.
        pose: Head pose.
        limits: What is asked of a face.
    """
    if eyes < limits.min_eye_distance_px:
        return f"too small: eyes {eyes:.0f} px apart, need {limits.min_eye_distance_px:.0f}"
    if abs(pose.yaw) > limits.max_yaw:
        return f"turned away: yaw {pose.yaw:.0f}°, at most {limits.max_yaw:.0f}°"
    if abs(pose.pitch) > limits.max_pitch:
        return f"turned away: pitch {pose.pitch:.0f}°, at most {limits.max_pitch:.0f}°"
    x, y = landmarks[:, 0], landmarks[:, 1]
    outside = float(np.mean((x < 0) | (y < 0) | (x > shape[1] - 1) | (y > shape[0] - 1)))
    if outside > limits.max_outside:
        return f"cut off by the picture's edge: {outside:.0%} of the face"
    return None


def sharpness(gray: NDArray[np.uint8]) -> float:
    """How fine the detail of a gray crop is, whatever its light and contrast.

    Spread of the Laplacian over spread of the gray levels, in the middle of the face and at half the resolution,
    so that a small face enlarged into its crop is not called blurred for being small. Measured: photographs 0.8
    to 1.4, compressed video 0.45 to 1.1, faces 28 pixels from eye to eye included; out of focus by a Gaussian
    of 6 % of the eye distance 0.14 to 0.26.

    Args:
        gray: ``(size, size)`` uint8.
    """
    half = cv2.resize(gray, (56, 56), interpolation=cv2.INTER_AREA).astype(np.float32)[12:44, 10:46]
    detail = cv2.meanStdDev(cv2.Laplacian(half, cv2.CV_32F)[1:-1, 1:-1])[1]
    return float(detail[0, 0] / max(cv2.meanStdDev(half)[1][0, 0], 1.0))
