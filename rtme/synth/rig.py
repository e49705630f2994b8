"""One face's moving parts: what shows at a point of the canonical crop when skin, jaw, lids and head moved.

Smooth fields are given forward (where a point goes) and inverted by fixed-point iteration (Chen et al. 2008);
the jaw and the lids, which open and cover, are written as inverses at once.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rtme.face.template import EYE_DISTANCE
from rtme.synth import action_units as au

Floats = NDArray[np.float32]

HEAD_ORIGIN = -140.0
HEAD_STEP = 5.0
HEAD_NODES = 80
"""The head's grid covers -140 .. 255 canonical pixels: depth and rigid motion need less detail than skin."""

NECK = (56.0, 95.0)
NECK_DEPTH = 45.0
"""The head turns about a point below the ears, this far behind the eyes (canonical pixels)."""

_UPPER = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (362, 398, 384, 385, 386, 387, 388, 466, 263))
_LOWER = ((33, 7, 163, 144, 145, 153, 154, 155, 133), (362, 382, 381, 380, 374, 373, 390, 249, 263))
_LID_SKIN = 5.0  # pixels above the eye that stretch when the lid comes down
_LID_MARGIN = 1.0
_OPENED = 0.9  # of the mouth's opening is new; the rest stays a thin band of source, so that nothing folds.


