"""Seconds since the epoch's first frame: which clock to believe."""

import math
from collections import deque

# A stream's own time may differ so much from the capture clock before it is doubted: network jitter is less.
_TOLERANCE_S = 0.25
# What FFmpeg probed arrives at once when a stream opens or catches up: early frames are then no surprise.
_SETTLE_S = 1.0
_BURST_S = 0.6
# Late frames mostly come in a burst after a hiccup of the network, and their own time is right.
_PATIENCE_S = 1.0
# Three thousand years. What is beyond is no time, and floats there are too coarse to grow by a frame.
_LARGEST_S = 1e11
# Crystals differ by some ten parts in a million, bad ones by hundreds.
_DRIFT = 1e-3
# A stream that jumps this often, this fast, does not know what time it is.
_JUMPS = 3
_JUMPS_WITHIN_S = 60.0


class MediaClock:
    """Tells the time of one epoch's frames.

    A file's own time is right by definition. A live stream's own time (RTP) is even where arrival jitters, so
    it is preferred as long as it keeps step with the capture clock; when it leaps, stands still or runs at a
    wrong rate, time goes on by the capture clock and the stream's own is anchored anew. A frame without a time
    of its own has the capture clock's.

    Attributes:
        jump_s: How far the last frame's time was moved against the stream's own because that could not be
            true; 0.0 when it was not moved.
    """

    def __init__(self, *, live: bool) -> None:
        """``live`` False believes every pts."""
        self.jump_s = 0.0
        self._live = live
        self._last: float | None = None
        self._last_pts: float | None = None
        self._last_capture = 0.0
        # Where pts and capture clock met, and the media time there.
        self._anchor_pts = 0.0
        self._anchor_time = 0.0
        self._anchor_capture = 0.0
        self._anchored_at = 0.0
        self._burst_left = 0.0
        self._late_since: float | None = None
        self._jumps: deque[float] = deque(maxlen=_JUMPS)
        self._believed = True

    def time(self, pts_s: float | None, capture_ns: int) -> float:
        """Seconds since the first frame of this epoch; call once per frame, in order.

        Args:
            pts_s: The stream's own time, None where it has none.
            capture_ns: Monotonic clock when the frame left the decoder.

        Returns:
            Finite, 0.0 for the first frame, and greater with every frame.
        """
        capture = capture_ns * 1e-9
        # NaN is not below anything.
        pts = pts_s if pts_s is not None and abs(pts_s) < _LARGEST_S and self._believed else None
        self.jump_s = 0.0
        if self._last is None:
            time = 0.0
            self._anchor(pts, time, capture)
        else:
            time = max(self._following(pts, capture), math.nextafter(self._last, math.inf))
        self._last = time
        self._last_pts = pts
        self._last_capture = max(capture, self._last_capture)
        return time

    def _following(self, pts: float | None, capture: float) -> float:
        by_capture = self._anchor_time + max(0.0, capture - self._anchor_capture)
        if pts is None or self._last_pts is None:
            self._anchor(pts, by_capture, capture)
            return by_capture
        by_pts = self._anchor_time + (pts - self._anchor_pts)
        if (
            pts > self._last_pts
            and math.isfinite(by_pts)
            and (not self._live or self._plausible(pts, capture))
        ):
            return by_pts
        self._anchor(pts, by_capture, capture)
        if math.isfinite(by_pts) and abs(by_capture - by_pts) > _TOLERANCE_S:
            self._jumped(by_capture - by_pts, capture)
        return by_capture

    def _plausible(self, pts: float, capture: float) -> bool:
        late = (capture - self._anchor_capture) - (pts - self._anchor_pts)
        if late < 0 and capture - self._anchored_at < _SETTLE_S:
            burst = min(-late, self._burst_left)
            self._burst_left -= burst
            self._anchor_capture -= burst
            late += burst
        if late < -_TOLERANCE_S:
            return False
        if late <= _TOLERANCE_S:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = capture
        elif capture - self._late_since > _PATIENCE_S:
            return False
        most = _DRIFT * max(0.0, capture - self._last_capture)
        self._anchor_capture += min(max(late, -most), most)
        return True

    def _anchor(self, pts: float | None, time: float, capture: float) -> None:
        self._anchor_pts = 0.0 if pts is None else pts
        self._anchor_time = time
        self._anchor_capture = capture
        self._anchored_at = capture
        self._burst_left = _BURST_S
        self._late_since = None

    def _jumped(self, by: float, capture: float) -> None:
        self.jump_s = by
        self._jumps.append(capture)
        if len(self._jumps) == _JUMPS and capture - self._jumps[0] < _JUMPS_WITHIN_S:
            self._believed = False
