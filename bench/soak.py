"""Whether the service stays as it is when it runs for long and things around it break: server, network, subscriber.

A face without expressions of its own comes over a real RTSP server on loopback, round and round; micro-expressions are
planted in it. The server is really killed and started again or stopped, and so is a subscriber (rtme/trial/speed/soak.py).
Ends with code 1 when a demand is missed.

    python bench/soak.py [--minutes 30] [--seed 0] [--fault-every 60] [--source rtsp]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from record import begin, parser_of, save, settings_of, tell
from rtme.trial.speed.breaking import ProcessVictim
from rtme.trial.speed.clip import make_clip
from rtme.trial.speed.soak import soak
from rtsp import SERVER, SYSTEM_PYTHON


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="after warming up")
    parser.add_argument("--seed", type=int, default=0, help="of the faults and of what is planted")
    parser.add_argument("--fault-every", type=float, default=60, help="seconds, on average")
    parser.add_argument("--source", choices=("auto", "rtsp", "file"), default="auto")
    arguments = parser.parse_args()
    known = begin()
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder) / "clip.mp4", 20, expressions=False)
        server = None if arguments.source == "file" else _server(clip.path, needed=arguments.source == "rtsp")
        try:
            if server is not None:
                server.victim.start()
            result = soak(
                server.url if server else str(clip.path),
                settings=settings_of(arguments),
                minutes=arguments.minutes,
                seed=arguments.seed,
                fault_every_s=arguments.fault_every,
                warm_up_s=min(120.0, 12 * arguments.minutes),
                source=server.victim if server else None,
                what="RTSP over TCP on loopback" if server else "a file played as a camera",
                on_progress=tell,
            )
        finally:
            if server is not None:
                server.victim.thaw()
                server.victim.kill()
    save("soak", result, known, picture=True)
    sys.exit(0 if all(one["met"] for one in result["verdict"]) else 1)


class _Server:
    def __init__(self, clip: Path, port: int) -> None:
        self.url = f"rtsp://127.0.0.1:{port}/cam"
        self.victim = ProcessVictim([SYSTEM_PYTHON, str(SERVER), str(clip), "--port", str(port)])


def _server(clip: Path, *, needed: bool) -> _Server | None:
    """A server at a fixed port, not yet started; None where none can run here and none is needed."""
    why = f"there is no {SYSTEM_PYTHON}"
    if Path(SYSTEM_PYTHON).exists():
        # It says its port once it can be reached; the next ones take the same.
        first = subprocess.Popen(
            [SYSTEM_PYTHON, str(SERVER), str(clip), "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert first.stdout is not None
        line = first.stdout.readline()
        first.kill()
        first.communicate()
        if line.startswith("ready "):
            return _Server(clip, int(line.rsplit(":", 1)[1].split("/")[0]))
        why = "install what .ci/apt-packages.txt names"
    if needed:
        raise SystemExit(f"no RTSP server can run here: {why}")
    print(f"no RTSP server can run here ({why}); a file is played as a camera instead", file=sys.stderr)
    return None


if __name__ == "__main__":
    main()
