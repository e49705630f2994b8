"""Whether the service stays as it is when it runs for long and things around it break.

The service runs as a process of its own over one source, in which micro-expressions are planted at known times. Meanwhile
the source and one of two subscribers are killed, started again and held still, at times drawn from a seed. At each heartbeat
its memory, descriptors and threads are looked at, and the 99th percentile of a frame's time in the service (over its
last minute) is taken. Compared are the first and the last tenth of the run after warming up, in which nothing is broken.

Planting costs a tracker of its own, in the same process: memory and times hold it, at the end as at the beginning.
"""

import heapq
import itertools
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import IO, Any

import numpy as np
import psutil

from rtme.bus.subscriber import Subscriber
from rtme.capture.urls import redact
from rtme.errors import RtmeError
from rtme.events import AnyEvent, HeartbeatEvent, IntervalEvent, StreamHealth
from rtme.score import Interval, match
from rtme.settings import Settings
from rtme.trial.speed.breaking import Fault, Victim, draw_faults, listener
from rtme.trial.take import RULES

RSS_PERCENT = 1.0
P99_PERCENT = 10.0

_UP_S = 120.0
_DOWN_S = 60.0
_POINTS = 400  # kept for the picture
_PARTS = 10


@dataclass(frozen=True, slots=True)
class Sample:
    """The service at one heartbeat, its processes together."""

    seconds: float
    rss_mib: float
    descriptors: int
    threads: int
    p99_ms: float | None


@dataclass(slots=True)
class _Run:
    """What one run gave; ``seconds`` count from the end of warming up."""

    samples: list[Sample] = field(default_factory=list)
    found: list[IntervalEvent] = field(default_factory=list)
    begun_ns: int = 0
    health: StreamHealth | None = None
    engine: str = ""
    backend: str = ""
    missed: int = 0
    exit_code: int | None = None
    report: dict[str, Any] = field(default_factory=dict)


