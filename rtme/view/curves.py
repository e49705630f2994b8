"""Pieces of curves put together: what a plot or a table is made of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtme.traces import Shown, Trace

Floats = NDArray[np.float64]

_FIELDS = ("time_s", "score", "speaking", "yaw", "pitch", "roll", "eye_distance_px")


@dataclass(frozen=True, slots=True, eq=False)
class FaceCurve:
    """One face of one epoch over time: arrays of the same length, NaN where nothing is known.

    Attributes:
        epoch: Of the stream.
        face: Identity.
        frame: 0-based frame index within the epoch, int64.
        time_s: Seconds since the epoch's first frame.
        score: Of a micro-expression, 0..1, as the interval decoder got it.
        speaking: Probability that the person speaks, 0..1.
        yaw: Head pose, degrees.
        pitch: Likewise.
        roll: Likewise.
        eye_distance_px: Distance of the outer eye corners in pixels of the source.
        judged: Whether the face was fit to be judged.
    """

    epoch: int
    face: int
    frame: NDArray[np.int64]
    time_s: Floats
    score: Floats
    speaking: Floats
    yaw: Floats
    pitch: Floats
    roll: Floats
    eye_distance_px: Floats
    judged: NDArray[np.bool_]


def collect_curves(shown: Iterable[Shown | Trace]) -> list[FaceCurve]:
    """The curves of one stream's faces, by epoch and face; sights are passed over.

    Args:
        shown: Traces in the order in which they came.
    """
    pieces: dict[tuple[int, int], list[Trace]] = {}
    for trace in _traces(shown):
        pieces.setdefault((trace.epoch, trace.face), []).append(trace)
    return [_curve(epoch, face, traces) for (epoch, face), traces in sorted(pieces.items())]


def _traces(shown: Iterable[Shown | Trace]) -> Iterator[Trace]:
    for one in shown:
        message = one.message if isinstance(one, Shown) else one
        if isinstance(message, Trace):
            yield message


def _curve(epoch: int, face: int, traces: list[Trace]) -> FaceCurve:
    numbers = {
        name: np.array([value for trace in traces for value in getattr(trace, name)], np.float64)
        for name in _FIELDS
    }
    return FaceCurve(
        epoch=epoch,
        face=face,
        frame=np.array([frame for trace in traces for frame in trace.frame], np.int64),
        judged=np.array([judged for trace in traces for judged in trace.judged], np.bool_),
        **numbers,
    )
