"""What the landmarks show of a face besides micro-expressions: blinks, mouth, brows, turns of the head.

Distances are pixels of a face whose outer eye corners are as far apart as in a 112-pixel crop. A sign is present in a
frame when it shows within a fifth of a second of it, as far back as the motion input looks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtme.face.pose import head_pose
from rtme.face.template import EYE_DISTANCE, OUTER_EYE_CORNERS

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
_Series = NDArray[np.float64]

SIGNS = ("blink", "mouth", "brow", "head")

_REACH_S = 0.2
_STEADY_FRAMES = 2.0
"""Sigma that takes MediaPipe's jitter, a few tenths of a degree, out of the speed of a head."""
_BLINK_SHARE = 0.6
_MOUTH_PX = 2.0
_BROW_PX = 1.5
_HEAD_DEG_S = 10.0

_LIDS = ((159, 145), (386, 374))
_LIPS = ((13, 14),)
_MOUTH_CORNERS = ((61, 291),)
_BROWS = ((105, 33), (105, 133), (334, 263), (334, 362))


@dataclass(frozen=True, slots=True)
class Signs:
    """Of a clip of n frames.

    Attributes:
        eye_px: Median distance of the outer eye corners in pixels of the picture, None if no face was seen.
        head: ``(n,)`` how fast the head turns, degrees a second; NaN where no face was seen.
        present: ``(n,)`` for each of ``SIGNS``.
    """

    eye_px: float | None
    head: Floats
    present: dict[str, Bools]


def signs(landmarks: Sequence[Floats | None], fps: float) -> Signs:
    """Read the signs of a clip.

    Args:
        landmarks: ``(468 or more, 3)`` pixels for each frame, None where no face was seen.
        fps: Frames per second.
    """
    seen = np.array([points is not None for points in landmarks], bool)
    faces = [points for points in landmarks if points is not None]
    if len(faces) < 2:
        nothing = np.zeros(len(seen), bool)
        return Signs(None, np.full(len(seen), np.nan, np.float32), dict.fromkeys(SIGNS, nothing))
    reach = max(1, round(_REACH_S * fps))

    def series(pairs: Sequence[tuple[int, int]]) -> _Series:
        return _over_time([_distance(points, pairs) for points in faces], seen)

    def moved(pairs: Sequence[tuple[int, int]]) -> _Series:
        calm = _smooth(series(pairs), 1.0)
        return _within(calm, reach, np.max) - _within(calm, reach, np.min)

    lids = series(_LIDS)
    head = _turning(faces, seen, fps)
    present = {
        "blink": _within(lids, reach, np.min) < _BLINK_SHARE * np.median(lids),
        "mouth": (moved(_LIPS) > _MOUTH_PX) | (moved(_MOUTH_CORNERS) > _MOUTH_PX),
        "brow": moved(_BROWS) > _BROW_PX,
        "head": head > _HEAD_DEG_S,
    }
    right, left = OUTER_EYE_CORNERS
    eyes = [float(np.hypot(*(points[left, :2] - points[right, :2]))) for points in faces]
    return Signs(
        float(np.median(eyes)),
        np.where(seen, head, np.nan).astype(np.float32),
        {name: found & seen for name, found in present.items()},
    )


def _distance(points: Floats, pairs: Sequence[tuple[int, int]]) -> float:
    """Mean distance of pairs of landmarks in the picture; the eyes' distance in space gives the unit."""
    right, left = OUTER_EYE_CORNERS
    unit = float(np.linalg.norm(points[left] - points[right])) / EYE_DISTANCE
    return float(np.mean([np.hypot(*(points[a, :2] - points[b, :2])) for a, b in pairs])) / max(unit, 1e-6)


def _turning(faces: list[Floats], seen: Bools, fps: float) -> _Series:
    poses = [head_pose(points) for points in faces]
    angles = [_over_time([getattr(pose, name) for pose in poses], seen) for name in ("yaw", "pitch", "roll")]
    speeds = [np.gradient(_smooth(angle, _STEADY_FRAMES)) * fps for angle in angles]
    speed: _Series = np.sqrt(np.sum(np.square(speeds), axis=0))
    return speed


def _over_time(values: Sequence[float], seen: Bools) -> _Series:
    """A value for every frame: between those that were seen, on a line."""
    return np.interp(np.arange(len(seen)), np.flatnonzero(seen), values)


def _smooth(values: _Series, sigma: float) -> _Series:
    """A Gaussian mean over neighbouring frames."""
    reach = round(3 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.convolve(np.pad(values, reach, mode="edge"), weights / weights.sum(), mode="valid")


def _within(values: _Series, reach: int, extreme: Callable[..., _Series]) -> _Series:
    """The extreme value within so many frames of each."""
    padded = np.pad(values, reach, mode="edge")
    return extreme(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1), axis=1)
