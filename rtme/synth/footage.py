"""Real clips seen otherwise: mirrored, backwards, faster, smaller, in another light, through a bad line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from rtme.face.template import OUTER_EYE_CORNERS
from rtme.synth.camera import Camera
from rtme.synth.codec import Codec, squeeze
from rtme.synth.truth import Conditions, Truth

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Footage:
    """A real clip and what is known of it.

    Attributes:
        frames: n frames, ``(h, w, 3)`` uint8 RGB each.
        fps: Frames per second.
        landmarks: Of each frame ``(468 or more, 3)`` in pixels, None where there is no face.
        speaking: ``(n,)`` as in Truth.
    """

    frames: Sequence[Image]
    fps: float
    landmarks: Sequence[NDArray[np.float32] | None]
    speaking: NDArray[np.uint8]

    def played(self, rate: float, backwards: bool) -> "Footage":
        """The clip at another rate and in the other direction; who speaks when goes along."""
        n_frames = len(self.frames)
        order = slice(None, None, -1) if backwards else slice(None)
        return Footage(
            self.frames[order],
            self.fps * rate,
            self.landmarks[:n_frames][order],
            self.speaking[:n_frames][order].copy(),
        )

    @property
    def eye_px(self) -> float:
        """Median distance of the outer eye corners in the picture; 0 without a face."""
        right, left = OUTER_EYE_CORNERS
        found = [np.hypot(*(p[left, :2] - p[right, :2])) for p in self.landmarks if p is not None]
        return float(np.median(found)) if found else 0.0


def seen_otherwise(
    images: Iterator[Image],
    truth: Truth,
    rng: np.random.Generator,
    *,
    eye_px: float,
    mirrored: bool = False,
    scale: float = 1.0,
    camera: float | None = None,
    squeezed: tuple[Codec, int] | None = None,
    light: float = 1.0,
) -> tuple[Iterator[Image], Truth]:
    """A clip after its expressions were planted, as another camera would have taken it.

    Args:
        images: Frames of one size.
        truth: Of these.
        rng: Source of chance for the camera.
        eye_px: Distance of the outer eye corners in the frames.
        mirrored: Left and right are changed, in the truth as well.
        scale: Size against the frames' own.
        camera: How bad light and camera are, 0..1; None for none.
        squeezed: Codec and bit rate (kbit/s) of the compression.
        light: Factor on how often light and exposure change quickly.

    Returns:
        The frames and their truth.
    """
    if mirrored:
        intervals = [
            replace(one, sides=tuple((right, left) for left, right in one.sides)) for one in truth.intervals
        ]
        truth = replace(truth, intervals=intervals)
    conditions = Conditions(eye_px=round(eye_px * scale, 2))
    if squeezed is not None:
        conditions = replace(conditions, codec=squeezed[0], kbps=squeezed[1])
    if camera is None and squeezed is None and scale == 1 and not mirrored:
        return images, replace(truth, conditions=conditions)
    frames = [_sized(image, mirrored, scale) for image in images]
    spans = truth.spans
    if camera is not None:
        height, width = frames[0].shape[:2]
        lens = Camera.random(rng, len(frames), truth.fps, (width, height), camera, light)
        frames = [lens.shoot(image, index) for index, image in enumerate(frames)]
        spans = sorted([*spans, *lens.spans], key=lambda span: span.start)
        conditions = replace(conditions, noise=round(lens.noise, 2), blur=round(lens.blur, 2))
        if lens.jpeg is not None and squeezed is None:
            conditions = replace(conditions, codec="jpeg", kbps=lens.jpeg)
    if squeezed is not None:
        frames = squeeze(frames, truth.fps, *squeezed)
    return iter(frames), replace(truth, spans=spans, conditions=conditions)


def _sized(image: Image, mirrored: bool, scale: float) -> Image:
    """A copy, so that no camera writes into the material."""
    if mirrored:
        image = cv2.flip(image, 1)
    if scale != 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    result: Image = np.ascontiguousarray(image).copy() if not mirrored and scale == 1 else image
    return result
