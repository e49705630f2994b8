"""What the stages count, for the heartbeat."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Literal, Protocol

from rtme.bus.latency import LatencyWindow
from rtme.events import AnyEvent, Percentiles, StateEvent, StreamHealth

Stage = Literal["tracked", "encoded", "scored", "decided"]
"""What a frame has behind it; each is timed from the one before, waiting included, the first from the decoder."""

SourceState = Literal["connecting", "live", "stalled", "backoff", "ended"]


class Account(Protocol):
    """What the stages that read and track tell of their stream."""

    def state(self, event: StateEvent, publish: Callable[[AnyEvent], None]) -> None:
        """The source changed its state, and that is told. No state comes after ``ended``, from whichever thread."""

    def began(self, epoch: int, fps: float | None, expected: int | None) -> None:
        """An epoch's first frame is there, with the source's nominal rate and how many frames there will be."""

    def read(self) -> None:
        """A frame left the decoder."""

    def tracked(self, faces: int) -> None:
        """A frame went through the tracker."""

    def dropped(self, cause: str, count: int = 1) -> None:
        """Frames were lost or left out."""

    def took(self, stage: Stage, duration_ns: int) -> None:
        """A frame has this stage behind it, so long after the one before."""


class StreamAccount:
    """The running counts of one stream. Stages on several threads write, the heartbeat reads.

    Attributes:
        epoch: Of the newest frame; 0 before the first.
        fps: The source's nominal rate, None while unknown.
        expected: How many frames there will be, None while unknown.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self.fps: float | None = None
        self.expected: int | None = None
        self._lock = threading.Lock()
        self._state: SourceState = "connecting"
        self._frames = 0
        self._tracked = 0
        self._faces = 0
        self._drops: Counter[str] = Counter()
        self._skipped = 0
        self._reconnects = 0
        self._begun = False
        self._moved_ns = time.monotonic_ns()
        self._last = (time.monotonic(), 0)
        self._pipeline = LatencyWindow()
        self._stages: dict[Stage, LatencyWindow] = {
            "tracked": LatencyWindow(),
            "encoded": LatencyWindow(),
            "scored": LatencyWindow(),
            "decided": LatencyWindow(),
        }

    def state(self, event: StateEvent, publish: Callable[[AnyEvent], None]) -> None:
        """The source changed its state, and that is told. No state comes after ``ended``, from whichever thread."""
        with self._lock:
            if self._state != "ended":
                self._state = event.state
                self._moved_ns = time.monotonic_ns()
                publish(event)

    def began(self, epoch: int, fps: float | None, expected: int | None) -> None:
        """An epoch's first frame is there.

        Args:
            epoch: Its number.
            fps: The source's nominal rate, None: not known.
            expected: Frames that there will be, None: not known.
        """
        with self._lock:
            self._reconnects += self._begun
            self._begun = True
            self.epoch, self.fps, self.expected = epoch, fps, expected

    @property
    def frames(self) -> int:
        """Frames read so far."""
        return self._frames

    @property
    def idle_s(self) -> float:
        """Seconds since a frame went all the way or the state changed. Never waits, whoever holds the lock."""
        return (time.monotonic_ns() - self._moved_ns) / 1e9

    def read(self) -> None:
        """A frame left the decoder."""
        with self._lock:
            self._frames += 1

    def tracked(self, faces: int) -> None:
        """A frame went through the tracker."""
        with self._lock:
            self._tracked += 1
            self._faces = faces

    def dropped(self, cause: str, count: int = 1) -> None:
        """Frames were lost or left out."""
        with self._lock:
            self._drops[cause] += count

    def scored(self, capture_ns: int) -> None:
        """A frame that left the decoder at ``capture_ns`` has gone all the way."""
        self._moved_ns = now_ns = time.monotonic_ns()
        self._pipeline.add((now_ns - capture_ns) / 1e6, now_ns)

    def took(self, stage: Stage, duration_ns: int) -> None:
        """A frame has this stage behind it, so long after the one before."""
        self._stages[stage].add(duration_ns / 1e6, time.monotonic_ns())

    def skipped(self) -> None:
        """A window evaluation was skipped to keep up."""
        with self._lock:
            self._skipped += 1

    def report(self, system_ms: Percentiles | None, sent_ms: Percentiles | None = None) -> StreamHealth:
        """The stream's line in the heartbeat; the frame rate is since the last report.

        Args:
            system_ms: What the publisher measured.
            sent_ms: How long events waited to be sent, likewise.
        """
        now_ns = time.monotonic_ns()
        stages: dict[str, Percentiles | None] = {
            **{name: window.percentiles(now_ns) for name, window in self._stages.items()},
            "sent": sent_ms,
        }
        with self._lock:
            now = time.monotonic()
            then, then_tracked = self._last
            self._last = (now, self._tracked)
            return StreamHealth(
                state=self._state,
                frames=self._frames,
                fps=round((self._tracked - then_tracked) / max(now - then, 1e-6), 1),
                faces=self._faces,
                drops=dict(self._drops),
                skipped=self._skipped,
                reconnects=self._reconnects,
                pipeline_ms=self._pipeline.percentiles(time.monotonic_ns()),
                system_ms=system_ms,
                stages_ms={name: ms for name, ms in stages.items() if ms is not None} or None,
            )
