"""How late events were over the last minute."""

import math
import threading
from collections import deque

from rtme.events import Percentiles

WINDOW_NS = 60_000_000_000
MOST = 20_000


class LatencyWindow:
    """Percentiles of one stream's ``system_ms`` over the last minute. Safe to use from several threads."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, float]] = deque(maxlen=MOST)
        self._lock = threading.Lock()

    def add(self, ms: float, now_ns: int) -> None:
        """Account for one event sent at ``now_ns`` (monotonic)."""
        with self._lock:
            self._samples.append((now_ns, ms))

    def percentiles(self, now_ns: int) -> Percentiles | None:
        """Nearest-rank percentiles, or None when nothing was sent in the last minute."""
        with self._lock:
            while self._samples and self._samples[0][0] <= now_ns - WINDOW_NS:
                self._samples.popleft()
            values = sorted(ms for _, ms in self._samples)
        if not values:
            return None

        def rank(share: float) -> float:
            return values[math.ceil(share * len(values)) - 1]

        return Percentiles(p50=rank(0.50), p95=rank(0.95), p99=rank(0.99), max=values[-1])
