"""What the landmarks see: how the face stands, how it has moved, and how well it is seen.

A movement that the landmarks see is too large to be a micro-expression, and one that comes with it is speech, a blink
or a turning head more often than an expression of its own. So engines may read these numbers beside the picture.

The shape is taken from the mesh after its head's rotation and scale are taken out, so that a turning head changes it
little. Distances count in pixels of a 112-pixel crop (eyes 52 apart), angles in units of ten degrees.
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rtme.face.align import Similarity
from rtme.face.crop import HeadPose
from rtme.face.pose import rotation
from rtme.face.template import EYE_DISTANCE, OUTER_EYE_CORNERS, UNIT

Floats = NDArray[np.float32]
Group = Literal["shape", "motion", "head", "pose", "quality"]

_ACROSS, _DOWN = 0, 1
_NOSE_BASE = [2]
_EYE_RIGHT, _EYE_LEFT = [33, 133], [362, 263]

_DISTANCES = {
    "mouth_open": (_DOWN, [13], [14]),
    "mouth_width": (_ACROSS, [61], [291]),
    "lip_upper": (_DOWN, _NOSE_BASE, [0]),
    "lip_lower": (_DOWN, _NOSE_BASE, [17]),
    "chin": (_DOWN, _NOSE_BASE, [152]),
    "mouth_aside": (_ACROSS, _NOSE_BASE, [61, 291]),
    "corner_right": (_DOWN, _NOSE_BASE, [61]),
    "corner_left": (_DOWN, _NOSE_BASE, [291]),
    "brow_inner_right": (_DOWN, [55, 107, 66], _EYE_RIGHT),
    "brow_inner_left": (_DOWN, [285, 336, 296], _EYE_LEFT),
    "brow_outer_right": (_DOWN, [46, 70, 63], _EYE_RIGHT),
    "brow_outer_left": (_DOWN, [276, 300, 293], _EYE_LEFT),
    "eye_right": (_DOWN, [160, 159, 158], [144, 145, 153]),
    "eye_left": (_DOWN, [387, 386, 385], [373, 374, 380]),
}
"""Which way, and from the middle of which landmarks to the middle of which."""

SHAPE = tuple(_DISTANCES)
"""Distances within the face. Right and left are the person's own."""

_POINTS = sorted({point for _, start, end in _DISTANCES.values() for point in start + end})


def _weights() -> NDArray[np.float64]:
    """``(len(SHAPE), 2, len(_POINTS))``: each distance as a sum over the points' x and y."""
    weights = np.zeros((len(SHAPE), 2, len(_POINTS)))
    for row, (way, start, end) in zip(weights, _DISTANCES.values(), strict=True):
        for points, sign in ((start, -1), (end, 1)):
            row[way, [_POINTS.index(point) for point in points]] += sign / len(points)
    return weights


_WEIGHTS = _weights().reshape(len(SHAPE), -1)

_HEAD = ("yaw", "pitch", "roll", "x", "y", "scale")
_GROUPS: dict[Group, tuple[str, ...]] = {
    "shape": SHAPE,
    "motion": SHAPE,
    "head": _HEAD,
    "pose": _HEAD[:3],
    "quality": ("sharpness", "size"),
}

GROUPS: dict[Group, slice] = {}
"""Where each group stands among the measures.

* ``shape``: each distance of ``SHAPE`` less its median over the last minute: what is unusual for this face;
* ``motion``: by how much each has changed since the crop that the flow compares with;
* ``head``: the head's turn (ten degrees), shift and growth (pixels at 112) since then;
* ``pose``: yaw, pitch and roll now;
* ``quality``: sharpness (see :func:`rtme.face.quality.sharpness`), and the binary logarithm of the eyes' distance over
  ``EYE_DISTANCE``.
"""

_names: list[str] = []
for _group, _members in _GROUPS.items():
    GROUPS[_group] = slice(len(_names), len(_names) + len(_members))
    _names += [f"{_group}.{_member}" for _member in _members]

