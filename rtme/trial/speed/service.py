"""Watches the service as a user's program would: another process, which subscribes and looks at what it costs."""

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil

from rtme.bus.subscriber import Subscriber
from rtme.errors import RtmeError
from rtme.events import AnyEvent, FaceEvent, HeartbeatEvent, StreamHealth
from rtme.settings import Settings
from rtme.trial.speed.clip import Clip
from rtme.trial.speed.machine import device_mib

_UP_S = 120.0  # a GPU backend may build its engine first
_DOWN_S = 60.0


@dataclass(frozen=True, slots=True)
class Counts:
    """What was read from the pictures of one stream.

    Attributes:
        lost: Pictures that never left the decoder.
        unreadable: Pictures without a number.
        began_ns: Monotonic time of picture 0, where the source knows it.
        frames: Epoch, frame, number and ``capture_ns`` of each picture, where they were kept.
    """

    lost: int
    unreadable: int
    began_ns: int | None
    frames: list[tuple[int, int, int, int]]


@dataclass(frozen=True, slots=True)
class Cost:
    """What the service took at one heartbeat; MiB, ``device_mib`` None without a GPU."""

    seconds: float
    rss_mib: float
    device_mib: float | None


@dataclass(slots=True)
class Watched:
    """One run of the service.

    Attributes:
        seconds: Between warming up and the end.
        events: Every event with the monotonic time at which it was received.
        before: The streams' health when warming up was over.
        after: At the end.
        costs: At each heartbeat from then on.
        cpu_percent: Of one core, meanwhile.
        first_face_s: From the start of the process to its first event about a face.
        missed: Events that never arrived.
        engine: Name and version.
        backend: What runs it.
        counts: What the pictures themselves said, by stream.
    """

    seconds: float = 0.0
    events: list[tuple[AnyEvent, int]] = field(default_factory=list)
    before: dict[str, StreamHealth] = field(default_factory=dict)
    after: dict[str, StreamHealth] = field(default_factory=dict)
    costs: list[Cost] = field(default_factory=list)
    cpu_percent: float = 0.0
    first_face_s: float | None = None
    missed: int = 0
    engine: str = ""
    backend: str = ""
    counts: dict[str, Counts] = field(default_factory=dict)
    warm_ns: int = 0

    def during(self) -> list[tuple[AnyEvent, int]]:
        """Events since warming up."""
        return [(event, got) for event, got in self.events if got >= self.warm_ns]

    def dropped(self) -> int:
        """Frames of all streams that were dropped, corrupt or lost before the decoder since warming up."""
        causes = ("dropped", "corrupt")
        return sum(
            self.after[name].drops.get(cause, 0) - self.before[name].drops.get(cause, 0)
            for name in self.after
            for cause in causes
        )

    def skipped(self) -> int:
        """Window evaluations of all streams that were left out since warming up."""
        return sum(self.after[name].skipped - self.before[name].skipped for name in self.after)

    def read(self) -> int:
        """Frames of all streams that were read since warming up."""
        return sum(self.after[name].frames - self.before[name].frames for name in self.after)

    @property
    def rss_mib(self) -> float:
        """Median."""
        return median(cost.rss_mib for cost in self.costs)


