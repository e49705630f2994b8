"""What is marked on one recording: intervals and turns."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from rtme.annotations.timing import edges_ms
from rtme.errors import DataError

Kind = Literal["me", "mae", "speaking", "listening"]
KINDS: tuple[Kind, ...] = get_args(Kind)
EXPRESSIONS: tuple[Kind, ...] = ("me", "mae")
STATES: tuple[Kind, ...] = ("speaking", "listening")
MAX_FRAME = 2**31 - 1


class NoFrameRateError(DataError):
    """A file with times, and nobody says how many frames there are a second."""


@dataclass(frozen=True, slots=True)
class Span:
    """A micro-expression, a macro-expression or a turn.

    Attributes:
        kind: Which of them.
        first: First frame, counted from 0.
        last: Last frame, which belongs to it.
        face: Number of the face, 0 or more.
        apex: Frame of the strongest movement, None where nobody says.
        confidence: 0..1, None where nobody says.
        times_ms: When the first frame begins, the apex begins and the last frame ends, where the stream's own times are
            known; None: frames are equally long.

    Raises:
        DataError: A value that cannot be.
    """

    kind: Kind
    first: int
    last: int
    face: int = 1
    apex: int | None = None
    confidence: float | None = None
    times_ms: tuple[int, int | None, int] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DataError(f"type is {self.kind!r}: write one of {', '.join(KINDS)}")
        if self.first > self.last:
            raise DataError(f"onset {self.first} comes after offset {self.last}: swap or correct them")
        if self.first < 0 or self.last > MAX_FRAME:
            raise DataError(f"frames {self.first} to {self.last}: frames are counted from 0 to {MAX_FRAME}")
        if self.apex is not None and not self.first <= self.apex <= self.last:
            raise DataError(
                f"apex {self.apex} is not between {self.first} and {self.last}: correct it, or leave it empty"
            )
        if not 0 <= self.face <= MAX_FRAME:
            raise DataError(f"face is {self.face}: faces are counted from 0 to {MAX_FRAME}")
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise DataError(f"confidence is {self.confidence}: write 0 to 1, or leave it empty")

    def edges_ms(self, fps: float) -> tuple[int, int]:
        """When it begins and ends, in whole milliseconds; the end is that of its last frame."""
        if self.times_ms is not None:
            return self.times_ms[0], self.times_ms[2]
        return edges_ms(self.first, self.last, fps)

    def apex_edges_ms(self, fps: float) -> tuple[int, int]:
        """When the frame of the apex begins and ends. There must be one."""
        assert self.apex is not None
        if self.times_ms is not None and self.times_ms[1] is not None:
            begin = self.times_ms[1]
            return begin, max(begin + 1, min(begin + round(1000 / fps), self.times_ms[2]))
        return edges_ms(self.apex, self.apex, fps)


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording and what is marked on it.

    Attributes:
        source: Path of the video as it was given, "" where nobody says.
        fps: Frames per second.
        n_frames: Length, None where nobody says.
        spans: In any order; kept in that of their beginnings.
        engine: What found them, "" for a person's work.
        engine_note: What the engine learned from.

    Raises:
        DataError: A value that cannot be.
    """

    source: str
    fps: float
    n_frames: int | None = None
    spans: tuple[Span, ...] = ()
    engine: str = ""
    engine_note: str = ""

    def __post_init__(self) -> None:
        check_fps(self.fps)
        object.__setattr__(self, "spans", in_order(self.spans))
        if self.n_frames is not None and not 0 <= self.n_frames <= MAX_FRAME + 1:
            raise DataError(f"{self.n_frames} frames: write how many there are, or leave it empty")

    def of(self, *kinds: Kind) -> tuple[Span, ...]:
        """Those of some kinds."""
        return tuple(span for span in self.spans if span.kind in kinds)


def check_fps(fps: float) -> None:
    """Refuse what cannot be a frame rate.

    Raises:
        DataError: It is not above 0, or above what any camera has.
    """
    if not (math.isfinite(fps) and 0.01 <= fps <= 1_000_000):
        raise DataError(f"{fps} frames per second cannot be: write a number such as 30")


def same_rate(a: float, b: float) -> bool:
    """Whether two frame rates are one but for how they were rounded, as 29.97 and 30 are."""
    return abs(a - b) <= 0.002 * a


def untangled(spans: Iterable[Span]) -> tuple[Span, ...]:
    """In order, and no span ends after the next of its kind and face begins by their times, if it does not by its frames.

    A frame is taken to last as long as most; where the rate varies it may be followed by the next one sooner.
    """
    found = list(in_order(spans))
    for index, span in enumerate(found):
        after = [
            one.times_ms[0]
            for one in found[index + 1 :]
            if one.times_ms and one.face == span.face and _row(one) == _row(span) and one.first > span.last
        ]
        if span.times_ms and after and span.times_ms[0] < min(after) < span.times_ms[2]:
            found[index] = replace(span, times_ms=(*span.times_ms[:2], min(after)))
    return tuple(found)


def _row(span: Span) -> str:
    return "state" if span.kind in STATES else span.kind


def in_order(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in the order of their beginnings, expressions before turns."""
    return tuple(sorted(spans, key=lambda span: (span.first, span.face, KINDS.index(span.kind), span.last)))
