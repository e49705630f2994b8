"""Where stamps are made."""

import time

from rtme.clock import Stamp


class Stamper:
    """Numbers the frames of one source and reads the clocks.

    Call :meth:`opened` after each successful open, and :meth:`stamp` the moment a frame leaves the decoder.
    """

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self._epoch = -1
        self._next = 0

    def opened(self) -> None:
        """Begin the next epoch (0 is the first)."""
        self._epoch += 1
        self._next = 0

    def stamp(self, pts_s: float | None) -> Stamp:
        """The stamp of the next frame, taken now."""
        index = self._next
        self._next += 1
        return Stamp(self.stream, self._epoch, index, time.monotonic_ns(), time.time_ns(), pts_s)
