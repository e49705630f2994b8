"""The engine's time grid: frames are laid on it by their time, never by their number."""

import math

EARLY = 0.3
"""Part of a slot by which a frame may come before the slot's time. Not a half: every second frame of a source
at twice the grid's rate would then lie on the border between two slots, and times rounded to milliseconds would
pick frames 1, 3, 6, 7 … instead of 0, 2, 4, 6 …. Of usual frame rates only 200 meets this border, with one frame in
twenty, and its neighbour is 5 ms away."""


class TimeGrid:
    """Gives each frame of one epoch its slot, at most one frame a slot.

    A source faster than the grid feeds only the first frame of each slot; a slower one leaves slots empty.

    Args:
        fps: Slots per second, above 0.
    """

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._last = -1

    def place(self, t_s: float) -> int | None:
        """The slot of a frame, or None when the frame is not to be used.

        Args:
            t_s: Seconds since the epoch's first frame.

        Returns:
            The last slot that begins at most ``EARLY`` after this time; None when that slot or a later one
            already has a frame, or when the time is before the epoch's first frame or is not a finite number.
        """
        if not math.isfinite(t_s):
            return None
        slot = math.floor(t_s * self._fps + EARLY)
        if slot <= self._last:
            return None
        self._last = slot
        return slot
