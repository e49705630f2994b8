"""How well single frames are told apart, before any threshold."""

import math

import numpy as np
from numpy.typing import ArrayLike

from rtme.errors import DataError


def frame_average_precision(scores: ArrayLike, truth: ArrayLike) -> float:
    """Average precision of frames: the sum over thresholds of (R_k - R_{k-1}) P_k, without interpolation.

    Frames of equal score pass a threshold together, so the order of frames does not matter.

    Args:
        scores: Higher is surer, any shape.
        truth: Of the same shape; true or above 0 for frames inside an interval.

    Returns:
        0..1; NaN where no frame is inside an interval, because nothing could be found.

    Raises:
        DataError: The shapes differ, or a score is not finite.
    """
    said, inside = np.asarray(scores, np.float64).ravel(), np.asarray(truth).ravel() > 0
    if np.shape(scores) != np.shape(truth):
        raise DataError(
            f"scores have the shape {np.shape(scores)} and the truth {np.shape(truth)}: one each a frame"
        )
    if not np.isfinite(said).all():
        raise DataError("a frame's score is not a finite number: leave out frames that were not judged")
    if not inside.any():
        return math.nan
    order = np.argsort(-said, kind="stable")
    said, inside = said[order], inside[order]
    last_of_equals = np.append(said[1:] != said[:-1], True)
    hits = np.cumsum(inside)[last_of_equals]
    precision = hits / (np.flatnonzero(last_of_equals) + 1)
    recall = hits / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))
