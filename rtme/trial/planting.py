"""A source that plants micro-expressions in another one, while its frames pass."""

import math
import time
from collections import Counter, deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rtme.capture.frame import Frame
from rtme.capture.media_time import MediaClock
from rtme.capture.source import Source
from rtme.capture.urls import safe_name
from rtme.errors import SourceError
from rtme.events import Mark
from rtme.live.marks import mark_of
from rtme.synth.expression import Expression
from rtme.synth.inject import Mover
from rtme.synth.profile import visible
from rtme.trial.follow import Follower
from rtme.trial.schedule import Schedule, Units

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

FRAMES_MISSING = "frames are missing"
"""Why an expression could not be planted, or was abandoned, when the source gave nothing for too long."""

_LONGEST_GAP_S = 0.2  # without a frame; what moves on meanwhile is no movement that can be seen
_STILL = 0.01  # pixels at 112 that nobody and nothing sees


@dataclass(frozen=True, slots=True)
class Planted:
    """A micro-expression that was shown from beginning to end.

    Attributes:
        epoch: Of its frames.
        stretch: Number of the stretch it lies in.
        onset: First frame in which it is seen.
        apex: Frame of the largest displacement.
        offset: Last frame in which it is seen.
        units: FACS units.
        pixels: Displacement at the apex, pixels at 112.
    """

    epoch: int
    stretch: int
    onset: Mark
    apex: Mark
    offset: Mark
    units: Units
    pixels: float


@dataclass(frozen=True, slots=True)
class Abandoned:
    """An expression that was begun and is no truth: what is found there is neither right nor wrong.

    Attributes:
        epoch: Of its frames.
        first: First frame that was changed.
        last: Last one.
        why: For people.
    """

    epoch: int
    first: Mark
    last: Mark
    why: str


@dataclass(slots=True)
class Stretch:
    """A stretch of one epoch, planted in or not.

    Attributes:
        epoch: Its epoch.
        number: Of the stretch; one that an epoch ends in is two parts.
        planted: Whether expressions were planted, or its frames were passed on as they came.
        first: First frame.
        last: Last frame.
        frames: How many there were.
        judged: In how many a face could be judged.
    """

    epoch: int
    number: int
    planted: bool
    first: Mark
    last: Mark
    frames: int = 0
    judged: int = 0

    @property
    def fps(self) -> float | None:
        """Frames per second that really came; None for a single frame."""
        seconds = self.last.time_s - self.first.time_s
        return (self.frames - 1) / seconds if seconds > 0 else None

    @property
    def seconds(self) -> float:
        """Length, each frame for as long as one lasts."""
        return self.frames / self.fps if self.fps else 0.0

    def holds(self, epoch: int, frame: int) -> bool:
        """Whether a frame lies in it."""
        return epoch == self.epoch and self.first.frame <= frame <= self.last.frame


@dataclass(slots=True)
class _Act:
    """An expression on its way."""

    expression: Expression
    mover: Mover
    units: Units
    sides: Floats
    face: int | None
    stretch: int
    shown: list[tuple[Mark, float]]


