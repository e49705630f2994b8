"""How late events are: a real RTSP server on loopback, `rtme live` as its own process, a subscriber in this one.

640x480 H.264 at 30 frames/s. `system_ms` runs from the frame leaving the decoder to the event leaving the process;
`pipeline_ms` is the same for every frame, up to its windows being scored. The look-ahead (`algorithmic_ms`) stands apart.

    python bench/latency.py [--seconds 60]
"""

import argparse
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from matplotlib.axes import Axes

from clips import make_clip
from record import ROOT, save
from rtme import Subscriber
from rtme.events import AnyEvent, FaceEvent, GapEvent, HeartbeatEvent, IntervalEvent, SpeakerEvent

SERVER = ROOT / "tests" / "rtsp_server.py"
WARM_UP_S = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--engine", default="default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder) / "clip.mp4", 60)
        rtsp, bus = free_port(), free_port()
        server = subprocess.Popen(
            ["/usr/bin/python3", str(SERVER), str(clip), "--port", str(rtsp)],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            server.stdout.readline()
            result = watch(f"rtsp://127.0.0.1:{rtsp}/cam", bus, arguments.seconds, arguments.engine)
            save("latency", result, lambda axes: draw(axes, result))
        finally:
            server.terminate()
            server.wait(10)


def watch(url: str, bus: int, seconds: float, engine: str) -> dict[str, Any]:
    address = f"tcp://127.0.0.1:{bus}"
    command = [sys.executable, "-m", "rtme", "live", url, "--bind", address, "--engine", engine]
    seen: list[tuple[AnyEvent, float]] = []
    memory: list[int] = []
    with Subscriber(address) as subscriber:
        began, began_ns = time.monotonic(), time.time_ns()
        service = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        process = psutil.Process(service.pid)
        process.cpu_percent()
        try:
            first_live = None
            while first_live is None or time.monotonic() - first_live < seconds + WARM_UP_S:
                if service.poll() is not None or (first_live is None and time.monotonic() - began > 60):
                    raise SystemExit("rtme live did not come up")
                event = subscriber.receive(0.5)
                if event is None:
                    continue
                seen.append((event, time.time_ns()))
                if first_live is None and isinstance(event, HeartbeatEvent) and frames(event):
                    first_live = time.monotonic()
                if isinstance(event, HeartbeatEvent):
                    memory.append(process.memory_info().rss)
            cpu = process.cpu_percent()
        finally:
            service.send_signal(signal.SIGINT)
            code = service.wait(30)
        missed = subscriber.missed
    beats = [e for e, _ in seen if isinstance(e, HeartbeatEvent)]
    steady = [e for e in beats if frames(e) > WARM_UP_S * 30]
    timed = [(e, got) for e, got in seen if isinstance(e, IntervalEvent | SpeakerEvent) and e.at]
    health = steady[-1].streams[stream_of(steady[-1])]
    faces = [got for e, got in seen if isinstance(e, FaceEvent)]
    return {
        "what": f"RTSP over TCP on loopback, 640x480 H.264 at 30 frames/s, {seconds:.0f} s; all on this machine",
        "engine": beats[-1].engine,
        "frames": health.frames,
        "fps": float(np.median([e.streams[stream_of(e)].fps for e in steady])),
        "drops": health.drops,
        "gaps": dict(Counter(e.cause for e, _ in seen if isinstance(e, GapEvent))),
        "skipped_evaluations": health.skipped,
        "system_ms_of_events": percentiles([e.system_ms for e, _ in timed if e.system_ms is not None]),
        "received_ms_of_events": percentiles([(got - e.at.wall_ns) / 1e6 for e, got in timed if e.at]),
        "pipeline_ms_of_frames": health.pipeline_ms.model_dump() if health.pipeline_ms else None,
        "algorithmic_ms": sorted({e.algorithmic_ms for e, _ in timed if e.algorithmic_ms is not None}),
        "rss_mib": {"median": round(np.median(memory) / 2**20), "max": round(max(memory) / 2**20)},
        "cpu_percent_of_one_core": round(cpu),
        "start_to_first_face_event_s": round((faces[0] - began_ns) / 1e9, 2),
        "events_missed_by_subscriber": missed,
        "exit_code": code,
    }


def draw(axes: Axes, result: dict[str, Any]) -> None:
    rows = {
        "every frame:\ndecoder to scored": result["pipeline_ms_of_frames"],
        "events:\ndecoder to sent": result["system_ms_of_events"],
        "events:\ndecoder to received": result["received_ms_of_events"],
    }
    for key, mark in (("p50", "o"), ("p95", "s"), ("p99", "^"), ("max", "|")):
        values = [row[key] for row in rows.values()]
        axes.plot(values, list(rows), mark, markersize=9, label=key)
    axes.set_xlim(0, None)
    axes.margins(y=0.3)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("milliseconds, look-ahead not included")
    dropped = result["drops"].get("dropped", 0)
    axes.set_title(f"rtme live, RTSP 640x480 at 30/s: {result['frames']} frames, {dropped} dropped", size=9)
    axes.legend(fontsize=8)


def stream_of(beat: HeartbeatEvent) -> str:
    return next(iter(beat.streams))


def frames(beat: HeartbeatEvent) -> int:
    return beat.streams[stream_of(beat)].frames


def percentiles(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    return {
        "count": len(values),
        "p50": round(float(p50), 2),
        "p95": round(float(p95), 2),
        "p99": round(float(p99), 2),
        "max": round(max(values), 2),
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
