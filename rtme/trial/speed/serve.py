"""The service as a process of its own, for a speed bench: ``rtme.Live`` over numbered clips until its input is closed.

Started by :mod:`rtme.trial.speed.service`. At its end it prints as JSON what was read from the pictures themselves.
"""

import argparse
import json
import sys
import threading
from pathlib import Path

from rtme.capture.source import Source
from rtme.capture.sources import open_source
from rtme.capture.urls import is_url
from rtme.live.service import Live
from rtme.settings import Settings
from rtme.trial.speed.looped import Counted, LoopedFile


def main() -> None:
    """Watch until standard input is closed, then say what was counted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("specs", nargs="+", help="stream URLs, or files that are played as cameras")
    parser.add_argument("--settings", required=True, help="of the service, as JSON")
    parser.add_argument("--frames", type=int, required=True, help="length of the clip")
    parser.add_argument("--fps", type=float, required=True)
    parser.add_argument("--keep", action="store_true", help="tell the number of each picture")
    arguments = parser.parse_args()
    specs: list[str] = arguments.specs
    sources = [
        Counted(_source(spec, place, len(specs), arguments.fps), arguments.frames, keep=arguments.keep)
        for place, spec in enumerate(specs)
    ]
    live = Live(sources, settings=Settings(**json.loads(arguments.settings)))

    def until_closed() -> None:
        sys.stdin.read()
        live.stop()

    with live:
        threading.Thread(target=until_closed, daemon=True).start()
        for _ in live:
            pass
    counted = {
        one.name: {
            "lost": one.lost,
            "unreadable": one.unreadable,
            "began_ns": one.source.began_ns if isinstance(one.source, LoopedFile) else None,
            "frames": one.frames,
        }
        for one in sources
    }
    print(json.dumps({"errors": live.errors, "streams": counted}))


def _source(spec: str, place: int, of: int, fps: float) -> Source:
    name = f"s{place + 1}"
    if is_url(spec):
        return open_source(spec, name=name)
    return LoopedFile(Path(spec), name, place / of / fps)


if __name__ == "__main__":
    main()
