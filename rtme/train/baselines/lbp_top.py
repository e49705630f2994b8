"""LBP-TOP feature difference: how unlike a moment's moving texture is to that a little before and after it.

After Moilanen, Zhao and Pietikäinen, "Spotting rapid facial movements from videos using appearance-based feature
difference analysis", ICPR 2014, with the features of Zhao and Pietikäinen, "Dynamic texture recognition using local
binary patterns", TPAMI 2007, in place of the still LBP. For slot i, block b and half a micro-interval k::

    LBP(c)  = sum over 8 neighbours p of [g_p >= g_c] * 2^p          in the planes XY, XT and YT
    h_ib    = histograms of uniform codes over the block and slots i-2 to i+2, each plane's summing to 1
    f_ib    = chi2(h_ib, (h_{i-k}b + h_{i+k}b) / 2),  chi2(a, b) = sum (a - b)^2 / (a + b)
    F_i     = mean of the 12 largest f_ib over the 36 blocks
    C_i     = max(0, F_i - (F_{i-2k} + F_{i+2k}) / 2)                (:func:`rtme.train.baselines.peaks.contrast`)

Ours: the paper contrasts with F_{i-k} and F_{i+k}. XT and YT see how fast something moves, which is most between onset
and apex and between apex and offset, so that a micro-expression would be contrasted with itself. Where the clip ends
before one of the two, the other stands for both. Simplified: neighbours lie on a square ring of radius 1 instead of an
interpolated circle; the three planes count the same; blocks are a grid of the aligned crop.
"""

import numpy as np
from numpy.typing import NDArray

from rtme.data.store import Clip, Store
from rtme.train.baselines import views
from rtme.train.baselines.peaks import contrast

INTERVAL_S = 0.35
"""A micro-interval: 9 frames at 25 fps and 21 at 60 fps in the paper."""

_AROUND = 2
_LARGEST = 12
_RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def curve(store: Store, clip: Clip) -> NDArray[np.float32]:
    """C_i of each slot, at least 0; NaN where a slot that it needs has no crop."""
    k = max(1, round((INTERVAL_S * store.plan.fps - 1) / 2))
    if clip.slots < 3:
        return np.full(clip.slots, np.nan, np.float32)
    counts, known = _histograms(views.gray(store, clip), views.valid(store, clip))
    histograms, whole = _windows(counts, known)
    beside, either = _beside(histograms, whole, k)
    strength = np.full(clip.slots, np.nan, np.float32)
    at = whole & either
    unlike = _chi2(histograms[at], beside[at])
    strength[at] = np.sort(unlike, axis=1)[:, -_LARGEST:].mean(1)
    return contrast(strength, 2 * k)


def _histograms(
    pictures: NDArray[np.uint8], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """``(slots, blocks, planes, codes)`` counts, and where the slot and its neighbours are known."""
    edge = views.block_edge()
    rows, columns = views.inside(pictures)
    slots, size, blocks = len(pictures), rows.stop - rows.start, views.GRID**2
    of_block = (np.arange(size) // edge)[:, None] * views.GRID + np.arange(size) // edge
    place = (np.arange(slots - 2) * blocks)[:, None, None] + of_block
    counts = np.zeros((slots, blocks, 3, _CODES), np.float32)
    for plane, (first, second) in enumerate(((1, 2), (0, 2), (0, 1))):
        codes = _patterns(pictures, first, second, rows, columns)
        total = np.bincount(
            (place * _CODES + _UNIFORM[codes]).ravel(), minlength=(slots - 2) * blocks * _CODES
        )
        counts[1:-1, :, plane] = total.reshape(slots - 2, blocks, _CODES)
    known = np.zeros(slots, bool)
    known[1:-1] = valid[:-2] & valid[1:-1] & valid[2:]
    return counts, known


def _patterns(
    pictures: NDArray[np.uint8], first: int, second: int, rows: slice, columns: slice
) -> NDArray[np.uint8]:
    """LBP codes in the plane of two axes (0 time, 1 down, 2 right), of all slots but the first and last."""
    at = (slice(1, len(pictures) - 1), rows, columns)
    centre = pictures[at]
    codes = np.zeros(centre.shape, np.uint8)
    for bit, (one, other) in enumerate(_RING):
        near = list(at)
        near[first] = slice(at[first].start + one, at[first].stop + one)
        near[second] = slice(at[second].start + other, at[second].stop + other)
        codes |= (pictures[tuple(near)] >= centre).view(np.uint8) << np.uint8(bit)
    return codes


def _windows(
    counts: NDArray[np.float32], known: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Histograms over slots i-2 to i+2, each plane's summing to 1, and where all these slots are known."""
    slots, length = len(counts), 2 * _AROUND + 1
    total, whole = np.zeros_like(counts), np.zeros(slots, bool)
    if slots >= length:
        running = np.concatenate([np.zeros_like(counts[:1]), np.cumsum(counts, axis=0, dtype=np.float32)])
        total[_AROUND : slots - _AROUND] = running[length:] - running[:-length]
        n_known = np.concatenate([[0], np.cumsum(known)])
        whole[_AROUND : slots - _AROUND] = n_known[length:] - n_known[:-length] == length
    return total / np.maximum(total.sum(-1, keepdims=True), 1), whole


def _beside(
    histograms: NDArray[np.float32], whole: NDArray[np.bool_], k: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Mean of the histograms ``k`` slots before and after, of those that are whole, and where one is."""
    total, n = np.zeros_like(histograms), np.zeros(len(whole), np.float32)
    for to, of in ((slice(k, None), slice(None, -k)), (slice(None, -k), slice(k, None))):
        total[to] += np.where(whole[of, None, None, None], histograms[of], 0)
        n[to] += whole[of]
    return total / np.maximum(n, 1)[:, None, None, None], n > 0


def _chi2(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Over planes and codes, ``(slots, blocks)``."""
    both = a + b
    distance: NDArray[np.float32] = ((a - b) ** 2 / np.where(both > 0, both, 1)).sum((-1, -2))
    return distance


def _uniform() -> NDArray[np.int32]:
    """Number of each code among those with at most two changes around the ring; all others share the last."""
    codes = np.arange(256)
    ring = (codes[:, None] >> np.arange(8)) & 1
    smooth = (ring != np.roll(ring, 1, axis=1)).sum(1) <= 2
    return np.where(smooth, np.cumsum(smooth) - 1, smooth.sum()).astype(np.int32)


_UNIFORM = _uniform()
_CODES = int(_UNIFORM.max()) + 1
