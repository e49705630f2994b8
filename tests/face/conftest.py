"""A real face (scikit-image's public-domain astronaut) and ways to move it."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

Image = NDArray[np.uint8]
Move = Callable[..., Image]


@pytest.fixture(scope="session")
def portrait() -> Image:
    return astronaut()


@pytest.fixture(scope="session")
def move(portrait: Image) -> Move:
    """``move(dx, dy, angle, scale, noise, seed)`` gives the portrait moved about the face, with sensor noise."""

    def moved(
        dx: float = 0, dy: float = 0, angle: float = 0, scale: float = 1, noise: float = 0, seed: int = 0
    ) -> Image:
        matrix = cv2.getRotationMatrix2D((225.0, 110.0), angle, scale)
        matrix[:, 2] += (dx, dy)
        picture = cv2.warpAffine(
            portrait, matrix, portrait.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        grain = np.random.default_rng(seed).normal(0, noise, picture.shape) if noise else 0
        return np.clip(picture + grain, 0, 255).astype(np.uint8)

    return moved
