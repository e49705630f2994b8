"""The engine's time grid: frames are laid on it by their time, never by their number."""

import math


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
            The slot nearest in time; None when that slot or a later one already has a frame, or when the
            time is before the epoch's first frame or is not a finite number.
        """
        if not math.isfinite(t_s):
            return None
        slot = math.floor(t_s * self._fps + 0.5)
        if slot <= self._last:
            return None
        self._last = slot
        return slot

    def behind_s(self, t_s: float) -> float:
        """How many seconds a frame lies before the newest slot in use; 0 when it does not.

        A frame that shares a slot with its predecessor is behind by less than one slot. Much more means that
        the source's clock jumped back: no frame is placed until it has caught up, so begin a new epoch.
        """
        return max(0.0, self._last / self._fps - t_s)
