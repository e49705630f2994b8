"""Displacement fields: how the skin moves when a muscle contracts, on a grid over the canonical crop.

Each field is a smooth bump along the landmarks that the unit moves (after the descriptions in Ekman, Friesen
and Hager, FACS, 2002). Forward: a point at ``q`` goes to ``q + field(q)``. With one side or both at 1, the
largest displacement of a unit is 1 pixel (of an unpaired unit: with both).
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rtme.face.template import CANONICAL
from rtme.synth.truth import ACTION_UNITS

Floats = NDArray[np.float32]

ORIGIN = -4.0
STEP = 1.6
NODES = 80
"""The grid covers -4 .. 122.4 in both directions, about one and a half times the resolution of a lid."""

LIMITS = {
    1: 6.0,
    2: 6.0,
    4: 5.0,
    5: 2.4,
    6: 4.0,
    7: 2.2,
    9: 4.0,
    10: 3.6,
    12: 8.0,
    14: 4.5,
    15: 5.0,
    17: 4.0,
    20: 7.0,
}
"""Largest amplitude in pixels that a face can show (and that the fields carry without folding)."""

MIDLINE = (17,)
"""Units of an unpaired muscle region: both sides move together."""

SHAPES = ("pucker", "upper_lip", "lower_lip", "press", "cheeks", "throat", "gaze_x", "gaze_y")
"""What else moves smoothly: lips in speech (negative pucker spreads them, negative lower_lip lifts it), lips pressed
together, cheeks drawn down by the jaw, the chin's underside in swallowing, eyeballs. Jaw and lids are in
:mod:`~rtme.synth.rig`."""

PUCKER, UPPER_LIP, LOWER_LIP, PRESS, CHEEKS, THROAT, GAZE_X, GAZE_Y = range(len(SHAPES))


def grid() -> Floats:
    """``(NODES, NODES, 2)`` canonical x and y of the nodes."""
    axis = np.arange(NODES, dtype=np.float32) * np.float32(STEP) + np.float32(ORIGIN)
    return np.stack(np.meshgrid(axis, axis), -1)


def _window() -> Floats:
    """``(NODES, NODES, 1)``: 1 in the face, smoothly 0 at the grid's edge, beyond which nothing moves."""
    t = np.clip(np.minimum(np.arange(NODES), np.arange(NODES)[::-1]) / 8, 0, 1)
    rim = (t * t * (3 - 2 * t)).astype(np.float32)
    return (rim[:, None] * rim[None, :])[..., None]


class _Face:
    """The landmarks of one face, read for one side at a time (0: left in the picture, 1: right)."""

    BROW = ((107, 66, 105, 63, 70), (336, 296, 334, 293, 300))
    BROW_LOW = ((55, 65, 52, 53, 46), (285, 295, 282, 283, 276))
    UPPER_LID = ((160, 159, 158), (387, 386, 385))
    LOWER_LID = ((144, 145, 153), (373, 374, 380))
    EYE = ((33, 133), (263, 362))
    CHEEK = ((117, 118, 101, 50), (346, 347, 330, 280))
    NOSE = ((198, 236, 131, 129), (420, 456, 360, 358))
    UPPER_LIP = ((39, 37, 92, 165), (269, 267, 322, 391))
    CORNER = ((61,), (291,))
    CORNER_PATH = ((61, 205), (291, 425))
    CHIN = ((201, 200), (421, 200))
    JOWL = ((205, 207, 214), (425, 427, 434))

    def __init__(self, points: Floats) -> None:
        self.points = points
        self.q = grid()
        self.seam = seam(points, self.q[..., 0])

    def at(self, indices: tuple[int, ...]) -> Floats:
        return self.points[list(indices)]

    def bump(
        self,
        through: Floats,
        *,
        along: float,
        up: float,
        down: float,
        weights: tuple[float, ...] | None = None,
    ) -> Floats:
        """A ridge of height 1 along a line of points, falling off sideways, upwards and downwards."""
        parts = np.linspace(0, len(through) - 1, 8 if len(through) > 1 else 1)
        line = np.stack([np.interp(parts, np.arange(len(through)), through[:, k]) for k in (0, 1)], -1)
        heights = (
            np.ones(len(parts))
            if weights is None
            else np.interp(parts, np.linspace(0, len(through) - 1, len(weights)), weights)
        )
        best = np.zeros(self.q.shape[:2], np.float32)
        for point, height in zip(line.astype(np.float32), heights, strict=True):
            dx, dy = self.q[..., 0] - point[0], self.q[..., 1] - point[1]
            fall = np.where(dy < 0, np.float32(up), np.float32(down))
            best = np.maximum(
                best, np.float32(height) * np.exp(-0.5 * ((dx / np.float32(along)) ** 2 + (dy / fall) ** 2))
            )
        return best

    def above_seam(self, softness: float) -> Floats:
        result: Floats = 1 / (1 + np.exp((self.q[..., 1] - self.seam + 0.5) / np.float32(softness)))
        return result

    def beside_midline(self, side: int, softness: float) -> Floats:
        sign = np.float32(-1 if side == 0 else 1)
        middle = self.points[[1, 2, 168], 0].mean()
        result: Floats = 1 / (1 + np.exp(-sign * (self.q[..., 0] - middle) / np.float32(softness)))
        return result


