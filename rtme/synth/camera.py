"""What light and camera do to a picture: exposure, gradients, flicker, blur, noise, compression."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rtme.synth.nuisance import wander

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Camera:
    """One camera under one light, for a clip of n frames.

    Attributes:
        gain: ``(n,)`` exposure, 1 leaves the picture.
        slope: ``(n, 2)`` rise of the light to the right and downwards, as a share of the picture's middle.
        gamma: 1 leaves the picture.
        blur: Sigma in pixels, 0 for none.
        jpeg: Quality, None for no compression.
        grain: ``(h + 64, w + 64, 3)`` uint8 noise around 128, from which each frame cuts its own, or None.
        shifts: ``(n, 2)`` where it cuts.
    """

    gain: Floats
    slope: Floats
    gamma: float
    blur: float
    jpeg: int | None
    grain: Image | None
    shifts: NDArray[np.int64]

    @classmethod
    def random(
        cls, rng: np.random.Generator, n_frames: int, fps: float, size: tuple[int, int], amount: float = 0.5
    ) -> "Camera":
        """A camera by chance.

        Args:
            rng: Source of chance.
            n_frames: Length of the clip.
            fps: Frames per second.
            size: Width and height of the frames.
            amount: 0 (studio) .. 1 (a cheap webcam under a bad lamp).
        """
        gain = 1 + 0.04 * amount * wander(rng, n_frames, fps, 0.7) + rng.normal(0, 0.08 * amount)
        times = np.arange(n_frames) / fps
        if rng.random() < 0.3 * amount:
            at, length = rng.uniform(0, times[-1]), rng.uniform(0.03, 0.3)
            gain = gain * (1 + rng.uniform(-0.2, 0.2) * np.clip((times - at) / length, 0, 1))
        if rng.random() < 0.4 * amount:
            gain = gain * (1 + rng.uniform(0.005, 0.03) * np.sin(2 * np.pi * rng.uniform(0.5, 14) * times))
        slope = np.stack([wander(rng, n_frames, fps, 0.3), wander(rng, n_frames, fps, 0.3)], -1)
        slope = 0.12 * amount * slope if rng.random() < 0.5 else 0 * slope
        return cls(
            gain=gain.astype(np.float32),
            slope=slope.astype(np.float32),
            gamma=float(np.exp(rng.normal(0, 0.15 * amount))),
            blur=float(rng.choice((0.0, 0.0, rng.uniform(0.4, 1.2)))) if amount > 0 else 0.0,
            jpeg=int(rng.uniform(45, 95)) if rng.random() < 0.6 * amount else None,
            grain=cls.make_grain(rng, size, float(rng.uniform(0, 5) * amount)),
            shifts=rng.integers(0, 64, (n_frames, 2)),
        )

    @staticmethod
    def make_grain(rng: np.random.Generator, size: tuple[int, int], sigma: float) -> Image | None:
        """Sensor noise for frames of this width and height, ``sigma`` in gray levels."""
        if sigma <= 0:
            return None
        grain = np.empty((size[1] + 64, size[0] + 64, 3), np.uint8)
        # OpenCV's generator is many times faster than ours; seeded from ours, it stays repeatable.
        cv2.setRNGSeed(int(rng.integers(2**31 - 1)))
        cv2.randn(grain, (128, 128, 128), (sigma, sigma, sigma))
        return grain

    def shoot(self, image: Image, frame: int) -> Image:
        """One frame as this camera gives it. May write into ``image``."""
        height, width = image.shape[:2]
        levels = np.arange(256, dtype=np.float32) / 255
        curve = np.clip(255 * self.gain[frame] * levels**self.gamma, 0, 255).astype(np.uint8)
        image = cv2.LUT(image, curve)
        if self.slope[frame].any():
            right, down = (float(s) for s in self.slope[frame])
            corners = np.array(
                [[1 - right - down, 1 + right - down], [1 - right + down, 1 + right + down]], np.float32
            )
            ramp = cv2.warpAffine(
                corners, np.array([[1 / width, 0, 0], [0, 1 / height, 0]]), (width, height),
                flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
            )  # fmt: skip
            image = cv2.multiply(image, cv2.merge([ramp, ramp, ramp]), dtype=cv2.CV_8U)
        if self.blur > 0:
            image = cv2.GaussianBlur(image, (0, 0), self.blur)
        if self.grain is not None:
            y, x = self.shifts[frame]
            grain = self.grain[y : y + height, x : x + width]
            image = cv2.addWeighted(image, 1.0, grain, 1.0, -128.0)
        if self.jpeg is not None:
            _, packed = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, self.jpeg))
            image = cv2.imdecode(packed, cv2.IMREAD_COLOR)
        return image
