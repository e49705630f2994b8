"""What the mouth does for each class of sounds, and how neighbouring sounds blend (co-articulation).

Each viseme has a target for each articulator and says how much it insists on it. Where sounds follow each other, what
is seen is the mean of their targets, weighted by dominances that fall off exponentially with the distance in time
(Cohen and Massaro 1993): the lips of a vowel are rounded while the consonant before it is still spoken, but a /b/ closes
them whatever comes around it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

ARTICULATORS = ("jaw", "pucker", "upper_lip", "lower_lip", "press", "chin")
"""Columns of every table here. The first is ``Motion.jaw``, the chin is action unit 17, the others are shapes."""


@dataclass(frozen=True, slots=True)
class Viseme:
    """A class of sounds that look alike.

    Attributes:
        targets: Pixels at 112 for each of ``ARTICULATORS``, of a clear speaker.
        grip: How much it insists on each, 0..1.
    """

    targets: tuple[float, ...]
    grip: tuple[float, ...]


REST = Viseme((0, 0, 0, 0, 0, 0), (0.6, 0.3, 0.3, 0.3, 0.3, 0.3))
BREATH = Viseme((2.2, 0, 0.5, 0.6, 0, 0), (0.7, 0.3, 0.4, 0.4, 0.4, 0.2))

#                jaw  pucker upper lower press chin
_CLOSED = Viseme((0.0, 0.2, 0.0, -0.2, 1.5, 0.9), (1.0, 0.2, 0.7, 0.8, 1.0, 0.6))  # p b m
_TEETH_ON_LIP = Viseme((1.0, -0.3, 0.9, -1.5, 0.0, 0.8), (0.9, 0.2, 0.6, 1.0, 0.9, 0.6))  # f v
_TONGUE = Viseme((2.6, -0.4, 0.4, 0.6, 0.0, 0.0), (0.5, 0.1, 0.2, 0.3, 0.8, 0.1))  # t d n l th
_HISS = Viseme((1.1, -1.4, 0.6, 1.0, 0.0, 0.2), (0.8, 0.4, 0.4, 0.5, 0.9, 0.1))  # s z
_HUSH = Viseme((1.4, 2.2, 0.9, 1.3, 0.0, 0.2), (0.7, 0.8, 0.6, 0.6, 0.9, 0.2))  # sh ch j
_BACK = Viseme((3.2, 0.0, 0.2, 0.4, 0.0, 0.0), (0.3, 0.05, 0.1, 0.1, 0.7, 0.1))  # k g h
_GLIDE = Viseme((1.8, 3.4, 0.3, 0.2, 0.0, 0.3), (0.6, 0.9, 0.4, 0.4, 0.6, 0.3))  # w r
CONSONANTS = (_CLOSED, _TEETH_ON_LIP, _TONGUE, _HISS, _HUSH, _BACK, _GLIDE)
CONSONANT_SHARE = (0.17, 0.08, 0.33, 0.12, 0.07, 0.13, 0.10)

_OPEN = Viseme((7.5, -0.4, 0.9, 1.6, 0.0, 0.0), (0.8, 0.3, 0.4, 0.5, 1.0, 0.2))  # a
_MID = Viseme((4.8, -1.4, 0.8, 1.2, 0.0, 0.0), (0.7, 0.4, 0.4, 0.5, 1.0, 0.2))  # e, ae
_WIDE = Viseme((2.4, -2.6, 0.9, 1.0, 0.0, 0.0), (0.6, 0.6, 0.4, 0.5, 1.0, 0.2))  # i
_ROUND = Viseme((4.6, 2.6, 0.5, 0.8, 0.0, 0.0), (0.7, 0.8, 0.4, 0.5, 1.0, 0.2))  # o
_NARROW = Viseme((1.9, 3.8, 0.3, 0.3, 0.0, 0.3), (0.6, 0.9, 0.4, 0.4, 1.0, 0.3))  # u
_NEUTRAL = Viseme((3.2, 0.0, 0.4, 0.6, 0.0, 0.0), (0.3, 0.15, 0.2, 0.2, 0.8, 0.1))  # the sound in "the"
VOWELS = (_OPEN, _MID, _WIDE, _ROUND, _NARROW, _NEUTRAL)
VOWEL_SHARE = (0.18, 0.2, 0.19, 0.12, 0.09, 0.22)


def blend(
    times: NDArray[np.floating[Any]],
    centres: Doubles,
    lengths: Doubles,
    targets: Doubles,
    grips: Doubles,
    *,
    reach: float = 1.0,
) -> Doubles:
    """The articulators' paths through a sequence of sounds.

    Args:
        times: ``(n,)`` seconds.
        centres: ``(m,)`` when each sound is in the midst, seconds.
        lengths: ``(m,)`` how long each lasts, seconds.
        targets: ``(m, k)`` where each articulator is to be.
        grips: ``(m, k)`` how much that matters.
        reach: How far sounds reach into each other; above 1 for lazy, below for over-articulated speech.

    Returns:
        ``(n, k)``.
    """
    off = np.abs(times[:, None] - centres[None]) / (0.42 * reach * lengths[None])
    # Rounded at the top: with the exponential's own peak every sound's middle would be a kink.
    near = np.exp(1 - np.sqrt(1 + off**2) * 1.6)
    weights = near[:, :, None] * grips[None]
    path: Doubles = (weights * targets[None]).sum(1) / np.maximum(weights.sum(1), 1e-12)
    return path
