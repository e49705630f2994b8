"""From a curve of how much moved to intervals, the same way for each classical method."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtme.data.store import Clip, Store
from rtme.score import Interval, Rules, VideoFacts, spotting

Curve = NDArray[np.float32]

_NOTHING = 1e-9

LENGTHS_MS = (200, 300, 400)
SHARES = tuple(float(share) for share in np.geomspace(0.005, 0.95, 40).round(4))
"""Close together where they are small: the highest peaks are of large movements, far above a micro-expression."""


@dataclass(frozen=True, slots=True, order=True)
class Threshold:
    """All that a classical spotter learns.

    Attributes:
        share: tau: how far the level lies from the mean of the curves to their maximum, 0..1.
        level: T = mean + tau * (max - mean), in the curve's unit.
        length_ms: Length of every interval, which lies around its peak.
    """

    share: float
    level: float
    length_ms: int


def contrast(strength: Curve, reach: int) -> Curve:
    """What sticks out: a slot's strength minus the mean of that ``reach`` before and after it, at least 0.

    Where only one of the two is known, it stands for both; where none is, nothing is known of the slot.
    """
    slots = len(strength)
    around = np.full((2, slots), np.nan, np.float32)
    around[0, reach:], around[1, : slots - reach] = strength[: slots - reach], strength[reach:]
    known = np.isfinite(around)
    n = known.sum(0)
    mean = np.where(known, around, 0).sum(0) / np.maximum(n, 1)
    return np.where(n > 0, np.maximum(strength - mean, 0), np.nan).astype(np.float32)


def choose(store: Store, clips: Sequence[Clip], curves: Sequence[Curve], rules: Rules) -> Threshold:
    """The threshold and length with the best micro-expression F1 on validation clips; the middle one of equals.

    The published methods take mean and maximum of the very video they spot in, so that each video has a find. Clips
    of some seconds need not hold a movement: ours are taken over all validation clips, and stay.
    """
    pooled = np.concatenate([curve[np.isfinite(curve)] for curve in curves] or [np.zeros(0, np.float32)])
    mean, top = (float(pooled.mean()), float(pooled.max())) if pooled.size else (0.0, 0.0)
    facts = [VideoFacts(clip.key, clip.fps, clip.n_frames, clip.state) for clip in clips]
    truth = [
        Interval(clip.key, onset, offset, "me") for clip in clips for onset, offset in clip.of_type("me")
    ]
    tried = [
        Threshold(share, mean + share * (top - mean), length_ms)
        for length_ms in LENGTHS_MS
        for share in SHARES
    ]
    scores: list[float] = []
    for threshold in tried:
        found = [
            one
            for clip, curve in zip(clips, curves, strict=True)
            for one in spot(store, clip, curve, threshold)
        ]
        scores.append(spotting(truth, found, facts, rules).me.f1)
    highest = max(scores)
    best = [threshold for threshold, score in zip(tried, scores, strict=True) if score == highest]
    length_ms = statistics.mode(threshold.length_ms for threshold in best)
    return statistics.median_low(threshold for threshold in best if threshold.length_ms == length_ms)


def spot(store: Store, clip: Clip, curve: Curve, threshold: Threshold) -> list[Interval]:
    """Micro-expressions of a clip, in its source's frames: one around each peak of the level or more.

    Peaks choose in the order of their height, and none lies within another's interval. An interval is no longer than
    500 ms, and ends where the clip does.
    """
    rows = store.rows(clip)
    frames = np.asarray(rows["frame"])
    wide = max(1, round(threshold.length_ms / 1000 * store.plan.fps))
    high = np.flatnonzero(np.nan_to_num(curve, nan=0.0) >= max(threshold.level, _NOTHING))
    found: list[Interval] = []
    taken = np.zeros(len(curve), bool)
    longest = max(1, int(0.5 * clip.fps + 1e-6))
    for peak in map(int, high[np.argsort(-curve[high], kind="stable")]):
        if taken[peak] or frames[peak] < 0:
            continue
        taken[max(0, peak - wide + 1) : peak + wide] = True
        inside = frames[max(0, peak - (wide - 1) // 2) : peak + wide // 2 + 1]
        inside = inside[inside >= 0]
        onset = int(inside[0])
        offset = min(int(inside[-1]), onset + longest - 1)
        apex, score = int(frames[peak]), float(curve[peak])
        found.append(Interval(clip.key, onset, offset, "me", apex=apex, score=score, state=clip.state))
    return sorted(found, key=lambda one: one.onset)
