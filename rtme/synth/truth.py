"""What is really there in a synthesised clip."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ACTION_UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20)
"""FACS units that ``synth`` can move, in the column order of :attr:`Truth.action_units`."""

UNKNOWN = 255
"""Speaker state that nobody knows (signers mouth words; a smile is neither)."""


@dataclass(frozen=True, slots=True)
class TruthInterval:
    """A planted expression. Frames are 0-based, inclusive; the ends are where motion is first and last seen.

    Attributes:
        type: "me" (40 to 500 ms, faint), "macro" (longer), or "large" (short but large: not to be found).
        onset: First frame.
        apex: Frame of the largest displacement.
        offset: Last frame.
        action_units: FACS unit numbers.
        pixels: Largest displacement at the apex in pixels of a 112-pixel aligned crop.
    """

    type: Literal["me", "macro", "large"]
    onset: int
    apex: int
    offset: int
    action_units: tuple[int, ...]
    pixels: float


@dataclass(frozen=True, slots=True)
class Span:
    """Something else that happened, first to last frame inclusive."""

    what: Literal["blink", "speech", "head"]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything known of one clip.

    Attributes:
        person: Who is seen; people, not clips, are split into training and test.
        base: "portrait" or "clip": what was animated.
        fps: Frames per second.
        n_frames: Length.
        intervals: Planted expressions, by onset.
        spans: Blinks, speech and head movements.
        action_units: ``(n_frames, 13)`` float32 displacement per unit in pixels at 112, columns as
            ``ACTION_UNITS``; "large" and macro movements included.
        speaking: ``(n_frames,)`` uint8: 1 speaking, 0 listening, 255 unknown.
    """

    person: str
    base: Literal["portrait", "clip"]
    fps: float
    n_frames: int
    intervals: list[TruthInterval]
    spans: list[Span] = field(default_factory=list)
    action_units: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 13), np.float32))
    speaking: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
