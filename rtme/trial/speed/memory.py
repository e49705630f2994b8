"""What the service holds in memory: against the number of streams, and against time.

Resident memory of the service's process (and a GPU's, where there is one and ``nvidia-smi`` tells), at each heartbeat.
The slope is a straight line through the second half of the long run, when everything has been loaded and every ring is full.
"""

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from rtme.settings import Settings
from rtme.trial.speed.feed import Feed
from rtme.trial.speed.service import Cost, Watched, run_service
from rtme.trial.speed.spread import Often, figure, repeat

_POINTS = 200  # of the long run, kept for the picture


def memory(
    feed: Feed,
    *,
    settings: Settings,
    most: int = 4,
    seconds: float = 15.0,
    minutes: float = 10.0,
    warm_up_s: float = 5.0,
    often: Often | None = None,
    on_progress: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """Run the bench.

    Args:
        feed: What sends the pictures.
        settings: Of the service.
        most: Streams at most.
        seconds: Of each run with so many streams, after warming up.
        minutes: Of the long run with one stream.
        warm_up_s: Before each.
        often: How often each number of streams is repeated.
        on_progress: Called with a word and the seconds of a run that are over.

    Raises:
        RtmeError: The service did not come up.
    """

    def run(count: int, length_s: float) -> Watched:
        tell = on_progress
        return run_service(
            feed.specs(count),
            feed.clip,
            length_s,
            settings=settings,
            warm_up_s=warm_up_s,
            on_beat=None if tell is None else lambda done: tell(f"{count} streams", done),
        )

    rows = []
    for count in range(1, most + 1):
        runs, enough = repeat(partial(run, count, seconds), _rss, often or Often(3, 5))
        devices = [_device(one.costs) for one in runs]
        known = [held for held in devices if held is not None]
        rows.append(
            {
                "streams": count,
                "enough": enough,
                "rss_mib": figure([one.rss_mib for one in runs], 0),
                "largest_rss_mib": round(max(cost.rss_mib for one in runs for cost in one.costs)),
                "device_mib": figure(known, 0) if known else None,
                "dropped": figure([one.dropped() for one in runs], 0),
            }
        )
    long = run(1, 60 * minutes)
    return {
        "what": f"{feed.what}, 640x480 H.264 at {feed.clip.fps} frames/s, runs of {seconds:g} s after {warm_up_s:g} s",
        "engine": long.engine,
        "rows": rows,
        "long": {"minutes": minutes, **_over_time(long.costs), "runs": 1},
    }


def _rss(watched: Watched) -> float:
    return watched.rss_mib


def _device(costs: Sequence[Cost]) -> float | None:
    known = [cost.device_mib for cost in costs if cost.device_mib is not None]
    return median(known) if known else None


def _over_time(costs: Sequence[Cost]) -> dict[str, Any]:
    """Memory of the long run, and how fast it grows."""
    late = costs[len(costs) // 2 :]
    slope = 0.0
    if len(late) > 1:
        slope = float(np.polyfit([cost.seconds for cost in late], [cost.rss_mib for cost in late], 1)[0])
    step = max(1, len(costs) // _POINTS)
    return {
        "first_mib": round(costs[0].rss_mib, 1),
        "last_mib": round(costs[-1].rss_mib, 1),
        "largest_mib": round(max(cost.rss_mib for cost in costs), 1),
        "mib_per_hour": round(3600 * slope, 1),
        "device_mib": _device(costs),
        "points": [[round(cost.seconds, 1), round(cost.rss_mib, 1)] for cost in costs[::step]],
    }
