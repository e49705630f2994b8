"""How late events are, stage by stage, and how long after a micro-expression its events come.

A clip whose pictures carry their own number goes through the whole service, which runs as a process of its own, to a
subscriber in this one. All clocks are the monotonic clock of one machine. What is measured:

* ``decoded``: from a picture being sent, which its number tells, to its leaving the decoder. Sender, network and, for RTSP,
  the one frame that FFmpeg holds back are in it. A camera's own exposure and encoding are not: there is none.
* ``tracked``, ``encoded``, ``scored``, ``decided``, ``sent``: each from the one before, waiting included, as the service's
  heartbeat has it over its last minute.
* ``received``: from the socket of the service to the subscriber, parsed.
* ``pipeline_ms`` and ``system_ms``: as the heartbeat and the events have them.
* From the first and from the last frame of a planted micro-expression (the moment it left the decoder) to its provisional,
  confirmed and closed event at the subscriber. The look-ahead, waiting by design, is in these and stands apart as well.
* ``lost``: pictures that were sent and never decoded, by the holes in the numbers.
"""

from collections.abc import Callable, Sequence
from typing import Any

from rtme.events import IntervalEvent, Mark, SpeakerEvent
from rtme.score import Interval, match
from rtme.settings import Settings
from rtme.trial.speed.feed import Feed
from rtme.trial.speed.service import Counts, Watched, run_service
from rtme.trial.speed.spread import Often, figure, percentiles, repeat
from rtme.trial.take import RULES

STAGES = ("decoded", "tracked", "encoded", "scored", "decided", "sent", "received")
RANKS = ("p50", "p95", "p99", "max")
STATUSES = ("provisional", "confirmed", "closed")

_EDGE_S = 1.5  # what is planted so near to a run's ends may be seen in part only