def seam(points: Floats, x: Floats) -> Floats:
    """Where the mouth opens: at the lower lip's inner edge, so that teeth stay with the upper one.

    Args:
        points: ``(468, 2)`` canonical landmarks.
        x: Canonical x, any shape.

    Returns:
        Canonical y of the seam at each x.
    """
    inner = points[[78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308]]
    order = np.argsort(inner[:, 0])
    return np.interp(x, inner[order, 0], inner[order, 1]).astype(np.float32)


def _go(weight: Floats, x: float, y: float) -> Floats:
    field: Floats = weight[..., None] * np.array((x, y), np.float32)
    return field


def _unit(face: _Face, unit: int, side: int) -> Floats:
    """The field of one unit on one side, not yet scaled."""
    out = -1.0 if side == 0 else 1.0
    brow = face.at(face.BROW[side])
    corner = face.at(face.CORNER[side])
    match unit:
        case 1:
            return _go(face.bump(brow[:3], along=5, up=15, down=7, weights=(1, 0.8, 0.2)), -0.1 * out, -1)
        case 2:
            return _go(face.bump(brow[2:], along=5.5, up=14, down=7, weights=(0.7, 1, 0.9)), 0.1 * out, -1)
        case 4:
            low = face.at(face.BROW_LOW[side])
            return _go(
                face.bump(low[:4], along=5.5, up=12, down=5, weights=(1, 0.9, 0.5, 0.1)), -0.55 * out, 0.8
            )
        case 5:
            return _go(face.bump(face.at(face.UPPER_LID[side]), along=4, up=4, down=2.2), 0, -1)
        case 6:
            return _go(face.bump(face.at(face.CHEEK[side]), along=7, up=6, down=11), 0.12 * out, -1)
        case 7:
            lower = _go(face.bump(face.at(face.LOWER_LID[side]), along=4, up=2.2, down=5), 0, -1)
            return lower + _go(face.bump(face.at(face.UPPER_LID[side]), along=4, up=4, down=1.8), 0, 0.4)
        case 9:
            nose = _go(face.bump(face.at(face.NOSE[side]), along=4.5, up=8, down=6), -0.15 * out, -1)
            inner = _go(face.bump(face.at(face.BROW_LOW[side])[:1], along=5, up=8, down=6), 0, 0.3)
            return nose + inner
        case 10:
            lip = face.bump(face.at(face.UPPER_LIP[side]), along=4.5, up=7, down=5) * face.above_seam(2.0)
            return _go(lip * face.beside_midline(side, 1.5), 0.1 * out, -1)
        case 12:
            path = face.bump(face.at(face.CORNER_PATH[side]), along=8, up=10, down=9, weights=(1, 0.6))
            return _go(path * face.beside_midline(side, 4), 0.6 * out, -0.8)
        case 14:
            return _go(face.bump(corner, along=6, up=6, down=6) * face.beside_midline(side, 4), out, -0.1)
        case 15:
            return _go(
                face.bump(corner, along=7, up=7, down=11) * face.beside_midline(side, 4), 0.15 * out, 1
            )
        case 17:
            return _go(
                face.bump(face.at(face.CHIN[side]), along=7, up=8, down=8) * (1 - face.above_seam(2.0)), 0, -1
            )
        case 20:
            return _go(face.bump(corner, along=9, up=7, down=9) * face.beside_midline(side, 4), out, 0.12)
        case _:
            raise ValueError(f"action unit {unit} has no displacement field")


