"""One decoded picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtme.clock import Stamp


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture as it should be seen (rotation applied) and the times at which it was.

    Attributes:
        stamp: When.
        image: ``(height, width, 3)`` uint8 RGB.
    """

    stamp: Stamp
    image: NDArray[np.uint8]
