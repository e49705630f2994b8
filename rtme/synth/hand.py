"""A hand before the face: a skin-coloured shape with fingers that comes, rests or rubs, and goes."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from rtme.synth.nuisance import wander
from rtme.synth.profile import ease
from rtme.synth.truth import Span

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Half = Literal["upper", "lower"]

_SPOTS: tuple[tuple[tuple[float, float], tuple[Half, ...]], ...] = (
    ((56.0, 100.0), ("lower",)),  # chin
    ((56.0, 88.0), ("lower",)),  # mouth
    ((34.0, 88.0), ("lower",)),
    ((78.0, 88.0), ("lower",)),
    ((24.0, 66.0), ("upper", "lower")),  # cheeks
    ((88.0, 66.0), ("upper", "lower")),
    ((56.0, 66.0), ("upper", "lower")),  # nose
    ((34.0, 36.0), ("upper", "lower")),  # eyes and forehead: the arm is before the mouth
    ((78.0, 36.0), ("upper", "lower")),
    ((56.0, 18.0), ("upper", "lower")),
)
_UPPER_UNITS = frozenset({1, 2, 4, 5, 6, 7})


@dataclass(frozen=True)
class Hand:
    """One hand in one clip of n frames.

    Attributes:
        first: First frame in which it is before the face.
        last: Last one.
        place: ``(n, 2)`` where the fingers' tips are, canonical pixels.
        toward: Direction from the tips to the wrist, radians in the picture.
        breadth: Of the hand, canonical pixels.
        fingers: How many are stretched out.
        hides: Halves of the face that cannot be judged meanwhile.
        tone: Brightness against the cheek's.
    """

    first: int
    last: int
    place: Floats
    toward: float
    breadth: float
    fingers: int
    hides: tuple[Half, ...]
    tone: float

    @classmethod
    def random(cls, rng: np.random.Generator, n_frames: int, fps: float, now: float) -> "Hand | None":
        """A hand that comes at a time (seconds); None when it would not be seen."""
        times = np.arange(n_frames) / fps
        spot, hides = _SPOTS[rng.integers(len(_SPOTS))]
        # Hands come from below or from the side on which they are.
        side = float(np.sign(spot[0] - 56 + rng.normal(0, 8)))
        toward = float(np.pi / 2 - side * rng.uniform(0.1, 0.9))
        come, stay, go = (float(rng.uniform(*r)) for r in ((0.15, 0.6), (0.1, 2.5), (0.15, 0.6)))
        there = ease((times - now) / come) * (1 - ease((times - now - come - stay) / go))
        way = 170.0 * np.array((np.cos(toward), np.sin(toward)))
        place = np.array(spot, np.float64) + np.outer(1 - there, way)
        rub = float(rng.uniform(0, 4)) if rng.random() < 0.5 else 0.3
        place = place + rub * np.stack([wander(rng, n_frames, fps, 2.5) for _ in range(2)], -1)
        near = np.flatnonzero(there > 0.3)
        if not near.size:
            return None
        return cls(
            first=int(near[0]),
            last=int(near[-1]),
            place=place.astype(np.float32),
            toward=toward,
            breadth=float(rng.uniform(18, 40)),
            fingers=int(rng.integers(1, 5)),
            hides=hides,
            tone=float(rng.uniform(0.75, 1.1)),
        )

    @property
    def span(self) -> Span:
        """When it is there."""
        return Span("hand", self.first, self.last)

    def covers(self, units: tuple[int, ...], first: int, last: int) -> bool:
        """Whether any of some action units cannot be seen in some of these frames."""
        if last < self.first or first > self.last:
            return False
        halves = {"upper" if unit in _UPPER_UNITS else "lower" for unit in units} or {"lower"}
        return bool(halves & set(self.hides))

    def draw(self, image: Image, frame: int, view: NDArray[np.float64], skin: Floats) -> None:
        """Lay it over one frame.

        Args:
            image: Changed in place.
            frame: Which one.
            view: ``(2, 3)`` from the canonical crop to the frame.
            skin: Colour of the person's cheek, RGB.
        """
        if not self.first - 8 <= frame <= self.last + 8:
            return
        scale = float(np.hypot(view[0, 0], view[1, 0]))
        tip = view[:, :2] @ self.place[frame] + view[:, 2]
        along = np.array((np.cos(self.toward), np.sin(self.toward)))
        across = np.array((-along[1], along[0]))
        breadth = self.breadth * scale
        palm = tip + along * breadth * 1.5
        height, width = image.shape[:2]
        x0, y0 = np.maximum(np.floor(np.minimum(tip, palm) - 1.6 * breadth), 0).astype(int)
        if x0 >= width or y0 >= height:
            return
        x1, y1 = np.minimum(np.ceil(np.maximum(tip, palm) + 3.2 * breadth), (width, height)).astype(int)
        if x1 <= x0 or y1 <= y0:
            return
        patch = image[y0:y1, x0:x1]
        origin = np.array((x0, y0))
        mask = np.zeros(patch.shape[:2], np.uint8)
        shade = np.full(patch.shape[:2], 255, np.uint8)

        def at(point: NDArray[np.float64]) -> tuple[int, int]:
            x, y = np.rint((point - origin) * 8).astype(int)
            return int(x), int(y)

        thick = breadth / 4.4
        for finger in range(self.fingers):
            off = (finger - (self.fingers - 1) / 2) * thick * 1.06
            reach = tip + across * off + along * abs(off) * 0.5
            cv2.line(mask, at(reach), at(palm + across * off), 255, max(1, round(thick)), cv2.LINE_AA, 3)
            if finger < self.fingers - 1:
                gap = across * thick / 2
                ends = at(reach + gap), at(palm + across * off + gap)
                cv2.line(shade, *ends, 130, max(1, round(thick / 7)), cv2.LINE_AA, 3)
        axes = (max(1, round(breadth * 8)), max(1, round(breadth * 0.62 * 8)))
        cv2.ellipse(mask, at(palm), axes, float(np.rad2deg(self.toward)), 0, 360, 255, -1, cv2.LINE_AA, 3)
        wrist = palm + along * breadth * 3
        cv2.line(mask, at(palm), at(wrist), 255, max(1, round(breadth * 0.95)), cv2.LINE_AA, 3)
        soft = max(0.6, 0.03 * breadth)
        cover = cv2.GaussianBlur(mask, (0, 0), soft).astype(np.float32)[..., None] / 255
        relief = cv2.GaussianBlur(mask, (0, 0), max(1.0, 0.2 * breadth)).astype(np.float32)[..., None] / 255
        lit = cv2.GaussianBlur(shade, (0, 0), soft).astype(np.float32)[..., None] / 255
        colour = skin * np.float32(self.tone) * (np.float32(0.55) + np.float32(0.45) * relief) * lit
        patch[:] = (patch + (colour - patch) * cover).astype(np.uint8)


def skin_tone(image: Image, landmarks: NDArray[np.float32]) -> Floats:
    """Median colour of the cheeks in a picture, RGB."""
    points = landmarks[[50, 280, 101, 330, 205, 425], :2]
    x, y = np.clip(np.rint(points).astype(int).T, 0, np.array(image.shape[1::-1])[:, None] - 1)
    tone: Floats = np.median(image[y, x].astype(np.float32), 0)
    return tone
