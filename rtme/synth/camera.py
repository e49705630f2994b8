"""What light and camera do to a picture: exposure, gradients, flicker, blur, noise, compression."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rtme.synth.nuisance import wander
from rtme.synth.pulse import moments
from rtme.synth.truth import Span

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
        noise: The grain's sigma, gray levels.
        bands: Depth, pixels from crest to crest, and ``(n,)`` phase of dark bands that roll down the picture, as a lamp
            on mains leaves them; None for none.
        spans: When light or exposure change quickly.
    """

    gain: Floats
    slope: Floats
    gamma: float
    blur: float
    jpeg: int | None
    grain: Image | None
    shifts: NDArray[np.int64]
    noise: float = 0.0
    bands: tuple[float, float, Floats] | None = None
    spans: tuple[Span, ...] = ()

    @classmethod
    def random(
        cls,
        rng: np.random.Generator,
        n_frames: int,
        fps: float,
        size: tuple[int, int],
        amount: float = 0.5,
        light: float = 1.0,
    ) -> "Camera":
        """A camera by chance.

        Args:
            rng: Source of chance.
            n_frames: Length of the clip.
            fps: Frames per second.
            size: Width and height of the frames.
            amount: 0 (studio) .. 1 (a cheap webcam under a bad lamp).
            light: Factor on how often light and exposure change quickly.
        """
        gain = 1 + 0.04 * amount * wander(rng, n_frames, fps, 0.7) + rng.normal(0, 0.08 * amount)
        times = np.arange(n_frames) / fps
        spans = []
        for now in moments(rng, n_frames / fps, 0.12 * amount * light, 0.4):
            length, size_ = rng.uniform(0.03, 0.4), float(rng.uniform(-0.25, 0.25))
            gain = gain * (1 + size_ * np.clip((times - now) / length, 0, 1))
            first, last = max(0, round(now * fps)), min(n_frames - 1, round((now + length) * fps))
            if last >= first:
                spans.append(Span("light", first, last, round(abs(size_), 3)))
        gain = np.clip(gain, 0.5, 1.6)
        if rng.random() < 0.4 * amount:
            gain = gain * (1 + rng.uniform(0.005, 0.03) * np.sin(2 * np.pi * rng.uniform(0.5, 14) * times))
        slope = np.stack([wander(rng, n_frames, fps, 0.3), wander(rng, n_frames, fps, 0.3)], -1)
        # A lamp that swings, a screen that changes, a face that goes past a window.
        slope = rng.choice((0.0, 0.12, 0.25), p=(0.45, 0.4, 0.15)) * amount * slope
        bands = None
        if rng.random() < 0.25 * amount:
            phase = 2 * np.pi * (rng.uniform(-3, 3) * times + rng.random())
            bands = (
                float(rng.uniform(0.01, 0.08)),
                float(rng.uniform(0.3, 1.5) * size[1]),
                phase.astype(np.float32),
            )
        noise = float(rng.uniform(0, 5) * amount)
        return cls(
            gain=gain.astype(np.float32),
            slope=slope.astype(np.float32),
            gamma=float(np.exp(rng.normal(0, 0.15 * amount))),
            blur=float(rng.choice((0.0, 0.0, rng.uniform(0.4, 1.2)))) if amount > 0 else 0.0,
            jpeg=int(rng.uniform(45, 95)) if rng.random() < 0.6 * amount else None,
            grain=cls.make_grain(rng, size, noise),
            shifts=rng.integers(0, 64, (n_frames, 2)),
            noise=noise,
            bands=bands,
            spans=tuple(spans),
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
        if self.bands is not None:
            depth, height_px, phase = self.bands
            rows = 1 - depth * (0.5 + 0.5 * np.sin(2 * np.pi * np.arange(height) / height_px - phase[frame]))
            dark = np.broadcast_to(rows.astype(np.float32)[:, None, None], image.shape)
            image = cv2.multiply(image, np.ascontiguousarray(dark), dtype=cv2.CV_8U)
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
