"""A real RTSP server on loopback as the feed of a bench, where the machine can run one (see .ci/apt-packages.txt)."""

import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from record import ROOT
from rtme.trial.speed.clip import Clip
from rtme.trial.speed.feed import Feed, FileFeed
from rtme.trial.speed.service import Counts

SERVER = ROOT / "tests" / "rtsp_server.py"
SYSTEM_PYTHON = "/usr/bin/python3"


class RtspFeed:
    """Picture n leaves at start + n / fps; all streams are clients of one server, so that they send at the same instant."""

    what = "RTSP over TCP on loopback, from a server on the same machine"

    def __init__(self, clip: Clip) -> None:
        self.clip = clip
        self._began_ns: list[int] = []
        words = [str(clip.path), "--fps", str(clip.fps), "--until-stdin-closes"]
        self._server = subprocess.Popen(
            [SYSTEM_PYTHON, str(SERVER), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        if not line.startswith("ready "):
            self.close()
            raise OSError("no RTSP server can run here: install what .ci/apt-packages.txt names")
        self._url = line.split()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def specs(self, streams: int) -> list[str]:
        return [self._url] * streams

    def began_ns(self, counts: Counts) -> int | None:
        """It begins anew when clients come back; what counts is the last time before the first picture."""
        first = counts.frames[0][3] if counts.frames else 0
        return max((began for began in self._began_ns if began < first), default=None)

    def close(self) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _listen(self) -> None:
        assert self._server.stdout is not None
        for line in self._server.stdout:
            if line.startswith("sending "):
                self._began_ns.append(int(line.split()[1]))


def feed_of(clip: Clip, source: str) -> Feed:
    """``rtsp``, ``file``, or ``auto``: RTSP where it can be."""
    if source == "file":
        return FileFeed(clip)
    try:
        if not Path(SYSTEM_PYTHON).exists():
            raise OSError(f"no RTSP server can run here: there is no {SYSTEM_PYTHON}")
        return RtspFeed(clip)
    except OSError as error:
        if source == "rtsp":
            raise SystemExit(str(error)) from error
        print(f"{error}; a file is played as a camera instead", file=sys.stderr)
        return FileFeed(clip)


def close(feed: Feed) -> None:
    if isinstance(feed, RtspFeed):
        feed.close()
