"""Micro-expressions in real footage: the face goes on doing what it did, and a little more."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rtme.errors import DataError
from rtme.synth import action_units as au
from rtme.synth.canonical import invert, similarity, to_canonical
from rtme.synth.rig import invert_field
from rtme.synth.script import Script
from rtme.synth.truth import ACTION_UNITS, UNKNOWN, Truth

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

_SMOOTH = 2.0  # frames, sigma: the tracker's jitter must not shake the skin
_STILL = 1e-3  # canonical pixels: in a picture less than half of the 1/32 pixel that cv2.remap tells apart


class Mover:
    """Moves the skin of one face in its own picture, by action units.

    Args:
        points: ``(468 or more, 2)`` landmarks of this face in the canonical crop.
        units: FACS unit numbers that move.
    """

    def __init__(self, points: NDArray[np.floating[Any]], units: Sequence[int]) -> None:
        self._fields = au.unit_fields(points.astype(np.float32), tuple(units))

    def move(self, image: Image, place: NDArray[np.float64], amounts: NDArray[np.floating[Any]]) -> Image:
        """The picture with the skin moved; pixels that the movement does not reach stay as they are.

        Args:
            image: ``(height, width, 3)`` uint8 RGB.
            place: ``(2, 3)`` the similarity that carries canonical points to this picture.
            amounts: ``(units, 2)`` pixels at 112 of each unit on the left and on the right of the picture.

        Returns:
            A new picture, or the given one where nothing in it moves.
        """
        forward = np.tensordot(amounts.astype(np.float32), self._fields, 2)
        return _move(image, invert_field(forward, au.grid(), au.ORIGIN, au.STEP), place)


def inject(
    frames: Sequence[Image],
    landmarks: Sequence[NDArray[np.floating[Any]] | None],
    script: Script,
    *,
    person: str,
    speaking: NDArray[np.uint8] | None = None,
) -> tuple[Iterator[Image], Truth]:
    """Plant a script's expressions in a clip; blinks, speech and whatever else a script has are left out.

    An expression is left out, of the frames and of the truth, when the face is lost in one of its frames.

    Args:
        frames: n frames, ``(h, w, 3)`` uint8 RGB each.
        landmarks: For each frame ``(468 or more, 2 or 3)`` in pixels, or None where there is no face.
        script: What to plant; as long as the clip.
        person: Who is seen.
        speaking: ``(n,)`` uint8 as in :class:`~rtme.synth.truth.Truth`; None when nobody knows.

    Returns:
        An iterator over n frames (those with nothing planted are the given arrays themselves), and the truth.

    Raises:
        DataError: Frames, landmarks, speaking and script differ in length.
    """
    n_frames = len(frames)
    lengths = {"landmarks": len(landmarks), "script": script.n_frames}
    if speaking is not None:
        lengths["speaking"] = len(speaking)
    for name, length in lengths.items():
        if length != n_frames:
            raise DataError(f"{name} has {length} frames and the clip {n_frames}: give one for each frame")
    units = script.planted.copy()
    runs = []
    for first, last in _runs(units.any((1, 2))):
        if all(points is not None for points in landmarks[first : last + 1]):
            runs.append((first, last))
        else:
            units[first : last + 1] = 0
    kept = [i for i in script.intervals if i.action_units and any(a <= i.apex <= b for a, b in runs)]
    truth = replace(
        script.truth(person, "clip"),
        intervals=kept,
        spans=[],
        action_units=units.max(2),
        speaking=np.full(n_frames, UNKNOWN, np.uint8) if speaking is None else speaking.copy(),
    )
    return _frames(frames, landmarks, units, runs), truth


def _runs(moved: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches of True, first and last index."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], moved, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in edges.reshape(-1, 2)]


def _frames(
    frames: Sequence[Image],
    landmarks: Sequence[NDArray[np.floating[Any]] | None],
    units: Floats,
    runs: list[tuple[int, int]],
) -> Iterator[Image]:
    starts = dict(runs)
    last = -1
    for index, image in enumerate(frames):
        if index in starts:
            first, last = index, starts[index]
            shape = np.mean([to_canonical(p) for p in landmarks[first : last + 1] if p is not None], 0)
            active = [k for k in range(len(ACTION_UNITS)) if units[first : last + 1, k].any()]
            mover = Mover(shape, [ACTION_UNITS[k] for k in active])
            places = _smooth(landmarks, first, last)
        if index <= last:
            yield mover.move(image, places[index - first], units[index, active])
        else:
            yield image


def _smooth(
    landmarks: Sequence[NDArray[np.floating[Any]] | None], first: int, last: int
) -> NDArray[np.float64]:
    """``(last - first + 1, 2, 3)`` places of the canonical crop, free of the tracker's jitter."""
    reach = int(3 * _SMOOTH)
    begin, end = first, last
    while begin > max(0, first - reach) and landmarks[begin - 1] is not None:
        begin -= 1
    while end < min(len(landmarks) - 1, last + reach) and landmarks[end + 1] is not None:
        end += 1
    raw = np.stack([similarity(p) for p in landmarks[begin : end + 1] if p is not None])
    frames = np.arange(begin, end + 1)
    weights = np.exp(-0.5 * ((frames[first - begin : last - begin + 1, None] - frames[None]) / _SMOOTH) ** 2)
    # A line through the neighbours, not their mean: at a cut of the track a mean lags behind a moving head.
    result = np.empty((last - first + 1, 2, 3))
    for row, (frame, weight) in enumerate(zip(range(first, last + 1), weights, strict=True)):
        offset = frames - frame
        design = np.stack([np.ones_like(offset), offset], 1).astype(np.float64) * np.sqrt(weight)[:, None]
        target = raw.reshape(len(raw), 6) * np.sqrt(weight)[:, None]
        result[row] = np.linalg.lstsq(design, target, rcond=None)[0][0].reshape(2, 3)
    return result


def _move(image: Image, backward: Floats, place: NDArray[np.float64]) -> Image:
    """Warp the face of one frame; pixels that the field does not reach stay as they are."""
    height, width = image.shape[:2]
    rows, columns = np.nonzero(np.abs(backward).max(-1) > _STILL)
    if rows.size == 0:
        return image
    # One node more on each side: between two nodes the field falls to nothing.
    reach = [
        [au.ORIGIN + (end + more) * au.STEP for end, more in ((axis.min(), -1), (axis.max(), 1))]
        for axis in (columns, rows)
    ]
    corners = np.array([(x, y) for x in reach[0] for y in reach[1]]) @ place[:, :2].T + place[:, 2]
    x0, y0 = np.clip(np.floor(corners.min(0)).astype(int), 0, (width, height))
    x1, y1 = np.clip(np.ceil(corners.max(0)).astype(int) + 1, 0, (width, height))
    if x0 >= x1 or y0 >= y1:
        return image
    to_grid = invert(place)
    to_grid[:, 2] += to_grid[:, :2] @ (x0, y0) - au.ORIGIN
    size = (int(x1 - x0), int(y1 - y0))
    canonical = cv2.warpAffine(
        backward, to_grid / au.STEP, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    moved = cv2.transform(canonical, place[:, :2])
    pixels = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), -1).astype(np.float32)
    result = image.copy()
    result[y0:y1, x0:x1] = cv2.remap(
        image, pixels - moved, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return result
