"""Whether a camera gives the frames that it promises."""

from rtme.events import Mark

WITHIN_S = 10.0
SLOW_FPS = 20.0
_SHORT = 0.75


def what_is_missed(fps: float) -> str:
    """What a frame rate costs, for people."""
    return f"a micro-expression shorter than {2000 / fps:.0f} ms is seen in fewer than two of them and will be missed"


class Pace:
    """Counts the frames of one epoch, and says once when they are too few.

    Args:
        promised: The source's nominal rate, None where it names none.
    """

    def __init__(self, promised: float | None) -> None:
        self._promised = promised
        self._first: Mark | None = None
        self._corrupt = 0
        self._told = False

    def see(self, mark: Mark, corrupt: int) -> str | None:
        """Take a frame, in order; a sentence when the rate of the last seconds is far below what was promised.

        Where no rate was promised, it is one at which short micro-expressions are missed.

        Args:
            mark: The frame's.
            corrupt: Pictures that the source left out so far; they came too, and what became of them is told elsewhere.
        """
        if self._first is None:
            self._first, self._corrupt = mark, corrupt
        seconds = mark.time_s - self._first.time_s
        if self._told or seconds < WITHIN_S:
            return None
        fps = (mark.frame - self._first.frame + corrupt - self._corrupt) / seconds
        self._first, self._corrupt = mark, corrupt
        if fps >= (SLOW_FPS if self._promised is None else _SHORT * self._promised):
            return None
        self._told = True
        promise = "" if self._promised is None else f", not the {self._promised:.3g} that it promises"
        return f"gives {fps:.3g} frames a second{promise}: {what_is_missed(fps)}"
