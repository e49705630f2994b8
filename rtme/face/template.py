"""The mean face: its shape in three dimensions and where its landmarks lie in the canonical crop.

``mean_face.npy`` holds the mean MediaPipe mesh of 436 public-domain portraits after generalised Procrustes
analysis (Gower 1975), made symmetric: a table of numbers that shows nobody. ``average`` makes it anew.
"""

from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

UNIT = 112
"""Crop edge at which distances and motion are counted, whatever the edge of the crop really is."""

EYE_DISTANCE = 52.0
"""Distance of the outer eye corners in a crop of ``UNIT`` pixels."""

EYES = (56.0, 40.0)
"""Where the middle of the outer eye corners lies in a crop of ``UNIT`` pixels, x and y."""

OUTER_EYE_CORNERS = (33, 263)
"""The person's right and left outer eye corner."""


def _load() -> Floats:
    with files("rtme.face").joinpath("mean_face.npy").open("rb") as file:
        shape: Floats = np.load(file)
    return shape


SHAPE: Floats = _load()
"""``(468, 3)`` mean face, frontal. Unit: distance of the outer eye corners. Origin: their middle. z: away."""

CANONICAL: Floats = np.float32(EYE_DISTANCE) * SHAPE[:, :2] + np.array(EYES, np.float32)
"""``(468, 2)`` x and y of the mean face's landmarks in a crop of ``UNIT`` pixels."""


def canonical(size: int) -> Floats:
    """``(468, 2)`` landmarks of the mean face in a crop of ``size`` pixels."""
    return CANONICAL * np.float32(size / UNIT)


def average(meshes: NDArray[np.floating[Any]]) -> Floats:
    """The mean face of many.

    Args:
        meshes: ``(N, 468, 3)`` landmarks in pixels of N frontal faces.

    Returns:
        ``(468, 3)`` float32 in the units of :data:`SHAPE`.
    """
    shapes = np.asarray(meshes, np.float64)
    shapes = shapes - shapes.mean(1, keepdims=True)
    shapes /= np.linalg.norm(shapes, axis=(1, 2), keepdims=True)
    mean = shapes[0]
    for _ in range(10):
        # Kabsch (1976): the proper rotation that takes each shape nearest to the mean.
        left, _, right = np.linalg.svd(np.einsum("nki,kj->nij", shapes, mean))
        flip = np.ones((len(shapes), 3))
        flip[:, 2] = np.sign(np.linalg.det(left @ right))
        mean = (shapes @ (left * flip[:, None, :]) @ right).mean(0)
        mean = _level(mean)
        mirrored = mean * (-1, 1, 1)
        twin = np.linalg.norm(mean[:, None] - mirrored[None], axis=2).argmin(1)
        mutual = twin[twin] == np.arange(
            len(twin)
        )  # the lips' inner rims nearly touch: leave what is unclear
        mean[mutual] = (mean[mutual] + mirrored[twin[mutual]]) / 2
        mean /= np.linalg.norm(mean)
    right_eye, left_eye = mean[list(OUTER_EYE_CORNERS)]
    mean = (mean - (right_eye + left_eye) / 2) / np.linalg.norm(left_eye - right_eye)
    shape: Floats = mean.astype(np.float32)
    return shape


def _level(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn a shape so that the line between the outer eye corners lies along x."""
    right_eye, left_eye = shape[list(OUTER_EYE_CORNERS)]
    x = (left_eye - right_eye) / np.linalg.norm(left_eye - right_eye)
    z = np.cross(x, (0.0, 1.0, 0.0))
    z /= np.linalg.norm(z)
    level: NDArray[np.float64] = shape @ np.stack([x, np.cross(z, x), z]).T
    return level
