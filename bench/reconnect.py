"""How long after an RTSP server is back a subscriber hears of it: killed, away for a while, started at the same port.

The service is `rtme live`, a process of its own; the subscriber is in this one. Time begins when the server takes
connections again, which it says itself. `live_ms`: until `state: live` of the new epoch arrives, the first event after
its first picture. `face_ms`: until the first event about a face in it. The shortest wait before a try is half a second.
`gone_s` is how long there was no server: what is asked for, and what one takes to start.

    python bench/reconnect.py [--away 0 3 20] [--times 20]        about 10 minutes
"""

import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from record import ROOT, begin, parser_of, save
from rtme import Subscriber
from rtme.events import FaceEvent, HeartbeatEvent, StateEvent
from rtme.trial.speed.clip import make_clip
from rtsp import SERVER, SYSTEM_PYTHON

PATIENCE_S = 90.0


class Server:
    """An RTSP server that can be killed and started at the same port."""

    def __init__(self, clip: Path) -> None:
        self._clip = clip
        self._port = "0"
        self.url = ""

    def start(self) -> float:
        """Returns when it takes connections: the monotonic time."""
        words = [SYSTEM_PYTHON, str(SERVER), str(self._clip), "--port", self._port, "--until-stdin-closes"]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        back = time.monotonic()
        if not line.startswith("ready "):
            raise SystemExit("no RTSP server can run here: install what .ci/apt-packages.txt names")
        self.url = line.split()[1]
        self._port = self.url.rsplit(":", 1)[1].split("/")[0]
        return back

    def kill(self) -> None:
        """As a camera without power."""
        self._process.kill()
        self._process.communicate()


def heard(subscriber: Subscriber, epoch: int, back: float) -> tuple[float, float, int]:
    """Milliseconds from ``back`` until a stream is live after ``epoch`` and until it shows a face; and its epoch."""
    live = None
    while (event := subscriber.receive(PATIENCE_S)) is not None and time.monotonic() < back + PATIENCE_S:
        if isinstance(event, StateEvent) and event.state == "live":
            live = time.monotonic()
        if isinstance(event, FaceEvent) and event.epoch > epoch and live is not None:
            return (live - back) * 1000, (time.monotonic() - back) * 1000, event.epoch
    raise SystemExit(f"the stream did not come back within {PATIENCE_S:g} s")


def measure(server: Server, engine: str, away: list[float], times: int) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "rtme", "live", server.url, "--engine", engine]
    service = subprocess.Popen(
        [*command, "--bind", "tcp://127.0.0.1:*"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert service.stderr is not None
        said = ""
        while "publishing on" not in said:
            select.select([service.stderr], [], [], PATIENCE_S)
            said = service.stderr.readline()
        rows = []
        with Subscriber(said.split()[2], timeout_s=PATIENCE_S) as subscriber:
            epoch = 0
            # The first connection is no reconnection, and may have been made before the subscriber's.
            for event in subscriber:
                if isinstance(event, HeartbeatEvent) and any(one.faces for one in event.streams.values()):
                    break
            for seconds in away:
                took, gone = [], []
                for _ in range(times):
                    server.kill()
                    killed = time.monotonic()
                    time.sleep(seconds)
                    back = server.start()
                    gone.append(back - killed)
                    live_ms, face_ms, epoch = heard(subscriber, epoch, back)
                    took.append((live_ms, face_ms))
                rows.append(
                    {
                        "away_s": seconds,
                        "gone_s": round(float(np.median(gone)), 1),
                        "times": times,
                        **spread("live_ms", took, 0),
                        **spread("face_ms", took, 1),
                    }
                )
                print(rows[-1], flush=True)
        return rows
    finally:
        service.kill()
        service.communicate()


def spread(name: str, took: list[tuple[float, float]], column: int) -> dict[str, dict[str, float]]:
    values = np.array(took)[:, column]
    return {name: {"p50": round(float(np.median(values))), "max": round(float(values.max()))}}


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--away", type=float, nargs="+", default=[0, 3, 20], help="seconds without a server")
    parser.add_argument("--times", type=int, default=20, help="of each")
    arguments = parser.parse_args()
    known = begin()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(make_clip(Path(folder) / "clip.mp4", 2).path)
        server.start()
        try:
            rows = measure(server, arguments.engine, arguments.away, arguments.times)
        finally:
            server.kill()
    save("reconnect", {"rows": rows}, known)


if __name__ == "__main__":
    main()
