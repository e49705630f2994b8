"""What a warp cannot show: the dark inside of an open mouth, and lashes on a closed eye."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rtme.synth.canonical import apply, invert

Floats = NDArray[np.float32]


class Paint:
    """A patch of the source picture that darkens by degrees. The warp then stretches it to where it shows.

    Args:
        source: ``(h, w, 3)`` uint8, painted in place.
        to_source: ``(2, 3)`` similarity from the canonical crop to it.
        box: Left, top, right and bottom of the patch in the canonical crop.
        share: From ``(h, w, 2)`` canonical points to ``(h, w)``: how much of the paint each takes, 0..1.
        keep: Part of the picture's own brightness that shines through.
        tint: Colour of the paint.
    """

    def __init__(
        self,
        source: NDArray[np.uint8],
        to_source: NDArray[np.float64],
        box: tuple[float, float, float, float],
        share: Callable[[Floats], Floats],
        *,
        keep: float,
        tint: tuple[float, float, float],
    ) -> None:
        corners = apply(to_source, np.array([(x, y) for x in box[::2] for y in box[1::2]]))
        x0, y0 = np.maximum(np.floor(corners.min(0)), 0).astype(int)
        x1, y1 = np.maximum(np.ceil(corners.max(0)), 0).astype(int)
        self._source = source
        self._patch = (slice(y0, y1), slice(x0, x1))
        self._bare = source[self._patch].astype(np.float32)
        high, wide = self._bare.shape[:2]
        pixels = np.stack(np.meshgrid(np.arange(wide) + x0, np.arange(high) + y0), -1).astype(np.float32)
        taken = share(apply(invert(to_source), pixels))[..., None].astype(np.float32)
        painted = self._bare * np.float32(keep) + np.array(tint, np.float32)
        self._change = (painted - self._bare) * taken
        self._amount = 0.0

    def lay(self, amount: float) -> None:
        """Paint by this much, 0 (not at all) .. 1."""
        amount = min(1.0, max(0.0, amount))
        if amount != self._amount:
            self._source[self._patch] = (self._bare + self._change * np.float32(amount)).astype(np.uint8)
            self._amount = amount


def mouth(
    source: NDArray[np.uint8],
    to_source: NDArray[np.float64],
    points: Floats,
    seam: Callable[[Floats], Floats],
) -> Paint:
    """The band along which the mouth opens.

    Args:
        source: As in :class:`Paint`.
        to_source: As in :class:`Paint`.
        points: ``(468, 2)`` canonical landmarks.
        seam: From canonical x to the height of the seam.
    """
    left, right = points[78], points[308]
    middle, half = (left[0] + right[0]) / 2, (right[0] - left[0]) / 2

    def share(place: Floats) -> Floats:
        off = np.abs(place[..., 1] - seam(place[..., 0]) - 0.25)
        inside = np.clip(1.3 - ((place[..., 0] - middle) / half) ** 2, 0, 1)
        band: Floats = np.clip(2.0 - off / 0.6, 0, 1) * inside
        return band

    box = (float(left[0]), float(min(left[1], right[1])) - 8, float(right[0]), float(points[14, 1]) + 4)
    return Paint(source, to_source, box, share, keep=0.12, tint=(28, 8, 8))


def lashes(
    source: NDArray[np.uint8],
    to_source: NDArray[np.float64],
    points: Floats,
    corners: tuple[int, int],
    rims: Callable[[Floats], tuple[Floats, Floats]],
) -> Paint:
    """What is left to see of an eye under its closed lid.

    Args:
        source: As in :class:`Paint`.
        to_source: As in :class:`Paint`.
        points: ``(468, 2)`` canonical landmarks.
        corners: Landmarks of the eye's corners.
        rims: From canonical x to the height of the upper and the lower rim.
    """
    ends = points[list(corners)]

    def share(place: Floats) -> Floats:
        top, bottom = rims(place[..., 0])
        inside: Floats = np.clip(np.minimum(place[..., 1] - top, bottom - place[..., 1]) + 0.5, 0, 1)
        lash: Floats = np.where(bottom - top > 0.2, inside, np.float32(0))
        return lash

    box = (
        float(ends[:, 0].min()), float(ends[:, 1].min()) - 9, float(ends[:, 0].max()), float(ends[:, 1].max()) + 9
    )  # fmt: skip
    return Paint(source, to_source, box, share, keep=0.45, tint=(18, 12, 10))