def sample(field: Floats, at: Floats, origin: float, step: float) -> Floats:
    """A field on a grid, read between its nodes; zero outside.

    Args:
        field: ``(n, n, 2)`` values on the nodes.
        at: ``(h, w, 2)`` canonical points.
        origin: Coordinate of the first node.
        step: Distance of nodes.

    Returns:
        ``(h, w, 2)`` float32.
    """
    place = (at - np.float32(origin)) * np.float32(1 / step)
    result: Floats = cv2.remap(field, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return result


def invert_field(forward: Floats, nodes: Floats, origin: float, step: float) -> Floats:
    """The backward field of a smooth forward one: ``backward(r) = forward(r - backward(r))``."""
    largest = float(np.abs(forward).max())
    backward = forward
    for _ in range(2 if largest < 1 else 5 if largest < 4 else 8):
        backward = sample(forward, nodes - backward, origin, step)
    return backward


class Rig:
    """Everything of one face that moves.

    Args:
        points: ``(468, 2)`` landmarks in the canonical crop.
        depth: ``(468,)`` their depth in canonical pixels, smaller is nearer.
    """

    def __init__(self, points: Floats, depth: Floats) -> None:
        self.points = points
        self.nodes = au.grid()
        self._smooth = np.concatenate(
            [au.unit_fields(points).reshape(26, -1), au.shape_fields(points).reshape(len(au.SHAPES), -1)]
        )
        self._x, self._y = self.nodes[..., 0], self.nodes[..., 1]
        self._plan_jaw(points)
        self._plan_lids(points)
        self._plan_head(points, depth)

    def _plan_jaw(self, points: Floats) -> None:
        self.seam = au.seam(points, self._x)
        middle, half = points[[78, 308], 0].mean(), (points[308, 0] - points[78, 0]) / 2
        chin = float(points[152, 1])
        lens = np.clip(1 - ((self._x - middle) / half) ** 2, 0, 1)
        broad = np.exp(-0.5 * ((self._x - middle) / 21) ** 2)
        below = np.clip((self._y - self.seam) / 12, 0, 1)
        fade = np.clip(1 - (self._y - chin) / 16, 0, 1)
        self._jaw_ramp = np.clip(self._y - self.seam, 0, None) * np.float32(_OPENED)
        self._jaw_share = ((lens * (1 - below) + broad * below) * fade).astype(np.float32)

    def _plan_lids(self, points: Floats) -> None:
        self._lid_height = np.zeros((2, *self._x.shape), np.float32)
        self._lid_top = np.zeros_like(self._lid_height)
        for side in (0, 1):
            top, bottom = eye_rims(points, side, self._x)
            self._lid_top[side] = top
            self._lid_height[side] = bottom - top

    def _plan_head(self, points: Floats, depth: Floats) -> None:
        axis = np.arange(HEAD_NODES, dtype=np.float32) * np.float32(HEAD_STEP) + np.float32(HEAD_ORIGIN)
        self.head_nodes = np.stack(np.meshgrid(axis, axis), -1)
        flat = self.head_nodes.reshape(-1, 2)
        square = ((flat[:, None] - points[None]) ** 2).sum(-1)
        # Beyond the face the depth goes to that of its rim, which a tiny constant weight stands for.
        near = np.exp(-square / (2 * 6.0**2))
        rim = float(depth[[10, 234, 454, 152, 127, 356]].mean())
        z = (near @ depth + 1e-3 * rim) / (near.sum(1) + 1e-3)
        self._z = z.reshape(HEAD_NODES, HEAD_NODES).astype(np.float32) - np.float32(NECK_DEPTH)
        self._hx = self.head_nodes[..., 0] - np.float32(NECK[0])
        self._hy = self.head_nodes[..., 1] - np.float32(NECK[1])
        away = np.hypot((self.head_nodes[..., 0] - 56) / 58, (self.head_nodes[..., 1] - 50) / 72)
        self._turning = _fall(away, 1.0, 2.2)
        self._moving = np.float32(0.3) + np.float32(0.7) * _fall(away, 1.0, 2.8)

    def expression(self, units: Floats, shapes: Floats, jaw: float, lids: Floats) -> Floats | None:
        """The backward field of the face's own movements.

        Args:
            units: ``(13, 2)`` pixels per action unit and side.
            shapes: ``(8,)`` pixels per shape (``action_units.SHAPES``).
            jaw: Opening of the mouth in pixels, 0 and more.
            lids: ``(2,)`` closure of each eye, 0..1.

        Returns:
            ``(NODES, NODES, 2)``: at r the neutral face's point ``r - field(r)`` shows. None: nothing moved.
        """
        weights = np.concatenate([units.ravel(), shapes]).astype(np.float32)
        # Under a closing lid the eyeball looks straight ahead: the lid's edge would tear it otherwise.
        weights[-2:] *= 1 - lids.max()
        cover = self._cover(jaw, lids)
        if not weights.any():
            return cover
        forward = (weights @ self._smooth).reshape(self.nodes.shape)
        if cover is None:
            return invert_field(forward, self.nodes, au.ORIGIN, au.STEP)
        backward = invert_field(forward, self.nodes, au.ORIGIN, au.STEP)
        both: Floats = cover + sample(backward, self.nodes - cover, au.ORIGIN, au.STEP)
        return both

    def _cover(self, jaw: float, lids: Floats) -> Floats | None:
        """Jaw and lids: purely vertical, in places that do not overlap."""
        if jaw <= 0 and not lids.any():
            return None
        down = np.minimum(self._jaw_ramp, np.float32(jaw) * self._jaw_share)
        for side in (0, 1):
            if lids[side] > 0:
                closed = self._lid_height[side] * np.float32(lids[side])
                into = self._y - self._lid_top[side] + np.float32(_LID_SKIN)
                lid = into * closed / (closed + np.float32(_LID_SKIN))
                down = down + np.where(
                    (into > 0) & (into < closed + np.float32(_LID_SKIN)), lid, np.float32(0)
                )
        cover: Floats = np.stack([np.zeros_like(down), down], -1).astype(np.float32)
        return cover

    def head(self, pose: Floats) -> Floats | None:
        """The backward field of the head's rigid motion.

        Args:
            pose: ``(6,)`` yaw, pitch, roll in degrees (signs as :class:`rtme.face.crop.HeadPose`), shift in
                x and y in canonical pixels, log of scale.

        Returns:
            ``(HEAD_NODES, HEAD_NODES, 2)``, or None when the head is where it was.
        """
        if not pose.any():
            return None
        yaw, pitch, roll = np.deg2rad(pose[:3].astype(np.float64))
        x, y, z = self._hx, self._hy, self._z
        turned_x = x * np.float32(np.cos(yaw)) - z * np.float32(np.sin(yaw))
        turned_z = x * np.float32(np.sin(yaw)) + z * np.float32(np.cos(yaw))
        turned_y = y * np.float32(np.cos(pitch)) + turned_z * np.float32(np.sin(pitch))
        grow = np.exp(float(pose[5]))
        a, b = np.float32(grow * np.cos(roll) - 1), np.float32(grow * np.sin(roll))
        forward = np.empty_like(self.head_nodes)
        forward[..., 0] = (turned_x - x) * self._turning + (a * x + b * y + pose[3]) * self._moving
        forward[..., 1] = (turned_y - y) * self._turning + (a * y - b * x + pose[4]) * self._moving
        return invert_field(forward, self.head_nodes, HEAD_ORIGIN, HEAD_STEP)


def eye_rims(points: Floats, side: int, x: Floats) -> tuple[Floats, Floats]:
    """Where one eye opens.

    Args:
        points: ``(468, 2)`` canonical landmarks.
        side: 0 for the eye on the left of the picture.
        x: Canonical x, any shape.

    Returns:
        Canonical y of the upper and of the lower rim at each x; equal beside the eye.
    """
    upper, lower = points[list(_UPPER[side])], points[list(_LOWER[side])]
    top = np.interp(x, upper[:, 0], upper[:, 1])
    height = np.clip(np.interp(x, lower[:, 0], lower[:, 1]) - top, 0, None)
    # The tracker puts both rims a little inside the eye; lashes and white must not stay behind.
    margin = _LID_MARGIN * np.sqrt(height / max(1e-6, float((lower[:, 1] - upper[:, 1]).max())))
    return (top - margin).astype(np.float32), (top + height + margin).astype(np.float32)


def _fall(distance: NDArray[np.floating[Any]], inner: float, outer: float) -> Floats:
    """1 up to ``inner``, smoothly to 0 at ``outer``."""
    t = np.clip((outer - distance) / (outer - inner), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def canonical_scale(matrix: NDArray[np.float64]) -> float:
    """Picture pixels per canonical pixel."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def eye_distance(matrix: NDArray[np.float64]) -> float:
    """Distance of the outer eye corners in the picture."""
    return canonical_scale(matrix) * EYE_DISTANCE
