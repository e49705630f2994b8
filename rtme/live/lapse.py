"""A stretch of frames in which something was missing."""

from typing import Literal

from rtme.events import GapEvent, Mark


class Lapse:
    """Collects the frames of one lapse until it ends."""

    def __init__(self, cause: Literal["no_face", "skipped"]) -> None:
        self._cause = cause
        self._first: Mark | None = None
        self._last: Mark | None = None
        self._count = 0

    def add(self, mark: Mark, count: int = 1) -> float:
        """One more frame; returns the seconds since the first."""
        self._first = self._first or mark
        self._last = mark
        self._count += count
        return self.age_s(mark)

    def age_s(self, now: Mark) -> float:
        """Seconds since the first frame of the lapse; 0 when there is none."""
        return now.time_s - self._first.time_s if self._first else 0.0

    def end(self, *, stream: str, epoch: int, at: Mark | None, at_least_s: float = 0.0) -> list[GapEvent]:
        """The lapse as an event, or nothing when there was none or it was shorter than ``at_least_s``."""
        first, last, count = self._first, self._last, self._count
        self._first, self._last, self._count = None, None, 0
        if first is None or last is None or last.time_s - first.time_s < at_least_s:
            return []
        return [
            GapEvent(stream=stream, epoch=epoch, at=at, cause=self._cause, count=count, start=first, end=last)
        ]
