"""Where the face is in one still picture."""

from functools import cache
from typing import Any

import mediapipe as mp
import numpy as np
from numpy.typing import NDArray

from rtme.errors import DataError


@cache
def _mesh() -> Any:
    return mp.solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1)


def find_landmarks(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Landmarks of the largest face in a still picture.

    Args:
        image: ``(h, w, 3)`` uint8 RGB.

    Returns:
        ``(468, 3)`` float32 in pixels (z in the same scale, smaller is nearer).

    Raises:
        DataError: There is no face in the picture.
    """
    found = _mesh().process(image).multi_face_landmarks
    if not found:
        raise DataError("no face found in this picture: give one in which a face looks at the camera")
    height, width = image.shape[:2]
    points = np.array([(p.x, p.y, p.z) for p in found[0].landmark[:468]], np.float32)
    return points * np.array((width, height, width), np.float32)
