"""Where the crop lies: a similarity from parts of the face that expressions do not move, steadied."""

import cmath
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtme.face.template import CANONICAL, UNIT

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]

RIGID = {
    33: 2.0,
    133: 2.0,
    362: 2.0,
    263: 2.0,
    168: 2.0,
    6: 2.0,
    197: 1.0,
    195: 0.5,
    2: 0.5,
    98: 0.5,
    327: 0.5,
}
"""Landmark and weight. Eye corners lead; the nose's base, which AU9 and AU10 move, steadies scale."""

_INDEX = np.array(list(RIGID))
_WEIGHT = np.array(list(RIGID.values())) / sum(RIGID.values())
_TARGET = CANONICAL[_INDEX, 0].astype(np.float64) + 1j * CANONICAL[_INDEX, 1]
_ANCHOR = complex((_WEIGHT * _TARGET).sum())
_SPREAD = math.sqrt(float((_WEIGHT * np.abs(_TARGET - _ANCHOR) ** 2).sum()))


@dataclass(slots=True)
class Similarity:
    """A similarity from source pixels to a crop of ``UNIT`` pixels.

    Attributes:
        x: Source x of the point that lands on the anchor (the weighted middle of the rigid landmarks).
        y: Source y of that point.
        log_scale: Natural logarithm of crop pixels per source pixel.
        angle: Rotation in radians that levels the face.
    """

    x: float
    y: float
    log_scale: float
    angle: float

    @property
    def scale(self) -> float:
        """Crop pixels per source pixel, at a crop of ``UNIT`` pixels."""
        return math.exp(self.log_scale)

    def matrix(self, size: int) -> Matrix:
        """``(2, 3)`` source x and y to x and y of a crop of ``size`` pixels."""
        turn = cmath.rect(self.scale, self.angle)
        shift = _ANCHOR - turn * complex(self.x, self.y)
        affine = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
        return affine * (size / UNIT)


def fit(landmarks: Floats) -> Similarity:
    """The similarity that takes the rigid landmarks nearest to the mean face (weighted least squares).

    Weighted Procrustes in the plane has a closed form in complex numbers; averaging eleven landmarks keeps
    the jitter of any one of them small.
    """
    points = landmarks[_INDEX, 0].astype(np.float64) + 1j * landmarks[_INDEX, 1]
    middle = complex((_WEIGHT * points).sum())
    centred = points - middle
    turn = (_WEIGHT * centred.conj() * (_TARGET - _ANCHOR)).sum() / (_WEIGHT * np.abs(centred) ** 2).sum()
    return Similarity(middle.real, middle.imag, math.log(abs(turn)), cmath.phase(complex(turn)))


_SPEED_HZ = 5.0
"""Cutoff of the speed estimate: landmark noise is below it no speed, and a nod's start still shows."""


class Steady:
    """Takes the jitter out of a similarity without making it lag behind real movement.

    A One Euro filter (Casiez, Roussel, Vogel 2012) per parameter: the cutoff rises with speed, so a still
    face is smoothed much and a nodding one hardly. Speed is counted in crop pixels per second for all four
    parameters (turning and scaling at the rigid landmarks' spread), so one pair of constants serves faces
    of any size.

    Args:
        fps: Slots per second.
        still_hz: Cutoff at rest; drift and breathing are slower.
        hz_per_speed: Rise of the cutoff per crop pixel a second.
    """

    def __init__(self, fps: float, still_hz: float = 0.7, hz_per_speed: float = 0.8) -> None:
        self._fps = fps
        self._still_hz = still_hz
        self._rise = hz_per_speed
        self._slot: int | None = None
        self._last = np.zeros(4)
        self._value = np.zeros(4)
        self._speed = np.zeros(4)

    def update(self, raw: Similarity, slot: int) -> Similarity:
        """The steadied similarity at ``slot``; slots rise from call to call."""
        now = np.array([raw.x, raw.y, raw.log_scale, raw.angle])
        if self._slot is None:
            self._value = now
        else:
            now[3] = self._last[3] + math.remainder(now[3] - self._last[3], math.tau)
            dt = (slot - self._slot) / self._fps
            in_crop = np.array([raw.scale, raw.scale, _SPREAD, _SPREAD])
            self._speed += _gain(_SPEED_HZ, dt) * ((now - self._last) * in_crop / dt - self._speed)
            self._value = self._value + _gain(self._still_hz + self._rise * np.abs(self._speed), dt) * (
                now - self._value
            )
        self._slot = slot
        self._last = now
        return Similarity(*self._value.tolist())


def _gain(cutoff_hz: float | Matrix, dt: float) -> float | Matrix:
    """Weight of the newest sample in an exponential low-pass with this cutoff."""
    reach = math.tau * cutoff_hz * dt
    return reach / (reach + 1)
