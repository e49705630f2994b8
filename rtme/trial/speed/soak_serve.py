"""The service of a soak as a process of its own: ``rtme.Live`` over a source in which micro-expressions are planted.

Started by :mod:`rtme.trial.speed.soak`. Words on its input break the source
(:class:`~rtme.trial.speed.breaking.BreakingSource`); when its input is closed it ends, and leaves in a file what it planted.
"""

import argparse
import json
import sys
import threading
from pathlib import Path

from rtme.capture.source import Source
from rtme.capture.sources import open_source
from rtme.errors import RtmeError
from rtme.live.service import Live
from rtme.settings import Settings
from rtme.trial.planting import PlantingSource
from rtme.trial.schedule import Schedule, Wish
from rtme.trial.speed.breaking import BreakingSource
from rtme.trial.speed.looped import LoopedFile


class _LastingPlanting(PlantingSource):
    def close(self) -> None:
        """Release the source; the tracker stays: a new one at each reconnect would be the bench's growth."""
        self._abandon("the stream broke")
        self._source.close()


def main() -> None:
    """Watch until standard input is closed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("spec", help="camera, stream URL, or a file that is played round and round")
    parser.add_argument("--settings", required=True, help="of the service, as JSON")
    parser.add_argument("--every", type=float, required=True, help="plant one about every so many seconds")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--report", type=Path, required=True)
    arguments = parser.parse_args()
    settings = Settings(**json.loads(arguments.settings))
    source = BreakingSource(_opened(arguments.spec, settings))
    wish = Wish(every_s=arguments.every, seed=arguments.seed)
    planting = _LastingPlanting(source, Schedule(wish, source.name))
    live = Live([planting], settings=settings)

    def until_closed() -> None:
        source.obey(iter(sys.stdin))
        live.stop()

    with live:
        threading.Thread(target=until_closed, daemon=True).start()
        for _ in live:
            pass
    said = {
        "planted": [
            [one.epoch, one.onset.frame, one.offset.frame, one.onset.capture_ns] for one in planting.planted
        ],
        "abandoned": [[one.epoch, one.first.frame, one.last.frame] for one in planting.abandoned],
        "missed": dict(planting.missed),
    }
    arguments.report.write_text(json.dumps(said), encoding="utf-8")
    if live.errors:
        raise RtmeError(f"the source ended: {next(iter(live.errors.values()))}")


def _opened(spec: str, settings: Settings) -> Source:
    source = open_source(spec, transport=settings.transport)
    return source if source.live else LoopedFile(Path(spec), source.name)


if __name__ == "__main__":
    try:
        main()
    except RtmeError as error:
        sys.exit(f"rtme: {error}")