NAMES: tuple[str, ...] = tuple(_names)
"""``group.measure``, in the order of the numbers."""

MEASURES = len(NAMES)
"""How many numbers there are."""

LARGEST = 30.0
"""Numbers are cut off beyond this: landmarks that jump so far have lost the face."""

_BASELINE_S = 60.0
_SAMPLE_S = 0.2


def _mirrored() -> tuple[NDArray[np.int64], Floats]:
    partner, sign = np.arange(MEASURES), np.ones(MEASURES, np.float32)
    for at, name in enumerate(NAMES):
        other = name.replace("_right", "_LEFT").replace("_left", "_right").replace("_LEFT", "_left")
        partner[at] = NAMES.index(other)
        if name.endswith((".mouth_aside", ".yaw", ".roll", ".x")):
            sign[at] = -1
    return partner, sign


_PARTNER, _SIGN = _mirrored()


def mirror(measures: Floats) -> Floats:
    """The measures ``(…, MEASURES)`` of the same face in a mirror."""
    return measures[..., _PARTNER] * _SIGN


@dataclass(frozen=True, slots=True)
class Stance:
    """How a face stands in one frame.

    Attributes:
        shape: ``(len(SHAPE),)`` float32, pixels at 112.
        head: ``(6,)`` float32: yaw, pitch, roll (ten degrees), x, y (source pixels) and log of crop pixels per source pixel.
    """

    shape: Floats
    head: Floats


def stance(mesh: Floats, pose: HeadPose, place: Similarity) -> Stance:
    """How a face stands.

    Args:
        mesh: ``(468 or 478, 3)`` landmarks in source pixels.
        pose: Its head pose.
        place: Where it lies, as the landmarks of this frame alone have it.
    """
    right_eye, left_eye = mesh[list(OUTER_EYE_CORNERS)].astype(np.float64)
    unit = EYE_DISTANCE / max(float(np.linalg.norm(left_eye - right_eye)), 1e-6)
    frontal = mesh[_POINTS].astype(np.float64) @ rotation(pose)[:, :2]
    shape = (_WEIGHTS @ frontal.T.ravel() * unit).astype(np.float32)
    head = np.array(
        [pose.yaw / 10, pose.pitch / 10, pose.roll / 10, place.x, place.y, place.log_scale], np.float32
    )
    return Stance(shape, head)


class Measurer:
    """Measures one face over time.

    Args:
        fps: Slots per second.
    """

    def __init__(self, fps: float) -> None:
        self._every = max(1, round(_SAMPLE_S * fps))
        self._shapes: deque[Floats] = deque(maxlen=round(_BASELINE_S / _SAMPLE_S))
        self._sampled: int | None = None
        self._usual = np.zeros(len(SHAPE), np.float32)

    def measure(self, slot: int, now: Stance, earlier: Stance | None, sharpness: float) -> Floats:
        """The measures of one frame.

        Args:
            slot: When; slots rise.
            now: How the face stands.
            earlier: How it stood in the crop that the flow compares with; None tells of no motion.
            sharpness: Of its crop.

        Returns:
            ``(MEASURES,)`` float32.
        """
        due = self._sampled is None or slot - self._sampled >= self._every
        # One frame of nonsense must not spoil what is usual for a minute.
        if due and np.isfinite(now.shape).all():
            self._sampled = slot
            self._shapes.append(now.shape)
            self._usual = np.median(np.stack(self._shapes), 0).astype(np.float32)
        then = earlier or now
        scale = np.exp(now.head[5])
        moved = (now.head - then.head) * (1, 1, 1, scale, scale, UNIT / 2)
        size = np.log2(np.exp(-now.head[5]))
        numbers = np.concatenate(
            [now.shape - self._usual, now.shape - then.shape, moved, now.head[:3], [sharpness, size]]
        )
        limited: Floats = np.nan_to_num(np.clip(numbers, -LARGEST, LARGEST)).astype(np.float32)
        return limited
