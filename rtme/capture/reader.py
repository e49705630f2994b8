"""Keeps one source going: connects, reads, notices silence, waits and connects again."""

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rtme.capture.frame import Frame
from rtme.capture.source import PermanentSourceError, Source
from rtme.errors import SourceError

State = Literal["connecting", "live", "stalled", "backoff", "ended"]


@dataclass(frozen=True, slots=True)
class StateChange:
    """A source went over to another state.

    Attributes:
        state: ``connecting``: about to open. ``live``: the next step gives its first frame. ``stalled``: no
            frame for too long. ``backoff``: waiting to connect again. ``ended``: nothing will come any more.
        epoch: Epoch of the newest frame; 0 before the first.
        detail: Why, for people; holds no credentials.
        error: What made it end, for people; None when it ended well.
    """

    state: State
    epoch: int = 0
    detail: str = ""
    error: str | None = None


class Reader:
    """The state machine around one source. No thread inside: call :meth:`step` in a loop.

    A live source is connected again for ever, unless trying is no use from the start (a wrong password, no
    such camera) or ``max_attempts`` is set. A file is opened once. The stall watch needs no thread of its own
    because each read has a limit of two seconds; for a camera driver that blocks longer, :attr:`silent_s` may
    be read from any thread.

    Example:
        >>> reader = Reader(RtspSource("rtsp://10.0.0.7/live"))
        >>> while reader.state != "ended":
        ...     item = reader.step(0.2)  # a Frame, a StateChange, or None after 0.2 s of waiting
    """

    def __init__(
        self,
        source: Source,
        *,
        reconnect: bool | None = None,
        max_attempts: int | None = None,
        stall_s: float = 1.5,
        backoff_s: tuple[float, float] = (0.5, 10.0),
        return_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Nothing is opened yet.

        Args:
            source: What to read.
            reconnect: Connect again when it breaks or ends; None: a live source does, unless it says how
                many frames it will give; a file does not.
            max_attempts: Give up after so many failures without a frame between them; None: never.
            stall_s: A source that breaks after a silence of this length is told to have stalled.
            backoff_s: First and longest wait before connecting again; doubles with each failure.
            return_s: Longest wait instead for a source that gave frames before: it is known to be there, and what
                happens until it is seen again is lost. Not where it refuses us, which may lock a camera's account.
            clock: Seconds on a clock that never goes back.
            sleep: Waits so many seconds of that clock.
            jitter: Uniform in [0, 1): shortens a wait by up to half, so that many cameras behind one switch
                do not all come back at the same instant.
        """
        self.source = source
        self.state: State | None = None
        endless = source.live and source.frames_expected is None
        self._reconnect = endless if reconnect is None else reconnect
        self._max_attempts = max_attempts
        self._stall_s = stall_s
        self._first_wait, self._longest_wait = backoff_s
        self._return_wait = return_s
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._queue: deque[StateChange | Frame] = deque()
        self._open = False
        self._epoch = 0
        self._delivered = False
        self._failures = 0
        self._retry_at = 0.0
        self._heard_at = clock()

    @property
    def silent_s(self) -> float:
        """Seconds since the last frame, or since the last connecting where none came yet."""
        return self._clock() - self._heard_at

    def step(self, timeout_s: float) -> Frame | StateChange | None:
        """Do the next thing.

        Args:
            timeout_s: Longest wait while in backoff. Opening and reading have the source's own limits.

        Returns:
            A frame, a change of state, or None when there is nothing yet (or never again: state ``ended``).
        """
        if not self._queue and self.state != "ended":
            self._advance(timeout_s)
        if not self._queue:
            return None
        item = self._queue.popleft()
        if isinstance(item, StateChange):
            self.state = item.state
        return item

    def close(self) -> None:
        """Release the source; the state becomes ``ended``. Safe to call twice."""
        self._queue.clear()
        self._open = False
        self.state = "ended"
        self.source.close()

    def _advance(self, timeout_s: float) -> None:
        if self.state == "backoff":
            wait = self._retry_at - self._clock()
            if wait > 0:
                self._sleep(min(wait, timeout_s))
            if self._clock() < self._retry_at:
                return
        if self.state in (None, "backoff"):
            self._heard_at = self._clock()
            self._tell("connecting", self.source.name)
            return
        try:
            if not self._open:
                self.source.open()
                self._open = True
            frame = self.source.read()
        except SourceError as error:
            self._failed(error)
            return
        if frame is not None:
            self._deliver(frame)
        elif self._reconnect:
            self._failed(SourceError(f"{self.source.name} ended the stream"))
        else:
            self._end("end of the stream", None)

    def _deliver(self, frame: Frame) -> None:
        self._heard_at = self._clock()
        self._epoch = frame.stamp.epoch
        self._failures = 0
        self._delivered = True
        if self.state != "live":
            self._tell("live")
        self._queue.append(frame)

    def _failed(self, error: SourceError) -> None:
        self._failures += 1
        hopeless = isinstance(error, PermanentSourceError) and not self._delivered
        worn_out = self._max_attempts is not None and self._failures >= self._max_attempts
        if hopeless or worn_out or not self._reconnect:
            self._end(str(error), str(error))
            return
        if self.state == "live" and self.silent_s >= self._stall_s:
            self._tell("stalled", str(error))
        self._shut()
        known = self._delivered and not isinstance(error, PermanentSourceError)
        most = min(self._longest_wait, self._return_wait) if known else self._longest_wait
        longest = min(most, self._first_wait * 2 ** min(self._failures - 1, 30))
        wait = max(self._first_wait, longest * (1 - self._jitter() / 2))
        self._retry_at = self._clock() + wait
        self._tell("backoff", f"{error}; trying again in {wait:.1f} s")

    def _end(self, detail: str, error: str | None) -> None:
        self._shut()
        self._queue.append(StateChange("ended", self._epoch, detail, error))

    def _tell(self, state: State, detail: str = "") -> None:
        self._queue.append(StateChange(state, self._epoch, detail))

    def _shut(self) -> None:
        self._open = False
        self.source.close()
