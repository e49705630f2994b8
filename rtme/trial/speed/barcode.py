"""A picture's number, painted into its corner so that it outlives a camera's compression.

Sixteen blocks of 16 by 16 pixels hold the number's bits, dark or bright, and sixteen more under them the opposite: whoever
reads it back knows when the picture is too damaged to tell.
"""

import numpy as np
from numpy.typing import NDArray

BITS = 16
MOST = 1 << BITS
"""Numbers there are; the next one is 0 again."""

_SIDE = 16  # of a block, pixels: H.264 codes each on its own
_DARK, _BRIGHT = 40, 216
_CLEAR = 80  # gray levels between a block and its opposite, at least


def paint(image: NDArray[np.uint8], number: int) -> None:
    """Write a number into the upper left corner of ``(32 or more, 256 or more, 3)`` uint8, in place."""
    bits = np.array([number >> bit & 1 for bit in range(BITS)], bool)
    rows = np.where([bits, ~bits], np.uint8(_BRIGHT), np.uint8(_DARK))
    image[: 2 * _SIDE, : BITS * _SIDE] = rows.repeat(_SIDE, 0).repeat(_SIDE, 1)[..., None]


def read(image: NDArray[np.uint8]) -> int | None:
    """The number in a picture, None where there is none or it cannot be told."""
    if image.shape[0] < 2 * _SIDE or image.shape[1] < BITS * _SIDE:
        return None
    corner = image[: 2 * _SIDE, : BITS * _SIDE, 1].reshape(2, _SIDE, BITS, _SIDE)
    # The rim of a block takes on something of its neighbours.
    bits, opposites = corner[:, 4:-4, :, 4:-4].mean((1, 3))
    if np.abs(bits - opposites).min() < _CLEAR:
        return None
    return int(((bits > opposites) << np.arange(BITS)).sum())
