"""How many frames a second a recording is worked through, and how many live streams this machine carries.

The first is the whole of ``rtme.analyze``, loading included. For the second, 1, 2, 3… streams of one face are watched live
by one service until one of their frames is dropped, left out of scoring, or lost before the decoder. Processor and memory
are of the service alone; whatever sends the pictures runs on the same machine and takes its part.
"""

import time
from collections.abc import Callable
from typing import Any

from rtme.live.analysis import analyze
from rtme.settings import Settings
from rtme.trial.speed.clip import Clip
from rtme.trial.speed.feed import Feed
from rtme.trial.speed.service import Watched, run_service
from rtme.trial.speed.spread import Often, figure, repeat

Tell = Callable[[str, float], None]


def recorded(
    clip: Clip, *, settings: Settings, often: Often | None = None, on_progress: Tell | None = None
) -> dict[str, Any]:
    """Frames a second of a recording."""
    done = 0

    def once() -> dict[str, Any]:
        nonlocal done
        if on_progress is not None:
            on_progress("recording", done)
        done += 1
        began = time.perf_counter()
        report = analyze(clip.path, **_flags(settings)).report()
        return {"rate": report.frames / (time.perf_counter() - began), "report": report}

    once()  # the first run reads the libraries from the disk
    runs, enough = repeat(once, lambda run: run["rate"], often or Often(5, 9))
    report = runs[0]["report"]
    return {
        "what": f"rtme.analyze, 640x480 H.264 at {clip.fps} frames/s, one face; loading included; first run not counted",
        "engine": report.engine,
        "frames": report.frames,
        "enough": enough,
        "frames_per_second": figure([run["rate"] for run in runs], 1),
    }


def streams(
    feed: Feed,
    *,
    settings: Settings,
    most: int = 16,
    seconds: float = 20.0,
    warm_up_s: float = 5.0,
    often: Often | None = None,
    on_progress: Tell | None = None,
) -> dict[str, Any]:
    """Live streams until frames drop.

    Args:
        feed: What sends the pictures.
        settings: Of the service.
        most: Streams at most.
        seconds: Of each run, after warming up.
        warm_up_s: Before it.
        often: How often each number of streams is repeated; the spread that counts is that of the processor's load.
        on_progress: Called with a word and the seconds of a run that are over.

    Raises:
        RtmeError: The service did not come up.
    """
    rows: list[dict[str, Any]] = []
    engine = ""
    for count in range(1, most + 1):

        def once(count: int = count) -> Watched:
            tell = on_progress
            return run_service(
                feed.specs(count),
                feed.clip,
                seconds,
                settings=settings,
                warm_up_s=warm_up_s,
                on_beat=None
                if tell is None
                else lambda done: tell(f"{count} at {feed.clip.fps} frames/s", done),
            )

        runs, enough = repeat(once, lambda run: run.cpu_percent, often or Often(3, 5))
        engine = runs[-1].engine
        rows.append({"streams": count, "enough": enough, **_row(runs)})
        if not rows[-1]["held"]:
            break
    held = [row["streams"] for row in rows if row["held"]]
    return {
        "what": f"{feed.what}, 640x480 H.264 at {feed.clip.fps} frames/s, runs of {seconds:g} s after {warm_up_s:g} s",
        "fps": feed.clip.fps,
        "engine": engine,
        "streams_without_a_drop": max(held, default=0),
        "all_tried": rows[-1]["held"],
        "rows": rows,
    }


def _row(runs: list[Watched]) -> dict[str, Any]:
    """What so many streams cost."""
    losses = [run.dropped() + run.skipped() + sum(one.lost for one in run.counts.values()) for run in runs]
    pipelines = [[one.pipeline_ms for one in run.after.values() if one.pipeline_ms] for run in runs]
    p50 = [max(ms.p50 for ms in each) for each in pipelines if each]
    p95 = [max(ms.p95 for ms in each) for each in pipelines if each]
    return {
        "held": not any(losses),
        "runs_without_a_drop": sum(not loss for loss in losses),
        "frames": figure([run.read() for run in runs], 0),
        "dropped": figure([run.dropped() for run in runs], 0),
        "skipped": figure([run.skipped() for run in runs], 0),
        "lost": figure([sum(one.lost for one in run.counts.values()) for run in runs], 0),
        "read_per_second": figure([run.read() / run.seconds for run in runs], 1),
        "worst_pipeline_ms": {"p50": figure(p50), "p95": figure(p95)} if p50 else None,
        "cpu_percent": figure([run.cpu_percent for run in runs], 0),
        "rss_mib": figure([run.rss_mib for run in runs], 0),
    }


def _flags(settings: Settings) -> dict[str, Any]:
    return settings.model_dump(exclude={"bind", "source", "insecure"})
