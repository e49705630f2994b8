"""One clip, what was planted in it, and what the live path found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rtme.capture.frames import FramesSource
from rtme.events import AnyEvent
from rtme.live.analysis import analyze
from rtme.score import Interval, Rules, match
from rtme.score.interval import State
from rtme.spot.rules import Sensitivity
from rtme.synth.truth import TruthInterval
from rtme.trial.changes import Change
from rtme.trial.signs import Signs
from rtme.view.report import Interval as Found
from rtme.view.report import Report

RULES = Rules()
"""How planted and found intervals are matched, throughout."""


def watch(
    images: Iterable[NDArray[np.uint8]], fps: float, engine: str, sensitivity: Sensitivity | None = None
) -> tuple[Report, list[AnyEvent]]:
    """Send pictures through the whole live path, as fast as it goes.

    Args:
        images: ``(h, w, 3)`` uint8 RGB.
        fps: Frames per second.
        engine: Its name or folder.
        sensitivity: One of its operating points; None for the normal one.

    Returns:
        What was found, and every event.
    """
    analysis = analyze(FramesSource(images, fps), engine=engine, sensitivity=sensitivity or "normal")
    events = list(analysis)
    return analysis.report(), events


@dataclass(frozen=True)
class Take:
    """One clip as it was shown to the engine.

    Attributes:
        kind: Which set it belongs to.
        clip: File that it was made of.
        person: Who is seen.
        fps: Frames per second.
        n_frames: Length.
        planted: Micro-expressions that are there.
        report: What was found.
        speaking: ``(n_frames,)`` 1 speaking, 0 listening, 255 unknown.
        condition: Name of its camera.
        sensitivity: Operating point it was run at; None for the normal one.
        state: What the person does in the whole of it, None where that changes or is unknown.
        signs: What else the landmarks show, None where nobody looked.
        changes: From speaking to listening and back, and when the engine told of them.
        kbit_s: Kilobits a second of the stream it went through, None if it went through none.
    """

    kind: str
    clip: str
    person: str
    fps: float
    n_frames: int
    planted: Sequence[TruthInterval]
    report: Report
    speaking: NDArray[np.uint8]
    condition: str = ""
    sensitivity: Sensitivity | None = None
    state: State | None = None
    signs: Signs | None = None
    changes: Sequence[Change] = ()
    kbit_s: float | None = None

    @property
    def minutes(self) -> float:
        """Length."""
        return self.n_frames / self.fps / 60

    @cached_property
    def found(self) -> list[Found]:
        """Micro-expressions that were found."""
        return [one for one in self.report.intervals if one.type == "me"]

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Places in ``planted`` and ``found`` of those that match."""
        truth = [Interval(self.clip, one.onset, one.offset, "me") for one in self.planted]
        said = [Interval(self.clip, one.onset, one.offset, "me", score=one.confidence) for one in self.found]
        return match(truth, said, RULES)


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts that add up over clips, and what follows from them.

    Attributes:
        matched: Planted micro-expressions that were found.
        missed: Planted ones that were not.
        false: Found ones that match none.
        minutes: Looked through.
    """

    matched: int = 0
    missed: int = 0
    false: int = 0
    minutes: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.matched + other.matched,
            self.missed + other.missed,
            self.false + other.false,
            self.minutes + other.minutes,
        )

    @property
    def planted(self) -> int:
        """All that were planted."""
        return self.matched + self.missed

    @property
    def found(self) -> int:
        """All that were found, right or wrong."""
        return self.matched + self.false

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN), 0 where nothing matches."""
        return 2 * self.matched / (2 * self.matched + self.missed + self.false) if self.matched else 0.0

    @property
    def precision(self) -> float:
        """TP / (TP + FP), 0 where nothing matches."""
        return self.matched / self.found if self.matched else 0.0

    @property
    def recall(self) -> float:
        """TP / (TP + FN), 0 where nothing matches."""
        return self.matched / self.planted if self.matched else 0.0

    @property
    def false_per_minute(self) -> float | None:
        """False alarms; None where no time was looked through."""
        return self.false / self.minutes if self.minutes else None


def tally(take: Take, pixels: tuple[float, float] = (0.0, float("inf"))) -> Tally:
    """Count in one clip.

    Args:
        take: The clip.
        pixels: Only micro-expressions of this size, both ends included, count; what matches another is left out,
            neither right nor wrong.
    """
    counts = [pixels[0] <= one.pixels <= pixels[1] for one in take.planted]
    matched = sum(counts[truth] for truth, _ in take.pairs)
    return Tally(
        matched=matched,
        missed=sum(counts) - matched,
        false=len(take.found) - len(take.pairs),
        minutes=take.minutes,
    )


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them together."""
    return sum(tallies, Tally())
