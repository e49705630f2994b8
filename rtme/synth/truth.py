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
        sides: For each action unit, pixels on the left and on the right of the picture at the apex.
    """

    type: Literal["me", "macro", "large"]
    onset: int
    apex: int
    offset: int
    action_units: tuple[int, ...]
    pixels: float
    sides: tuple[tuple[float, float], ...] = ()


What = Literal[
    "blink", "speech", "head", "gaze", "lids", "brow", "mouth", "swallow", "train", "step", "hand", "light"
]
"""What can happen besides planted expressions; none of it is to be found.

* ``blink``: partial, double and long ones too.
* ``speech``: a turn of speech, its short pauses included.
* ``head``: a nod, shake, turn, tilt or lean that is more than sway.
* ``gaze``: a large shift of gaze with the lids following. ``lids``: a squint, or eyes opened wide.
* ``brow``: raised or drawn together for emphasis. ``mouth``: lips pressed or licked, chewing, a yawn, a smile.
* ``swallow``: throat, chin and lips.
* ``train``: the same movement several times in a row. ``step``: a movement that goes somewhere and stays there.
* ``hand``: a hand before a part of the face. ``light``: exposure or lighting changes quickly.
"""


@dataclass(frozen=True, slots=True)
class Span:
    """Something else that happened, first to last frame inclusive.

    Attributes:
        what: Which kind of thing.
        start: First frame.
        end: Last frame.
        size: How far, at most: pixels at 112 of skin, degrees of a head, share of closure of lids and of light;
            0 where there is no measure.
    """

    what: What
    start: int
    end: int
    size: float = 0.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which a clip was taken.

    Attributes:
        eye_px: Distance of the outer eye corners in the picture, pixels; 0 where it is not known.
        noise: Sigma of the sensor's noise that was added, gray levels.
        blur: Sigma of the blur that was added, pixels.
        codec: What the clip was compressed with after it was made, "" for nothing.
        kbps: Bit rate of that, kbit/s (for "jpeg" its quality).
    """

    eye_px: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    codec: str = ""
    kbps: int = 0


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything known of one clip.

    Attributes:
        person: Who is seen; people, not clips, are split into training and test.
        base: "portrait" or "clip": what was animated.
        fps: Frames per second.
        n_frames: Length.
        intervals: Planted expressions, by onset.
        spans: What else happened.
        action_units: ``(n_frames, 13)`` float32 displacement per unit in pixels at 112, columns as
            ``ACTION_UNITS``; "large" and macro movements included.
        speaking: ``(n_frames,)`` uint8: 1 speaking, 0 listening, 255 unknown.
        conditions: How it was taken.
    """

    person: str
    base: Literal["portrait", "clip"]
    fps: float
    n_frames: int
    intervals: list[TruthInterval]
    spans: list[Span] = field(default_factory=list)
    action_units: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 13), np.float32))
    speaking: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    conditions: Conditions = Conditions()