def run_service(
    specs: Sequence[str],
    clip: Clip,
    seconds: float,
    *,
    settings: Settings,
    warm_up_s: float = 5.0,
    keep: bool = False,
    on_beat: Callable[[float], None] | None = None,
) -> Watched:
    """Run the service over numbered streams and watch it.

    Args:
        specs: Stream URLs, or files that are played as cameras.
        clip: What they show.
        seconds: To watch, after warming up.
        settings: Of the service.
        warm_up_s: Counted from when the last stream is live.
        keep: Keep the number of each picture.
        on_beat: Called at each heartbeat with the seconds watched so far.

    Raises:
        RtmeError: The service did not come up, or ended by itself.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    wanted = {**settings.model_dump(mode="json", exclude={"source"}), "bind": address}
    command = [sys.executable, "-m", "rtme.trial.speed.serve", *specs, "--settings", json.dumps(wanted)]
    command += ["--frames", str(clip.n_frames), "--fps", str(clip.fps), *(["--keep"] if keep else [])]
    watched = Watched()
    with Subscriber(address, keys=settings.keys) as subscriber, tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        service = subprocess.Popen([*command, "--reports", folder], stdin=subprocess.PIPE, text=True)
        try:
            _watch(service, subscriber, watched, len(specs), seconds, warm_up_s, began, on_beat)
            _end(service)
        finally:
            if service.poll() is None:
                service.kill()
            service.communicate()
        watched.missed = subscriber.missed
        for name in watched.after:
            watched.counts[name] = _counts(Path(folder) / f"{name}.json")
    return watched


def _watch(
    service: subprocess.Popen[str],
    subscriber: Subscriber,
    watched: Watched,
    streams: int,
    seconds: float,
    warm_up_s: float,
    began: float,
    on_beat: Callable[[float], None] | None,
) -> None:
    process = psutil.Process(service.pid)
    live_since: float | None = None
    cpu_before = 0.0
    while True:
        now = time.monotonic()
        if service.poll() is not None or (live_since is None and now - began > _UP_S):
            raise RtmeError("the service of the bench did not come up: its own message stands above")
        event = subscriber.receive(0.5)
        if event is None:
            continue
        watched.events.append((event, time.monotonic_ns()))
        if isinstance(event, FaceEvent) and watched.first_face_s is None:
            watched.first_face_s = time.monotonic() - began
        if not isinstance(event, HeartbeatEvent):
            continue
        now = time.monotonic()
        watched.engine, watched.backend = event.engine, event.backend or ""
        if live_since is None and sum(one.frames > 0 for one in event.streams.values()) == streams:
            live_since = now
        if live_since is None or now - live_since < warm_up_s:
            continue
        if not watched.before:
            watched.before, watched.warm_ns = event.streams, time.monotonic_ns()
            cpu_before = _cpu_s(process)
        watched.seconds = (time.monotonic_ns() - watched.warm_ns) / 1e9
        watched.costs.append(_cost(process, watched.seconds))
        if on_beat is not None:
            on_beat(watched.seconds)
        if watched.seconds >= seconds:
            watched.after = event.streams
            watched.cpu_percent = 100 * (_cpu_s(process) - cpu_before) / watched.seconds
            return


def _family(process: psutil.Process) -> list[psutil.Process]:
    """The service and what it has started."""
    return [process, *process.children(recursive=True)]


def _cpu_s(process: psutil.Process) -> float:
    """Processor time of the service so far."""
    spent = 0.0
    for one in _family(process):
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            spent += times.user + times.system
    return spent


def _cost(process: psutil.Process, seconds: float) -> Cost:
    """Memory of the service now; what several of its processes share counts for each."""
    rss, device = 0, []
    for one in _family(process):
        with suppress(psutil.NoSuchProcess):
            rss += one.memory_info().rss
            device.append(device_mib(one.pid))
    known = [held for held in device if held is not None]
    return Cost(seconds, rss / 2**20, sum(known) if known else None)


def _end(service: subprocess.Popen[str]) -> None:
    """Let it end as it does at Ctrl-C."""
    assert service.stdin is not None
    service.stdin.close()
    service.stdin = None
    try:
        service.wait(_DOWN_S)
    except subprocess.TimeoutExpired as error:
        raise RtmeError(f"the service of the bench did not end within {_DOWN_S:g} s") from error
    if service.returncode != 0:
        raise RtmeError("the service of the bench failed: its own message stands above")


def _counts(report: Path) -> Counts:
    """What a stream counted."""
    if not report.exists():
        raise RtmeError(
            f"stream {report.stem} of the bench did not end as it should: nobody knows what it lost"
        )
    said = json.loads(report.read_text(encoding="utf-8"))
    frames = [(epoch, frame, number, capture) for epoch, frame, number, capture in said["frames"]]
    return Counts(said["lost"], said["unreadable"], said["began_ns"], frames)
