"""The service as a process of its own, for a speed bench: ``rtme.Live`` over numbered clips until its input is closed.

Started by :mod:`rtme.trial.speed.service`. What was read from the pictures themselves each stream leaves in a file.
"""

import argparse
import json
import sys
import threading
from pathlib import Path

from rtme.capture.source import Source
from rtme.capture.sources import open_source
from rtme.capture.urls import is_url
from rtme.errors import RtmeError
from rtme.live.service import Live
from rtme.settings import Settings
from rtme.trial.speed.looped import Counted, LoopedFile


def main() -> None:
    """Watch until standard input is closed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("specs", nargs="+", help="stream URLs, or files that are played as cameras")
    parser.add_argument("--settings", required=True, help="of the service, as JSON")
    parser.add_argument("--frames", type=int, required=True, help="length of the clip")
    parser.add_argument("--fps", type=float, required=True)
    parser.add_argument("--reports", type=Path, required=True, help="folder for what each stream counted")
    parser.add_argument("--keep", action="store_true", help="tell the number of each picture")
    arguments = parser.parse_args()
    specs: list[str] = arguments.specs
    sources = []
    for place, spec in enumerate(specs):
        source = _source(spec, place, len(specs), arguments.fps)
        report = arguments.reports / f"{source.name}.json"
        sources.append(Counted(source, arguments.frames, keep=arguments.keep, report=report))
    live = Live(sources, settings=Settings(**json.loads(arguments.settings)))

    def until_closed() -> None:
        sys.stdin.read()
        live.stop()

    with live:
        threading.Thread(target=until_closed, daemon=True).start()
        for _ in live:
            pass
    if live.errors:
        raise RtmeError(f"a stream of the bench broke: {next(iter(live.errors.values()))}")


def _source(spec: str, place: int, of: int, fps: float) -> Source:
    name = f"s{place + 1}"
    if is_url(spec):
        return open_source(spec, name=name)
    return LoopedFile(Path(spec), name, place / of / fps)


if __name__ == "__main__":
    try:
        main()
    except RtmeError as error:
        sys.exit(f"rtme: {error}")
