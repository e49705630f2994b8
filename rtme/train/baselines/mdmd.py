"""Flow that comes and goes again: Main Directional Maximal Difference, from the flow that stores have anyway.

After Wang, Wu, Qian, Li and Fu, "A main directional maximal difference analysis for spotting facial movements from
long-term videos", Neurocomputing 2017, which He, Wang, Li and Yap, "Spotting macro- and micro-expression intervals in
long video sequences", FG 2020, made the baseline of the spotting challenges. With the head frame k slots before slot
i and the tail frame k after it, for each of 36 blocks b::

    (rho, theta)   flow from the head frame to slot i at each pixel; rho' the length of that to the tail frame
    main           the quarter of directions (right, down, left, up) that most pixels of the block move to
    d_ib         = mean of the largest third of rho - rho' over the block's pixels that move to main
    d_i          = mean of the 12 largest d_ib
    r_i          = max(0, d_i - (d_{i-k} + d_{i+k}) / 2)             (:func:`rtme.train.baselines.peaks.contrast`)

Simplified: the flow to the tail frame is the sum of the two between (micro-expressions move less than a few pixels, so
that a pixel's neighbours move alike); k is the store's flow lag (200 ms), not half the longest micro-expression; the
flow is DIS with the head's motion fitted and taken out, not one frame pair's flow minus that of the nose.
"""

import math

import numpy as np
from numpy.typing import NDArray

from rtme.data.store import Clip, Store
from rtme.train.baselines import views
from rtme.train.baselines.peaks import contrast

_LARGEST = 12
_SHARE = 1 / 3


def curve(store: Store, clip: Clip) -> NDArray[np.float32]:
    """r_i of each slot in pixels at 112, at least 0; NaN where a slot that it needs has no crop."""
    moved, known = views.flow(store, clip)
    back = views.lag(store)
    strength = np.full(clip.slots, np.nan, np.float32)
    both = np.flatnonzero(known[:-back] & known[back:])
    for some in np.array_split(both, math.ceil(len(both) / 32)) if len(both) else ():
        strength[some] = _difference(moved[some], moved[some + back])
    return contrast(strength, back)


def _difference(here: NDArray[np.float32], on: NDArray[np.float32]) -> NDArray[np.float32]:
    """d_i of some slots from the flow up to them and the flow on from them."""
    rows, columns = views.inside(here)
    here, on = here[:, rows, columns], on[:, rows, columns]
    u, v = here[..., 0], here[..., 1]
    sideways = np.abs(u) >= np.abs(v)
    main = np.where(sideways, np.where(u >= 0, 0, 2), np.where(v >= 0, 1, 3)).astype(np.int8)
    directions, difference = _blocks(main), _blocks(np.hypot(u, v) - np.hypot(*np.moveaxis(here + on, -1, 0)))
    counts = np.stack([(directions == one).sum(-1) for one in range(4)], -1)
    outside = directions != counts.argmax(-1)[..., None]
    ranked = -np.sort(np.where(outside, np.inf, -difference), axis=-1)
    used = np.ceil(counts.max(-1) * _SHARE).astype(np.intp)
    sums = np.cumsum(np.where(np.isfinite(ranked), ranked, 0), axis=-1)
    each = np.take_along_axis(sums, used[..., None] - 1, -1)[..., 0] / used
    strongest: NDArray[np.float32] = np.sort(each, axis=1)[:, -_LARGEST:].mean(1)
    return strongest


def _blocks(pictures: NDArray[np.generic]) -> NDArray[np.generic]:
    """``(slots, blocks, pixels)`` of ``(slots, rows, columns)``."""
    slots, edge, grid = len(pictures), views.block_edge(), views.GRID
    cut = pictures.reshape(slots, grid, edge, grid, edge).swapaxes(2, 3)
    return cut.reshape(slots, grid**2, edge**2)
