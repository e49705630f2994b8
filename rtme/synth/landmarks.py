"""Where the face is in one still picture."""

from functools import cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from rtme.errors import DataError
from rtme.face.landmarks import MeshFinder

_one_at_a_time = Lock()  # two demos may open in two threads, and MediaPipe does not like that


@cache
def _finder() -> MeshFinder:
    return MeshFinder(faces=1)


def find_landmarks(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Landmarks of the most conspicuous face in a still picture.

    Args:
        image: ``(h, w, 3)`` uint8 RGB.

    Returns:
        ``(468, 3)`` float32 in pixels (z in the same scale, smaller is nearer).

    Raises:
        DataError: There is no face in the picture.
    """
    with _one_at_a_time:
        finder = _finder()
        finder.reset()
        # The second look starts from the first one's landmarks, as a tracker's does: they sit better.
        for time_ms in (0, 33):
            found = finder.find(image, time_ms)
            if not found:
                raise DataError("no face found in this picture: give one in which a face looks at the camera")
        return found[0][:468]
