"""From a picture to the canonical 112-pixel crop, in which every displacement is defined, and back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtme.face.template import CANONICAL

Floats = NDArray[np.float32]

RIGID = (33, 133, 362, 263, 168, 6, 197, 2)
"""Landmarks that expressions hardly move: the corners of the eyes, the bridge and the base of the nose."""


def similarity(landmarks: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The similarity that carries canonical points to the picture (Umeyama 1991, in complex numbers).

    Args:
        landmarks: ``(468 or more, 2 or 3)`` landmarks in pixels of the picture.

    Returns:
        ``(2, 3)`` matrix: ``picture = matrix[:, :2] @ canonical + matrix[:, 2]``.
    """
    points = list(RIGID)
    here = np.asarray(landmarks, np.float64)[points, :2] @ (1, 1j)
    there = CANONICAL[points].astype(np.float64) @ (1, 1j)
    centred = there - there.mean()
    turn = np.vdot(centred, here - here.mean()) / np.vdot(centred, centred).real
    shift = here.mean() - turn * there.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def invert(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ``(2, 3)`` matrix that undoes another."""
    back = np.linalg.inv(matrix[:, :2])
    return np.column_stack([back, -back @ matrix[:, 2]])


def apply(matrix: NDArray[np.float64], points: NDArray[np.floating[Any]]) -> Floats:
    """``(..., 2)`` points under a ``(2, 3)`` matrix, float32."""
    moved: Floats = (points[..., :2] @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return moved


def to_canonical(landmarks: NDArray[np.floating[Any]]) -> Floats:
    """``(N, 2)`` landmarks in the canonical crop."""
    return apply(invert(similarity(landmarks)), np.asarray(landmarks, np.float64))
