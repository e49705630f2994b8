"""What is scored: intervals, and the videos they lie in."""

import math
from dataclasses import dataclass
from typing import Literal

from rtme.errors import DataError

Type = Literal["me", "mae"]
State = Literal["speaking", "listening"]
TYPES: tuple[Type, ...] = ("me", "mae")
STATES: tuple[State, ...] = ("speaking", "listening")
MAX_FRAME = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Interval:
    """A micro- or macro-expression, labelled or found.

    Attributes:
        video: Name of its video, unique among all that are scored together; ours are ``dataset/subject/video``.
        onset: First frame, counted from 0.
        offset: Last frame, which belongs to the interval.
        type: Micro- ("me") or macro-expression ("mae").
        apex: Frame of the strongest movement, None where nobody says.
        score: How sure the finder is, higher is surer; None for labels.
        emotion: Class, None where nobody says.
        state: Whether the person was speaking or listening.

    Raises:
        DataError: A value that cannot be.
    """

    video: str
    onset: int
    offset: int
    type: Type
    apex: int | None = None
    score: float | None = None
    emotion: str | None = None
    state: State | None = None

    def __post_init__(self) -> None:
        if self.onset > self.offset:
            raise DataError(f"onset {self.onset} comes after offset {self.offset}: swap or correct them")
        if self.onset < 0 or self.offset > MAX_FRAME:
            raise DataError(f"frames {self.onset} to {self.offset}: frames are counted from 0 to {MAX_FRAME}")
        if self.type not in TYPES:
            raise DataError(f"type is {self.type!r}: write me or mae")
        if self.state is not None and self.state not in STATES:
            raise DataError(f"state is {self.state!r}: write speaking or listening, or leave it empty")
        if self.score is not None and not math.isfinite(self.score):
            raise DataError(f"score is {self.score}: write a finite number, or leave it empty")


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """One video or clip that was looked through, also when nothing is in it.

    Attributes:
        video: Its name, as in :class:`Interval`.
        fps: Frames per second, None where nobody says.
        n_frames: Length, None where nobody says.
        state: What the person does in the whole of it, None where unknown or where it changes.

    Raises:
        DataError: A value that cannot be.
    """

    video: str
    fps: float | None = None
    n_frames: int | None = None
    state: State | None = None

    def __post_init__(self) -> None:
        if self.fps is not None and not 0 < self.fps < math.inf:
            raise DataError(f"fps is {self.fps}: write a number above 0, or leave it empty")
        if self.n_frames is not None and self.n_frames < 1:
            raise DataError(f"n_frames is {self.n_frames}: write a number above 0, or leave it empty")
        if self.state is not None and self.state not in STATES:
            raise DataError(f"state is {self.state!r}: write speaking or listening, or leave it empty")

    @property
    def minutes(self) -> float | None:
        """Length, None where it is not known."""
        if self.fps is None or self.n_frames is None:
            return None
        return self.n_frames / self.fps / 60
