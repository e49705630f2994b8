"""From slots of the time grid back to frames of the source."""

from bisect import bisect_left, bisect_right

from rtme.clock import Stamp
from rtme.events import Mark


def mark_of(stamp: Stamp, time_s: float) -> Mark:
    """The wire's form of a stamp."""
    return Mark(
        frame=stamp.frame, time_s=round(time_s, 6), capture_ns=stamp.capture_ns, wall_ns=stamp.wall_ns
    )


class Marks:
    """The frames of one epoch that fell on the grid, newest ``keep`` of them."""

    def __init__(self, keep: int = 4096) -> None:
        self._keep = keep
        self._slots: list[int] = []
        self._marks: list[Mark] = []

    def add(self, slot: int, mark: Mark) -> None:
        """Slots must rise."""
        self._slots.append(slot)
        self._marks.append(mark)
        if len(self._slots) > 2 * self._keep:
            del self._slots[: -self._keep]
            del self._marks[: -self._keep]

    def at_or_after(self, slot: int) -> Mark:
        """The first frame that is not before ``slot`` (an onset is the first frame that shows it)."""
        return self._marks[min(bisect_left(self._slots, slot), len(self._marks) - 1)]

    def at_or_before(self, slot: int) -> Mark:
        """The last frame that is not after ``slot`` (an offset is the last frame that shows it)."""
        return self._marks[max(bisect_right(self._slots, slot) - 1, 0)]
