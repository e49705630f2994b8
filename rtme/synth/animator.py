"""A portrait, moved: one frame from one state."""

from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from rtme.synth import action_units as au
from rtme.synth.canonical import apply, invert
from rtme.synth.motion import Motion
from rtme.synth.paint import lashes, mouth
from rtme.synth.portrait import Portrait
from rtme.synth.rig import HEAD_ORIGIN, HEAD_STEP, eye_distance, eye_rims, sample

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
        # A copy, because mouth and lashes are painted into it.
        self._source = cv2.resize(portrait.image, (wide, high), interpolation=cv2.INTER_AREA)
        scale = np.array([[wide / width, 0.0], [0.0, high / height]])
        self._to_source = scale @ portrait.matrix
        # Pixel centres lie at whole numbers: shrinking moves them by half a source pixel less half a new one.
        self._to_source[:, 2] += (np.diag(scale) - 1) / 2
        self._step = max(1, round(_NODE * eye_distance(view) / 52))
        self._nodes = apply(invert(view), self._node_places())
        points = portrait.rig.points
        self._mouth = mouth(self._source, self._to_source, points, partial(au.seam, points))
        self._eyes = [
            lashes(self._source, self._to_source, points, corners, partial(eye_rims, points, side))
            for side, corners in enumerate(((33, 133), (362, 263)))
        ]

    def _node_places(self) -> Floats:
        """Pixel positions of the map's nodes, one node beyond the frame on each side."""
        width, height = self.size
        step = self._step
        across = (np.arange(-(-width // step) + 2) - 0.5) * step - 0.5
        down = (np.arange(-(-height // step) + 2) - 0.5) * step - 0.5
        places: Floats = np.stack(np.meshgrid(across, down), -1).astype(np.float32)
        return places

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
        self._mouth.lay(jaw / 2)
        for eye, lid in zip(self._eyes, motion.lids[frame], strict=True):
            eye.lay(1.6 * float(lid) - 0.6)
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
