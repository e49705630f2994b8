"""Where the capture thread leaves frames for the tracker thread."""

import threading
from collections import deque
from dataclasses import dataclass

from rtme.capture.frame import Frame
from rtme.clock import Stamp


@dataclass(frozen=True, slots=True)
class Dropped:
    """Frames that a newer one replaced before anybody looked at them."""

    count: int
    first: Stamp
    last: Stamp


@dataclass(frozen=True, slots=True)
class EndOfSource:
    """Nothing follows. ``error`` says why when it was not the natural end."""

    error: str | None = None


class Inlet:
    """A slot where the latest frame wins (live), or a short queue that makes the writer wait (file).

    The end of the source is never dropped and comes after the last frame.
    """

    def __init__(self, *, latest_wins: bool, depth: int = 4) -> None:
        self._latest_wins = latest_wins
        self._depth = 1 if latest_wins else depth
        self._frames: deque[Frame] = deque()
        self._end: EndOfSource | None = None
        self._dropped: list[Stamp] = []
        self._dropped_count = 0
        self._changed = threading.Condition()

    def put(self, frame: Frame, timeout_s: float) -> bool:
        """Leave a frame. Live: at once, replacing one that waits. File: False if no room came in time."""
        with self._changed:
            if self._latest_wins:
                if self._frames:
                    self._note_dropped(self._frames.popleft().stamp)
            elif not self._changed.wait_for(lambda: len(self._frames) < self._depth, timeout_s):
                return False
            self._frames.append(frame)
            self._changed.notify_all()
            return True

    def end(self, end: EndOfSource) -> None:
        """Say that nothing follows."""
        with self._changed:
            self._end = self._end or end
            self._changed.notify_all()

    def get(self, timeout_s: float) -> Frame | EndOfSource | None:
        """The oldest waiting frame, the end once no frame waits, or None if nothing came in time."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._frames) or self._end is not None, timeout_s)
            if self._frames:
                frame = self._frames.popleft()
                self._changed.notify_all()
                return frame
            return self._end

    def take_dropped(self) -> Dropped | None:
        """What was dropped since the last call."""
        with self._changed:
            if not self._dropped_count:
                return None
            dropped = Dropped(self._dropped_count, self._dropped[0], self._dropped[-1])
            self._dropped, self._dropped_count = [], 0
            return dropped

    def _note_dropped(self, stamp: Stamp) -> None:
        self._dropped_count += 1
        self._dropped = [self._dropped[0], stamp] if self._dropped else [stamp]
