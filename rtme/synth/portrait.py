"""A still picture of one face, ready to be moved."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rtme.errors import DataError
from rtme.synth.canonical import similarity, to_canonical
from rtme.synth.landmarks import find_landmarks
from rtme.synth.rig import Rig, canonical_scale


@dataclass(frozen=True)
class Portrait:
    """A picture and the landmarks of the face in it.

    Attributes:
        image: ``(h, w, 3)`` uint8 RGB.
        landmarks: ``(468, 3)`` float32 in pixels.
        person: Who it is; the file's name without its ending, or what the caller says.
    """

    image: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    person: str

    @classmethod
    def load(cls, picture: str | Path | NDArray[np.uint8], person: str | None = None) -> "Portrait":
        """Read a picture and find its face.

        Args:
            picture: A file, or ``(h, w, 3)`` uint8 RGB.
            person: Who it is, where the file's name does not say.

        Raises:
            DataError: The file cannot be read or shows no face.
        """
        if isinstance(picture, str | Path):
            pixels = cv2.imread(str(picture), cv2.IMREAD_COLOR)
            if pixels is None:
                raise DataError(f"{picture} cannot be read as a picture: give a JPEG or PNG of a face")
            image = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
            name = Path(picture).stem
        else:
            image, name = picture, ""
        try:
            landmarks = find_landmarks(image)
        except DataError as error:
            raise DataError(f"{name or 'picture'}: {error}") from None
        return cls(image, landmarks, person if person is not None else name)

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """``(2, 3)`` similarity from the canonical crop to the picture."""
        return similarity(self.landmarks)

    @cached_property
    def rig(self) -> Rig:
        """The face's moving parts."""
        return Rig(
            to_canonical(self.landmarks), self.landmarks[:, 2] / np.float32(canonical_scale(self.matrix))
        )
