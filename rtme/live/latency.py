"""How long things took over the last minute."""

import threading
import time
from collections import deque

import numpy as np

from rtme.events import Percentiles


class LatencyAccount:
    """Milliseconds with the time at which they were seen; older than ``span_s`` is forgotten."""

    def __init__(self, span_s: float = 60.0, most: int = 8192) -> None:
        self._span_s = span_s
        self._seen: deque[tuple[float, float]] = deque(maxlen=most)
        self._lock = threading.Lock()

    def add(self, milliseconds: float) -> None:
        """Note one measurement."""
        with self._lock:
            self._seen.append((time.monotonic(), milliseconds))

    def percentiles(self) -> Percentiles | None:
        """p50, p95, p99 and max of the span, None when it is empty."""
        since = time.monotonic() - self._span_s
        with self._lock:
            values = [ms for seen, ms in self._seen if seen >= since]
        if not values:
            return None
        p50, p95, p99 = np.percentile(values, [50, 95, 99])
        return Percentiles(
            p50=round(float(p50), 2), p95=round(float(p95), 2), p99=round(float(p99), 2), max=round(max(values), 2)
        )
