"""Real clips, read whole: their pictures, and where the face is in each."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtme.capture.file import FileSource
from rtme.face.tracker import FaceTracker

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

_FALLBACK_FPS = 30.0


def pictures(path: Path) -> tuple[list[Image], float]:
    """Every picture of a video file, as the live path would read them.

    Returns:
        Pictures, each ``(height, width, 3)`` uint8 RGB, and their frames per second.

    Raises:
        SourceError: The file cannot be opened or read.
    """
    source = FileSource(path)
    source.open()
    try:
        images = []
        while (frame := source.read()) is not None:
            images.append(frame.image)
        return images, source.fps or _FALLBACK_FPS
    finally:
        source.close()


def landmarks(images: list[Image]) -> list[Floats | None]:
    """``(468 or more, 3)`` pixels of the first face of each picture, None where there is none."""
    with FaceTracker(input="rgb", min_eye_distance_px=1) as tracker:
        found = [tracker.track(image, slot) for slot, image in enumerate(images)]
    return [crops[0].landmarks if crops else None for crops in found]
