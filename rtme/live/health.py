"""What the stages count, for the heartbeat."""

import threading
import time
from collections import Counter
from typing import Literal

from rtme.events import StreamHealth
from rtme.live.latency import LatencyAccount

SourceState = Literal["connecting", "live", "stalled", "backoff", "ended"]


class StreamAccount:
    """The running counts of one stream. Stages on several threads write, the heartbeat reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: SourceState = "connecting"
        self._frames = 0
        self._faces = 0
        self._drops: Counter[str] = Counter()
        self._skipped = 0
        self._reconnects = 0
        self._last = (time.monotonic(), 0)
        self.latency = LatencyAccount()

    def state(self, state: SourceState) -> None:
        """The source changed its state."""
        with self._lock:
            self._state = state

    def tracked(self, faces: int) -> None:
        """A frame went through the tracker."""
        with self._lock:
            self._frames += 1
            self._faces = faces

    def dropped(self, cause: str, count: int = 1) -> None:
        """Frames were lost or left out."""
        with self._lock:
            self._drops[cause] += count

    def skipped(self) -> None:
        """A window evaluation was skipped to keep up."""
        with self._lock:
            self._skipped += 1

    def reconnected(self) -> None:
        """A new epoch began."""
        with self._lock:
            self._reconnects += 1

    def report(self) -> StreamHealth:
        """The stream's line in the heartbeat; the frame rate is since the last report."""
        with self._lock:
            now = time.monotonic()
            then, frames_then = self._last
            self._last = (now, self._frames)
            return StreamHealth(
                state=self._state,
                frames=self._frames,
                fps=round((self._frames - frames_then) / max(now - then, 1e-6), 1),
                faces=self._faces,
                drops=dict(self._drops),
                skipped=self._skipped,
                reconnects=self._reconnects,
                system_ms=self.latency.percentiles(),
            )