class PlantingSource:
    """Passes on the frames of another source; while an expression lasts, the face moves a little more than it did.

    Nothing is held back: a frame is tracked, warped and passed on, with the stamp it came with. So ``capture_ns`` still says
    when it left the camera's decoder, and the few milliseconds that planting takes count as the service's own (they are in
    :attr:`cost_ms`, to be told apart). Frames in which nothing is planted are the given arrays.

    The place of the face is the tracker's steadied one, in which the engine sees the face too: the skin is not shaken by
    landmarks that tremble. The pull of an expression lasts a little longer than it is seen at both ends; ``onset``
    and ``offset`` are the first and last frame in which it reaches 12 % of its apex and 0.15 pixels, as in training clips.

    An expression is abandoned when its face is lost, may not be judged or changes its number, or the stream breaks.
    All attributes may be read once the source is closed.

    Attributes:
        name: Stream name, that of the other source with ``-planted`` (or ``-untouched``).
        live: As the other source.
        planted: Expressions that were shown, in their order.
        abandoned: Expressions that were begun in vain.
        over: Whether ``until_s`` is reached.
        missed: How many could not be planted when their time came, by the reason.
        stretches: What was passed on.
        unjudged: Frames without a judged face, by the reason.
        cost_ms: What planting took of each of the newest frames, tracking included.
    """

    def __init__(self, source: Source, schedule: Schedule | None, *, until_s: float | None = None) -> None:
        """Nothing is opened yet.

        Args:
            source: Whose frames.
            schedule: What is planted when; None plants nothing.
            until_s: Take the source no further than this (seconds of its own time, over all epochs): a recording ends there;
                what a live source gives afterwards is passed on, but not taken into account.
        """
        self._source = source
        self._schedule = schedule
        self._until_s = until_s
        self.name = safe_name(f"{source.name}-{'planted' if schedule else 'untouched'}")
        self.live = source.live
        self.planted: list[Planted] = []
        self.abandoned: list[Abandoned] = []
        self.over = False
        self.missed: Counter[str] = Counter()
        self.stretches: list[Stretch] = []
        self.unjudged: Counter[str] = Counter()
        self.cost_ms: deque[float] = deque(maxlen=20_000)
        self._next = schedule.next() if schedule else None
        self._clock = MediaClock(live=source.live)
        self._follower: Follower | None = None
        self._epoch = -1
        self._before_s = 0.0
        self._last_s = -math.inf
        self._act: _Act | None = None

    @property
    def corrupt(self) -> int:
        """See :class:`~rtme.capture.source.Source`."""
        return self._source.corrupt

    @property
    def frames_expected(self) -> int | None:
        """See :class:`~rtme.capture.source.Source`."""
        expected, fps = self._source.frames_expected, self._source.fps
        if expected is None or self._until_s is None or fps is None:
            return expected
        return min(expected, round(self._until_s * fps))

    @property
    def fps(self) -> float | None:
        """See :class:`~rtme.capture.source.Source`."""
        return self._source.fps

    @property
    def seconds(self) -> float:
        """How much footage was passed on."""
        return sum(stretch.seconds for stretch in self.stretches)

    def open(self) -> None:
        """Open the other source. Raises SourceError, or FaceError where no face can be tracked."""
        if self._follower is None:
            # Before the source is opened: what a camera sent meanwhile would be late.
            self._follower = Follower()
        self._source.open()

    def read(self) -> Frame | None:
        """The next frame, None at the end. Raises SourceError when the other source breaks."""
        frame = self._source.read()
        if frame is None:
            self._abandon("the footage ended")
            return None
        if self._follower is None:
            raise SourceError(f"`{self.name}` is not open: call open() first")
        began = time.perf_counter()
        if frame.stamp.epoch != self._epoch:
            self._begin_epoch(frame.stamp.epoch)
            self._follower.begin_epoch()
        at = mark_of(frame.stamp, self._clock.time(frame.stamp.pts_s, frame.stamp.capture_ns))
        now_s = self._before_s + at.time_s
        if self._until_s is not None and now_s >= self._until_s:
            self.over = True
            self._abandon("the time was up")
            return frame if self.live else None
        self._follower.see(frame.image, at)
        self._count(at, now_s, self._follower.why_not)
        self._act_on(at, now_s, self._follower)
        image = self._show(frame.image, at, now_s, self._follower)
        self.cost_ms.append(1000 * (time.perf_counter() - began))
        return frame if image is frame.image else replace(frame, image=image)

    def close(self) -> None:
        """Release everything. Safe to call twice."""
        self._abandon("the stream broke")
        self._source.close()
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    def _begin_epoch(self, epoch: int) -> None:
        self._abandon("the stream broke")
        if self.stretches:
            self._before_s += self.stretches[-1].last.time_s
        self._epoch = epoch
        self._clock = MediaClock(live=self.live)

    def _count(self, at: Mark, now_s: float, why_not: str | None) -> None:
        number = self._schedule.stretch(now_s) if self._schedule else 0
        planted = self._schedule is not None and number % 2 == 0
        newest = self.stretches[-1] if self.stretches else None
        if newest is None or (newest.epoch, newest.number) != (self._epoch, number):
            newest = Stretch(self._epoch, number, planted, at, at)
            self.stretches.append(newest)
        newest.last = at
        newest.frames += 1
        if why_not is None:
            newest.judged += 1
        else:
            self.unjudged[why_not.partition(":")[0]] += 1

    def _act_on(self, at: Mark, now_s: float, face: Follower) -> None:
        """End what is over and begin what is due."""
        why_not = face.why_not
        if now_s - self._last_s > _LONGEST_GAP_S:
            why_not = FRAMES_MISSING
        self._last_s = now_s
        if self._act is not None:
            if why_not is None and face.number != self._act.face:
                why_not = "another face"
            if why_not is not None:
                self._abandon(why_not)
            elif now_s > self._act.expression.profile.end_s:
                self._end()
        if self._schedule is None or self._next is None or now_s < self._next.profile.start_s:
            return
        if why_not is None and face.is_settled(at) and self._act is None:
            self._begin(self._next, face)
        else:
            self.missed[(why_not or "the face had just come").partition(":")[0]] += 1
        self._next = self._schedule.next()

    def _begin(self, expression: Expression, face: Follower) -> None:
        units = tuple(sorted(expression.units))
        sides = np.array([expression.units[unit] for unit in units], np.float32)
        mover = Mover(face.shape, units)
        self._act = _Act(expression, mover, units, sides, face.number, self.stretches[-1].number, [])

    def _show(self, image: Image, at: Mark, now_s: float, face: Follower) -> Image:
        """The frame as it is passed on."""
        act = self._act
        if act is None:
            return image
        share = float(act.expression.profile.at(np.array([now_s]))[0])
        if share * act.expression.pixels < _STILL:
            return image
        act.shown.append((at, share * act.expression.pixels))
        return act.mover.move(image, face.place, share * act.sides)

    def _end(self) -> None:
        act = self._act
        assert act is not None
        ends = visible(np.array([pixels for _, pixels in act.shown])) if act.shown else None
        if ends is None or ends[0] == ends[2]:
            self._abandon("too short for this frame rate")
            return
        onset, apex, offset = (act.shown[index][0] for index in ends)
        pixels = act.shown[ends[1]][1]
        self.planted.append(Planted(self._epoch, act.stretch, onset, apex, offset, act.units, pixels))
        self._act = None

    def _abandon(self, why: str) -> None:
        act, self._act = self._act, None
        if act is not None and act.shown:
            self.abandoned.append(Abandoned(self._epoch, act.shown[0][0], act.shown[-1][0], why))