def unit_fields(points: Floats, units: tuple[int, ...] = ACTION_UNITS) -> Floats:
    """Displacement fields of action units on one face.

    Args:
        points: ``(468, 2)`` landmarks in the canonical crop.
        units: FACS unit numbers, each one of ``ACTION_UNITS``.

    Returns:
        ``(len(units), 2, NODES, NODES, 2)`` float32: unit, side (left in the picture first), y, x, x and y.
    """
    face = _Face(points)
    fields = np.stack([np.stack([_unit(face, unit, side) for side in (0, 1)]) for unit in units]) * _window()
    fields /= np.linalg.norm(fields, axis=-1).max((2, 3))[:, :, None, None, None]
    both = np.linalg.norm(fields.sum(1), axis=-1).max((1, 2))
    scaled: Floats = (fields / np.maximum(both, 1)[:, None, None, None, None]).astype(np.float32)
    return scaled


@cache
def _mean_face() -> Floats:
    """``(2, 26, nodes)``: x and y of each unit and side, on the nodes that any unit moves."""
    fields = unit_fields(CANONICAL).reshape(2 * len(ACTION_UNITS), -1, 2)
    moved = np.linalg.norm(fields, axis=-1).max(0) > 0.05
    return np.ascontiguousarray(fields[:, moved].transpose(2, 0, 1))


def largest_displacement(units: Mapping[int, tuple[float, float]]) -> float:
    """How far skin moves, at most, when several units act together, on the mean face.

    Args:
        units: FACS unit -> pixels on the left and on the right of the picture.

    Returns:
        Pixels at 112. Units that share skin add up or cancel.
    """
    weights = np.zeros((len(ACTION_UNITS), 2), np.float32)
    for unit, sides in units.items():
        weights[ACTION_UNITS.index(unit)] = sides
    x, y = weights.ravel() @ _mean_face()
    return float(np.sqrt((x * x + y * y).max()))


def shape_fields(points: Floats) -> Floats:
    """``(len(SHAPES), NODES, NODES, 2)`` float32 fields of lips and gaze; largest displacement 1 pixel."""
    face = _Face(points)
    corners = [
        _go(
            face.bump(face.at(face.CORNER[s]), along=8, up=8, down=8) * face.beside_midline(s, 4),
            1 - 2 * s,
            0,
        )
        for s in (0, 1)
    ]
    above = face.above_seam(2.0)
    upper = _go(face.bump(face.at((39, 0, 269)), along=5, up=6, down=5) * above, 0, -1)
    lower = _go(face.bump(face.at((181, 17, 405)), along=6, up=6, down=7) * (1 - above), 0, 1)
    # Both lips go to the seam, and their red is rolled in: at the seam itself nothing moves.
    rim = 1 - np.exp(-0.5 * ((face.q[..., 1] - face.seam) / 2.5) ** 2)
    lips = face.at((61, 39, 0, 269, 291)), face.at((61, 181, 17, 405, 291))
    press = _go(face.bump(lips[0], along=5, up=8, down=5) * above * rim, 0, 1)
    press += _go(face.bump(lips[1], along=5, up=5, down=9) * (1 - above) * rim, 0, -1)
    cheeks = sum(
        _go(face.bump(face.at(face.JOWL[s]), along=7, up=11, down=9), 0.35 - 0.7 * s, 1) for s in (0, 1)
    )
    throat = _go(face.bump(face.at((152,)), along=16, up=7, down=9), 0, -1)
    eyes = np.zeros(above.shape, np.float32)
    for side in (0, 1):
        middle = face.at(face.EYE[side]).mean(0, keepdims=True)
        eyes += face.bump(middle, along=4.5, up=2.0, down=2.0)
    shapes = [np.sum(corners, 0), upper, lower, press, cheeks, throat, _go(eyes, 1, 0), _go(eyes, 0, 1)]
    fields = np.stack(shapes) * _window()
    largest = np.linalg.norm(fields, axis=-1).max((1, 2))
    scaled: Floats = (fields / largest[:, None, None, None]).astype(np.float32)
    return scaled
