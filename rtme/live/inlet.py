"""Where the capture thread leaves frames for the tracker thread."""

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtme.events import Mark


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A picture, ``(height, width, 3)`` uint8 RGB, and when it was. Every frame read is timed, dropped ones too."""

    image: NDArray[np.uint8]
    epoch: int
    mark: Mark


@dataclass(frozen=True, slots=True)
class Dropped:
    """Frames of one epoch that newer ones replaced before anybody looked at them."""

    epoch: int
    count: int
    first: Mark
    last: Mark


@dataclass(frozen=True, slots=True)
class EndOfEpoch:
    """The source broke; frames may follow in a new epoch, nobody knows when."""


@dataclass(frozen=True, slots=True)
class EndOfSource:
    """Nothing follows. ``error`` says why when it was not the natural end."""

    error: str | None = None


PATIENCE_NS = 100_000_000
"""A frame this much older than the newest has waited too long to be worth looking at."""


class Inlet:
    """A queue in which the latest frames win (live), or one that makes the writer wait (file).

    Live, a frame may wait for ``PATIENCE_NS``: long enough to ride out the burst with which a stream opens and a
    hiccup of the machine, short enough that a slow tracker is never far behind. The end of the source or of an epoch
    is never dropped and comes after the last frame.
    """

    def __init__(self, *, latest_wins: bool, depth: int | None = None) -> None:
        self._latest_wins = latest_wins
        self._depth = depth or (16 if latest_wins else 4)
        self._frames: deque[TimedFrame] = deque()
        self._epoch_ended = False
        self._end: EndOfSource | None = None
        self._dropped: list[Dropped] = []
        self._changed = threading.Condition()

    def put(self, frame: TimedFrame, timeout_s: float) -> bool:
        """Leave a frame. Live: at once, in place of those that waited too long. File: False if no room came in time."""
        with self._changed:
            if self._latest_wins:
                too_old = frame.mark.capture_ns - PATIENCE_NS
                while self._frames and (
                    len(self._frames) >= self._depth or self._frames[0].mark.capture_ns < too_old
                ):
                    self._note_dropped(self._frames.popleft())
            elif not self._changed.wait_for(lambda: len(self._frames) < self._depth, timeout_s):
                return False
            self._frames.append(frame)
            self._epoch_ended = False
            self._changed.notify_all()
            return True

    def end_epoch(self) -> None:
        """Say that nothing follows for a while."""
        with self._changed:
            self._epoch_ended = True
            self._changed.notify_all()

    def end(self, end: EndOfSource) -> None:
        """Say that nothing follows."""
        with self._changed:
            self._end = self._end or end
            self._changed.notify_all()

    def get(self, timeout_s: float) -> TimedFrame | EndOfEpoch | EndOfSource | None:
        """The oldest waiting frame, an end once no frame waits, or None if nothing came in time."""
        with self._changed:
            self._changed.wait_for(
                lambda: bool(self._frames) or self._end is not None or self._epoch_ended, timeout_s
            )
            if self._frames:
                frame = self._frames.popleft()
                self._changed.notify_all()
                return frame
            if self._end is None and self._epoch_ended:
                self._epoch_ended = False
                return EndOfEpoch()
            return self._end

    def take_dropped(self) -> list[Dropped]:
        """What was dropped since the last call, by epoch."""
        with self._changed:
            dropped, self._dropped = self._dropped, []
            return dropped

    def _note_dropped(self, frame: TimedFrame) -> None:
        count, first = 1, frame.mark
        if self._dropped and self._dropped[-1].epoch == frame.epoch:
            before = self._dropped.pop()
            count, first = before.count + 1, before.first
        self._dropped.append(Dropped(frame.epoch, count, first, frame.mark))