def soak(
    spec: str,
    *,
    settings: Settings,
    minutes: float = 30.0,
    seed: int = 0,
    fault_every_s: float = 60.0,
    expression_every_s: float = 4.0,
    warm_up_s: float = 120.0,
    source: Victim | None = None,
    what: str | None = None,
    on_progress: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """Run the bench.

    Args:
        spec: Camera number, stream URL, or a file, which is played round and round as a camera would send it.
        settings: Of the service.
        minutes: After warming up.
        seed: Of the faults and of what is planted.
        fault_every_s: Mean time from one fault to the next.
        expression_every_s: Mean time from one planted expression to the next.
        warm_up_s: Before it, counted from the first frame.
        source: What sends the pictures and can be broken; None breaks them off inside the service.
        what: The source, for people; None names ``spec``.
        on_progress: Called with a word and the seconds that are over.

    Raises:
        RtmeError: The service did not come up, or ended by itself.
    """
    seconds = 60 * minutes
    faults = draw_faults(seed, seconds, fault_every_s)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    wanted = {**settings.model_dump(mode="json", exclude={"source"}), "bind": address}
    run = _Run()
    with tempfile.TemporaryDirectory() as folder, Subscriber(address) as subscriber:
        report = Path(folder) / "report.json"
        command = [
            sys.executable,
            "-m",
            "rtme.trial.speed.soak_serve",
            spec,
            "--settings",
            json.dumps(wanted),
        ]
        command += ["--every", str(expression_every_s), "--seed", str(seed), "--report", str(report)]
        service = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
        assert service.stdin is not None
        other = listener(address)
        victims: dict[str, Victim] = {"source": source or _Words(service.stdin), "subscriber": other}
        other.start()
        try:
            _watch(service, subscriber, run, faults, victims, seconds, warm_up_s, on_progress)
            run.missed = subscriber.missed
            _end(service, run)
        finally:
            other.thaw()
            other.kill()
            if service.poll() is None:
                service.kill()
            with suppress(OSError):
                service.stdin.close()
            service.wait(_DOWN_S)
        if report.exists():
            run.report = json.loads(report.read_text(encoding="utf-8"))
    return _result(run, faults, what or redact(spec), minutes, seed, warm_up_s)


class _Words:
    """Breaks the source inside the service, by words on its input."""

    def __init__(self, door: IO[str]) -> None:
        self._door = door

    def kill(self) -> None:
        self._say("kill")

    def start(self) -> None:
        self._say("start")

    def freeze(self) -> None:
        self._say("freeze")

    def thaw(self) -> None:
        self._say("thaw")

    def _say(self, word: str) -> None:
        self._door.write(f"{word}\n")
        self._door.flush()


def _watch(
    service: subprocess.Popen[str],
    subscriber: Subscriber,
    run: _Run,
    faults: Sequence[Fault],
    victims: dict[str, Victim],
    seconds: float,
    warm_up_s: float,
    on_progress: Callable[[str, float], None] | None,
) -> None:
    process = psutil.Process(service.pid)
    due = _actions(faults, victims)
    came = time.monotonic()
    live_since: float | None = None
    while True:
        if service.poll() is not None or (live_since is None and time.monotonic() - came > _UP_S):
            raise RtmeError("the service of the soak does not run: its own message stands above")
        event = subscriber.receive(0.2)
        if live_since is not None:
            done_s = time.monotonic() - live_since - warm_up_s
            while due and due[0][0] <= done_s:
                heapq.heappop(due)[2]()
        if isinstance(event, IntervalEvent) and event.status == "closed":
            run.found.append(event)
        if not isinstance(event, HeartbeatEvent):
            continue
        (run.health,) = event.streams.values()
        run.engine, run.backend = event.engine, event.backend or ""
        if live_since is None:
            if run.health.frames:
                live_since = time.monotonic()
                run.begun_ns = time.monotonic_ns() + round(warm_up_s * 1e9)
            continue
        done_s = time.monotonic() - live_since - warm_up_s
        run.samples.append(_sample(process, done_s, event))
        if on_progress is not None:
            on_progress("seconds after warming up", done_s)
        if done_s >= seconds:
            return


def _actions(
    faults: Sequence[Fault], victims: dict[str, Victim]
) -> list[tuple[float, int, Callable[[], None]]]:
    """What is done when, as a heap."""
    heap: list[tuple[float, int, Callable[[], None]]] = []
    order = itertools.count()
    for fault in faults:
        whom, how = fault.kind.split()
        victim = victims[whom]
        begin, end = (victim.kill, victim.start) if how == "killed" else (victim.freeze, victim.thaw)
        heap.append((fault.at_s, next(order), begin))
        heap.append((fault.at_s + fault.lasts_s, next(order), end))
    heapq.heapify(heap)
    return heap


def _sample(process: psutil.Process, seconds: float, beat: HeartbeatEvent) -> Sample:
    rss, descriptors, threads = 0, 0, 0
    for one in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            rss += one.memory_info().rss
            descriptors += one.num_fds()
            threads += one.num_threads()
    (health,) = beat.streams.values()
    p99 = health.pipeline_ms.p99 if health.pipeline_ms else None
    return Sample(round(seconds, 1), rss / 2**20, descriptors, threads, p99)


def _end(service: subprocess.Popen[str], run: _Run) -> None:
    """Let it end as it does at Ctrl-C."""
    assert service.stdin is not None
    service.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        run.exit_code = service.wait(_DOWN_S)


def _result(
    run: _Run, faults: Sequence[Fault], what: str, minutes: float, seed: int, warm_up_s: float
) -> dict[str, Any]:
    samples = [sample for sample in run.samples if sample.seconds >= 0]
    length = 60 * minutes / _PARTS
    first = [sample for sample in samples if sample.seconds < length]
    last = [sample for sample in samples if sample.seconds >= (_PARTS - 1) * length]
    step = max(1, len(samples) // _POINTS)
    compared = {name: _ends(first, last, name) for name in ("rss_mib", "p99_ms", "descriptors", "threads")}
    health = run.health
    slope = (
        np.polyfit([s.seconds for s in samples], [s.rss_mib for s in samples], 1)[0]
        if len(samples) > 1
        else 0
    )
    return {
        "what": f"{what}, one stream, {minutes:g} minutes after {warm_up_s:g} s, seed {seed}",
        "engine": run.engine,
        "backend": run.backend,
        "minutes": minutes,
        "seed": seed,
        "faults": [[fault.at_s, fault.kind, fault.lasts_s] for fault in faults],
        "compared": compared,
        "rss_mib_per_hour": round(3600 * float(slope), 2),
        "largest_rss_mib": round(max(sample.rss_mib for sample in samples), 1),
        "frames": health.frames if health else 0,
        "drops": dict(health.drops) if health else {},
        "reconnects": health.reconnects if health else 0,
        "missed_by_subscriber": run.missed,
        "exit_code": run.exit_code,
        "accuracy": _accuracy(run, length),
        "verdict": _verdict(compared, run),
        "points": [
            [
                s.seconds,
                round(s.rss_mib, 1),
                s.descriptors,
                s.threads,
                None if s.p99_ms is None else round(s.p99_ms, 2),
            ]
            for s in samples[::step]
        ],
    }


def _ends(first: Sequence[Sample], last: Sequence[Sample], name: str) -> list[float | None]:
    """Medians of the first and the last tenth; None where there is nothing."""
    found: list[float | None] = []
    for part in (first, last):
        values = [value for sample in part if (value := getattr(sample, name)) is not None]
        found.append(round(median(values), 2) if values else None)
    return found


def _verdict(compared: dict[str, list[float | None]], run: _Run) -> list[dict[str, Any]]:
    """Each demand, what was measured, and whether it was met; no figure is no success."""

    def percent(name: str, most: float) -> tuple[str, bool]:
        before, after = compared[name]
        if before is None or after is None:
            return "not measured", False
        grown = 100 * (after - before) / before
        return f"{grown:+.2f} % ({before:g} to {after:g})", grown <= most

    def leaked(name: str) -> tuple[str, bool]:
        before, after = compared[name]
        if before is None or after is None:
            return "not measured", False
        return f"{after - before:+g} ({before:g} to {after:g})", after <= before

    state = run.health.state if run.health else "never there"
    demands = [
        (f"memory grows by less than {RSS_PERCENT:g} %", *percent("rss_mib", RSS_PERCENT)),
        (f"p99 of a frame rises by no more than {P99_PERCENT:g} %", *percent("p99_ms", P99_PERCENT)),
        ("no descriptor is leaked", *leaked("descriptors")),
        ("no thread is leaked", *leaked("threads")),
        ("the source is live at the end", state, state == "live"),
        ("the subscriber that nobody broke missed no event", str(run.missed), run.missed == 0),
        ("the service ends well", f"exit code {run.exit_code}", run.exit_code == 0),
    ]
    return [{"what": what, "measured": measured, "met": met} for what, measured, met in demands]


def _accuracy(run: _Run, length_s: float) -> list[dict[str, int]]:
    """Of each tenth: expressions planted, those found, and alarms where nothing was planted."""
    planted = run.report.get("planted", [])
    truth = [Interval(str(epoch), onset, offset, "me") for epoch, onset, offset, _ in planted]
    spoiled = [(epoch, first, last) for epoch, first, last in run.report.get("abandoned", [])]
    events = [event for event in run.found if event.type == "me" and not _in_any(event, spoiled)]
    said = [Interval(str(e.epoch), e.onset.frame, e.offset.frame, "me") for e in events]
    pairs = match(truth, said, RULES)
    shown, found, wrong = Counter[int](), Counter[int](), Counter[int]()

    def part(capture_ns: int) -> int:
        return int((capture_ns - run.begun_ns) / 1e9 // length_s)

    right_truth, right_said = {place for place, _ in pairs}, {place for _, place in pairs}
    for place, (_, _, _, capture_ns) in enumerate(planted):
        shown[part(capture_ns)] += 1
        found[part(capture_ns)] += place in right_truth
    for place, event in enumerate(events):
        wrong[part(event.onset.capture_ns)] += place not in right_said
    return [{"planted": shown[n], "found": found[n], "false_alarms": wrong[n]} for n in range(_PARTS)]


def _in_any(event: AnyEvent, spoiled: Sequence[tuple[int, int, int]]) -> bool:
    assert isinstance(event, IntervalEvent)
    return any(
        event.epoch == epoch and event.onset.frame <= last and first <= event.offset.frame
        for epoch, first, last in spoiled
    )
