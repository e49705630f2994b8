"""The demo: a face that is animated in real time, and says what it did."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from rtme.capture.frame import Frame
from rtme.clock import Stamp
from rtme.errors import DataError, SourceError

if TYPE_CHECKING:
    from rtme.synth.demo import Performance

_FPS = 30.0
_ACT = 600


class DemoSource:
    """A portrait that performs micro-expressions, blinks, speech and head motion at known times, at 30 fps.

    Needs no camera and no network. A reader that is late misses frames, as with a camera, and gets no burst.
    Frames are counted as they are performed, so those that were missed leave a hole in the numbers.

    Attributes:
        name: The stream's name on the wire.
        live: Always True: time does not wait.
    """

    live = True
    corrupt = 0

    def __init__(
        self,
        seed: int = 0,
        seconds: float | None = None,
        name: str = "demo",
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is loaded yet.

        Args:
            seed: Which performance; the same seed gives the same one.
            seconds: End after so long; None goes on for ever.
            name: Stream name.
            clock: Seconds on a clock that never goes back.
            sleep: Waits so many seconds of that clock.

        Raises:
            SourceError: ``seconds`` is not above 0.
        """
        if seconds is not None and not seconds > 0:
            raise SourceError(f"seconds is {seconds}: give a length above 0, or None for a demo without end")
        self.name = name
        self.frames_expected = None if seconds is None else max(1, round(seconds * _FPS))
        self._seed = seed
        self._clock = clock
        self._sleep = sleep
        self._performance: Performance | None = None
        self._epoch = -1
        self._start_s = 0.0
        self._next = 0
        self._told = -1

    @property
    def fps(self) -> float | None:
        """30."""
        return _FPS

    def open(self) -> None:
        """Load the portrait and begin the performance.

        Raises:
            SourceError: scikit-image, which has the portrait, is not installed.
        """
        try:
            # Only here: no other source needs synth, and the live path must start without it.
            from rtme.synth.demo import Performance

            self._performance = Performance(self._seed)
        except ImportError as error:
            raise SourceError(f"the demo cannot start ({error}): run `pip install 'rtme[demo]'`") from error
        except DataError as error:
            raise SourceError(f"the demo cannot start: {error}") from error
        self._epoch += 1
        self._next = 0
        self._told = -1
        self._performance.draw(0)  # the first frame costs more than the others: pay before the clock runs
        self._start_s = self._clock()

    def read(self) -> Frame | None:
        """The frame that is due now, or the next one when its time has come; None after ``seconds``."""
        if self._performance is None:
            raise SourceError("the demo is not open; call open() first")
        elapsed = self._clock() - self._start_s
        self._next = max(self._next, int(elapsed * _FPS))
        if self.frames_expected is not None and self._next >= self.frames_expected:
            return None
        wait = self._next / _FPS - elapsed
        if wait > 0:
            self._sleep(wait)
        index = self._next
        self._next += 1
        image = self._performance.draw(index)
        stamp = Stamp(self.name, self._epoch, index, time.monotonic_ns(), time.time_ns(), index / _FPS)
        return Frame(stamp, image)

    def close(self) -> None:
        """Release the portrait. Safe to call twice."""
        self._performance = None

    def truth_until(
        self, frame: int
    ) -> list[tuple[Literal["me", "macro", "blink", "speech", "head"], str, int, int]]:
        """What really happened.

        Args:
            frame: A frame number of this performance.

        Returns:
            What ended by this frame and was not told before, by last frame: what, label (action units and
            their size), first and last frame (inclusive). Empty while the source is closed.
        """
        performance = self._performance  # another thread may close the source meanwhile
        if performance is None or frame <= self._told:
            return []
        acts = range(max(0, self._told) // _ACT, frame // _ACT + 1)
        items = [item for act in acts for item in performance.truth(act) if self._told < item[3] <= frame]
        self._told = frame
        return items