def latency(
    feed: Feed,
    *,
    settings: Settings,
    seconds: float = 60.0,
    warm_up_s: float = 5.0,
    often: Often | None = None,
    on_progress: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """Run the bench with one stream.

    Args:
        feed: What sends the pictures.
        settings: Of the service.
        seconds: Of each run, after warming up.
        warm_up_s: Before it.
        often: How often it is repeated; the spread that counts is that of the median pipeline time.
        on_progress: Called with a word and the seconds of a run that are over.

    Raises:
        RtmeError: The service did not come up.
    """

    def once() -> dict[str, Any]:
        tell = on_progress
        watched = run_service(
            feed.specs(1),
            feed.clip,
            seconds,
            settings=settings,
            warm_up_s=warm_up_s,
            keep=True,
            on_beat=None if tell is None else lambda done: tell("one stream", done),
        )
        return _of(watched, feed)

    runs, enough = repeat(once, lambda run: run["pipeline_ms"]["p50"], often or Often())
    delays = [delay for run in runs for delay in run["delays"]]
    return {
        "what": f"{feed.what}, 640x480 H.264 at {feed.clip.fps} frames/s, runs of {seconds:g} s after {warm_up_s:g} s",
        "engine": runs[-1]["engine"],
        "backend": settings.backend,
        "threads": settings.threads,
        "enough": enough,
        "stages_ms": {stage: _ranks([run["stages_ms"].get(stage) for run in runs]) for stage in STAGES},
        "pipeline_ms": _ranks([run["pipeline_ms"] for run in runs]),
        "system_ms": _ranks([run["system_ms"] for run in runs]),
        "look_ahead_ms": sorted({ms for run in runs for ms in run["look_ahead_ms"]}),
        "expressions": {
            "planted": sum(run["planted"] for run in runs),
            "found": len(delays),
            "from_onset_ms": {
                s: percentiles([d["onset"][s] for d in delays if s in d["onset"]]) for s in STATUSES
            },
            "from_offset_ms": {
                s: percentiles([d["offset"][s] for d in delays if s in d["offset"]]) for s in STATUSES
            },
            "duration_ms": percentiles([d["duration"] for d in delays]),
        },
        "frames": figure([run["frames"] for run in runs], 0),
        "dropped": figure([run["dropped"] for run in runs], 0),
        "skipped": figure([run["skipped"] for run in runs], 0),
        "lost": figure([run["lost"] for run in runs], 0),
        "unreadable": sum(run["unreadable"] for run in runs),
        "missed_by_subscriber": sum(run["missed"] for run in runs),
        "rss_mib": figure([run["rss_mib"] for run in runs], 0),
        "cpu_percent": figure([run["cpu_percent"] for run in runs], 0),
        "first_face_s": figure(
            [run["first_face_s"] for run in runs if run["first_face_s"] is not None] or [0.0]
        ),
    }


def _of(watched: Watched, feed: Feed) -> dict[str, Any]:
    """One run."""
    ((name, counts),) = watched.counts.items()
    health = watched.after[name]
    timed = [
        (event, got)
        for event, got in watched.during()
        if isinstance(event, IntervalEvent | SpeakerEvent) and event.at and event.system_ms is not None
    ]
    stages: dict[str, Any] = {
        "decoded": percentiles(_sent_to_decoded(feed, counts, watched.warm_ns)),
        **{stage: ms.model_dump() for stage, ms in (health.stages_ms or {}).items()},
        "received": percentiles([_received_ms(event, got) for event, got in timed]),
    }
    planted, delays = _delays(watched, counts, feed)
    return {
        "engine": watched.engine,
        "stages_ms": stages,
        "pipeline_ms": health.pipeline_ms.model_dump() if health.pipeline_ms else dict.fromkeys(RANKS, 0.0),
        "system_ms": percentiles([event.system_ms for event, _ in timed if event.system_ms is not None]),
        "look_ahead_ms": sorted(
            {e.algorithmic_ms for e, _ in timed if isinstance(e, IntervalEvent) and e.algorithmic_ms}
        ),
        "planted": planted,
        "delays": delays,
        "frames": watched.read(),
        "dropped": watched.dropped(),
        "skipped": watched.skipped(),
        "lost": counts.lost,
        "unreadable": counts.unreadable,
        "missed": watched.missed,
        "rss_mib": watched.rss_mib,
        "cpu_percent": watched.cpu_percent,
        "first_face_s": watched.first_face_s,
    }


def _received_ms(event: IntervalEvent | SpeakerEvent, got_ns: int) -> float:
    """From the event being handed to the socket to its being read and parsed."""
    assert event.at is not None
    return (got_ns - event.at.capture_ns) / 1e6 - (event.system_ms or 0.0)


def _sent_to_decoded(feed: Feed, counts: Counts, since_ns: int) -> list[float]:
    """From each picture being sent to its leaving the decoder, milliseconds."""
    began_ns = feed.began_ns(counts)
    if began_ns is None:
        return []
    period_ns = 1e9 / feed.clip.fps
    found = []
    for _, _, number, capture_ns in counts.frames:
        if capture_ns < since_ns:
            continue
        # The newest picture sent until then that shows this number.
        newest = int((capture_ns - began_ns) // period_ns)
        sent = newest - (newest - number) % feed.clip.n_frames
        found.append((capture_ns - began_ns - sent * period_ns) / 1e6)
    return found


def _delays(watched: Watched, counts: Counts, feed: Feed) -> tuple[int, list[dict[str, Any]]]:
    """How many micro-expressions were shown, and the delays of those that were found."""
    clip = feed.clip
    epoch = counts.frames[-1][0] if counts.frames else 0
    shown = {number: capture for e, _, number, capture in counts.frames if e == epoch}
    number_of = {frame: number for e, frame, number, _ in counts.frames if e == epoch}
    if not shown:
        return 0, []
    edge = round(_EDGE_S * clip.fps)
    first, last = min(shown) + edge, max(shown) - edge
    truth = [
        Interval("clip", one.onset + lap * clip.n_frames, one.offset + lap * clip.n_frames, "me")
        for lap in range(last // clip.n_frames + 1)
        for one in clip.truth
    ]
    truth = [
        one
        for one in truth
        if first <= one.onset and one.offset <= last and {one.onset, one.offset} <= shown.keys()
    ]
    events: dict[str, dict[str, tuple[IntervalEvent, int]]] = {}
    for event, got in watched.events:
        if isinstance(event, IntervalEvent) and event.epoch == epoch:
            events.setdefault(event.id, {}).setdefault(event.status, (event, got))
    closed = [
        (by_status, by_status["closed"][0])
        for by_status in events.values()
        if "closed" in by_status and by_status["closed"][0].type == "me"
    ]
    closed = [one for one in closed if _known(one[1].onset, number_of) and _known(one[1].offset, number_of)]
    found = [Interval("clip", number_of[e.onset.frame], number_of[e.offset.frame], "me") for _, e in closed]
    delays = []
    for place, said in match(truth, found, RULES):
        onset, offset = shown[truth[place].onset], shown[truth[place].offset]
        by_status = closed[said][0]
        times = {status: by_status[status][1] for status in STATUSES if status in by_status}
        delays.append(
            {
                "onset": {status: (got - onset) / 1e6 for status, got in times.items()},
                "offset": {status: (got - offset) / 1e6 for status, got in times.items()},
                "duration": (offset - onset) / 1e6,
            }
        )
    return len(truth), delays


def _known(mark: Mark, number_of: dict[int, int]) -> bool:
    return mark.frame in number_of


def _ranks(runs: Sequence[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Each percentile over the runs."""
    known = [run for run in runs if run]
    return {rank: figure([run[rank] for run in known]) for rank in RANKS} if known else None
