"""A service that says what it is told to: ``python telling.py BIND REPLAY JOURNAL [--preview]``.

It prints a line when it is there. Each line on its stdin is ``{"events": [...]}``, ``{"shown": {...}, "picture": BASE64
or null}`` or ``{"streams": {...}}``, which heartbeats say from then on. It ends with its stdin. Started again with the
same journal, its numbers go on.
"""

import base64
import json
import sys
import threading
import time
from pathlib import Path

from rtme.bus.journal import Journal
from rtme.bus.publisher import Publisher
from rtme.events import HeartbeatEvent, StreamHealth, parse
from rtme.traces import Shown, read_parts

BEAT_S = 0.5


class Beat:
    """Heartbeats, twice a second."""

    def __init__(self, publisher: Publisher, *, preview: bool) -> None:
        self.streams: dict[str, StreamHealth] = {}
        self._publisher = publisher
        self._preview = preview
        self._began = time.monotonic()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self._publisher.publish(
                HeartbeatEvent(
                    stream="_service",
                    uptime_s=time.monotonic() - self._began,
                    engine="told 1",
                    last_seq=0,
                    preview=self._preview,
                    streams=self.streams,
                )
            )
            time.sleep(BEAT_S)


def main() -> None:
    bind, replay, journal, *options = sys.argv[1:]
    previews = options == ["--preview"]
    with (
        Journal(Path(journal)) as kept,
        Publisher(bind, journal=kept, replay=replay, previews=previews) as publisher,
    ):
        beat = Beat(publisher, preview=previews)
        print("ready", flush=True)
        for line in sys.stdin:
            told = json.loads(line)
            for event in told.get("events", ()):
                publisher.publish(parse(json.dumps(event)))
            if "streams" in told:
                beat.streams = {
                    name: StreamHealth.model_validate(one) for name, one in told["streams"].items()
                }
            if "shown" in told:
                publisher.show(shown(told["shown"], told["picture"]))


def shown(message: dict[str, object], picture: str | None) -> Shown:
    kind = "rtme-trace" if message["kind"] == "trace" else "rtme-preview"
    parts = [f"{kind}.{message['stream']}".encode(), json.dumps(message).encode()]
    return read_parts(parts if picture is None else [*parts, base64.b64decode(picture)])


if __name__ == "__main__":
    main()
