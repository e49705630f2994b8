"""Frames and times. This is the one place that converts.

Frames are counted from 0, and an interval's last frame belongs to it. Other programs mark stretches of time: from where the
first frame begins to where the last frame **ends**, in whole milliseconds.
"""

import math


def edges_ms(first: int, last: int, fps: float) -> tuple[int, int]:
    """When the first frame begins and the last one ends; at least a millisecond apart, as no program marks less."""
    begin = round(1000 * first / fps)
    return begin, max(begin + 1, round(1000 * (last + 1) / fps))


def frames(begin_ms: float, end_ms: float, fps: float) -> tuple[int, int]:
    """First and last frame of a stretch of time, whose ends are taken to the nearest edges of frames.

    What :func:`edges_ms` gave comes back, up to 500 frames per second.
    """
    first, end = (math.floor(ms * fps / 1000 + 0.5) for ms in (begin_ms, end_ms))
    return first, max(first, end - 1)
