"""A portrait, moved: one frame from one state."""

import cv2
import numpy as np
from numpy.typing import NDArray

from rtme.synth import action_units as au
from rtme.synth.canonical import apply, invert
from rtme.synth.portrait import Portrait
from rtme.synth.rig import HEAD_ORIGIN, HEAD_STEP, eye_distance, sample
from rtme.synth.script import Motion

Floats = NDArray[np.float32]

_NODE = 1.8  # canonical pixels between the nodes at which an output frame's map is computed
_SHARPNESS = 1.15  # source pixels per output pixel after shrinking: a little more than one keeps edges


class Animator:
    """Draws frames of one portrait at one place and size in the picture.

    Args:
        portrait: Who.
        size: Width and height of the frames.
        view: ``(2, 3)`` similarity from the canonical crop to the frame.
    """

    def __init__(self, portrait: Portrait, size: tuple[int, int], view: NDArray[np.float64]) -> None:
        self.rig = portrait.rig
        self.size = size
        shrink = min(1.0, _SHARPNESS * eye_distance(view) / eye_distance(portrait.matrix))
        height, width = portrait.image.shape[:2]
        wide, high = max(1, round(width * shrink)), max(1, round(height * shrink))
        # A copy, because the mouth's inside is painted into it.
        self._source = cv2.resize(portrait.image, (wide, high), interpolation=cv2.INTER_AREA)
        scale = np.array([[wide / width, 0.0], [0.0, high / height]])
        self._to_source = scale @ portrait.matrix
        # Pixel centres lie at whole numbers: shrinking moves them by half a source pixel less half a new one.
        self._to_source[:, 2] += (np.diag(scale) - 1) / 2
        self._step = max(1, round(_NODE * eye_distance(view) / 52))
        self._nodes = apply(invert(view), self._node_places())
        self._plan_mouth(portrait)

    def _node_places(self) -> Floats:
        """Pixel positions of the map's nodes, one node beyond the frame on each side."""
        width, height = self.size
        step = self._step
        across = (np.arange(-(-width // step) + 2) - 0.5) * step - 0.5
        down = (np.arange(-(-height // step) + 2) - 0.5) * step - 0.5
        places: Floats = np.stack(np.meshgrid(across, down), -1).astype(np.float32)
        return places

    def _plan_mouth(self, portrait: Portrait) -> None:
        """The band of the source that the open mouth shows, and its colour when dark."""
        points = apply(invert(portrait.matrix), portrait.landmarks.astype(np.float64))
        left, right = points[78], points[308]
        middle, half = (left[0] + right[0]) / 2, (right[0] - left[0]) / 2
        corners = np.array([(x, y) for x in (left[0], right[0]) for y in (left[1] - 8, points[14, 1] + 4)])
        box = apply(self._to_source, corners)
        x0, y0 = np.maximum(np.floor(box.min(0)).astype(int), 0)
        x1, y1 = np.ceil(box.max(0)).astype(int)
        self._mouth = (slice(y0, y1), slice(x0, x1))
        self._lips = self._source[self._mouth].astype(np.float32)
        high, wide = self._lips.shape[:2]
        pixels = np.stack(np.meshgrid(np.arange(wide) + x0, np.arange(high) + y0), -1).astype(np.float32)
        place = apply(invert(self._to_source), pixels)
        off = np.abs(place[..., 1] - au.seam(points, place[..., 0]) - 0.25)
        inside = np.clip(1.3 - ((place[..., 0] - middle) / half) ** 2, 0, 1)
        self._dark_share = (np.clip(2.0 - off / 0.6, 0, 1) * inside)[..., None].astype(np.float32)
        self._dark = self._lips * np.float32(0.12) + np.array((28, 8, 8), np.float32)
        self._opened = 0.0

    def _paint_mouth(self, jaw: float) -> None:
        opened = min(1.0, max(0.0, jaw / 2.0))
        if opened != self._opened:
            share = self._dark_share * np.float32(opened)
            self._source[self._mouth] = (self._lips + (self._dark - self._lips) * share).astype(np.uint8)
            self._opened = opened

    def draw(self, motion: Motion, frame: int) -> NDArray[np.uint8]:
        """One frame.

        Args:
            motion: The states of a clip.
            frame: Which one.

        Returns:
            ``(height, width, 3)`` uint8 RGB, a new array.
        """
        jaw = float(motion.jaw[frame])
        place = self._nodes
        head = self.rig.head(motion.pose[frame])
        if head is not None:
            place = place - sample(head, place, HEAD_ORIGIN, HEAD_STEP)
        face = self.rig.expression(motion.units[frame], motion.shapes[frame], jaw, motion.lids[frame])
        if face is not None:
            place = place - sample(face, place, au.ORIGIN, au.STEP)
        self._paint_mouth(jaw)
        width, height = self.size
        step = self._step
        source = cv2.transform(place, self._to_source)
        wide, high = source.shape[1] * step, source.shape[0] * step
        full = cv2.resize(source, (wide, high), interpolation=cv2.INTER_LINEAR)[
            step : step + height, step : step + width
        ]
        result: NDArray[np.uint8] = cv2.remap(
            self._source, full, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return result
