"""A program on a terminal, whose page can be looked at."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable

import pyte

PATIENCE_S = 60


class Terminal:
    """`rtme ...` on a terminal of its own."""

    def __init__(self, *words: str, columns: int = 100, rows: int = 24, **env: str) -> None:
        self._ours, theirs = pty.openpty()
        self._set_size(columns, rows)
        self._lock = threading.Lock()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        """Everything that was written."""
        self.settings = termios.tcgetattr(theirs)
        self._theirs = theirs
        plain = {
            key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from rtme.cli import main; main()", *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=plain | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"} | env,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def resize(self, columns: int, rows: int) -> None:
        with self._lock:
            self._screen.resize(rows, columns)
            self._screen.reset()
        self._set_size(columns, rows)
        os.kill(self.process.pid, signal.SIGWINCH)

    def lines(self) -> list[str]:
        with self._lock:
            return [line.rstrip() for line in self._screen.display]

    def colours(self, words: str) -> set[str]:
        """Foregrounds of the first line that has these words."""
        with self._lock:
            for row, line in enumerate(self._screen.display):
                if words in line:
                    return {cell.fg for cell in self._screen.buffer[row].values() if cell.data.strip()}
        return set()

    def until(self, wanted: Callable[[list[str]], object]) -> list[str]:
        """Wait for a page."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if wanted(page := self.lines()):
                return page
            assert self.process.poll() is None or time.monotonic() < deadline
            time.sleep(0.05)
        raise AssertionError("never shown; now:\n" + "\n".join(self.lines()))

    def until_says(self, words: str) -> list[str]:
        return self.until(lambda page: any(words in line for line in page))

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(how)
        code = self.process.wait(PATIENCE_S)
        time.sleep(0.2)  # what it wrote last is read by a thread
        assert termios.tcgetattr(self._theirs) == self.settings
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        os.close(self._theirs)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 65536)
            except OSError:  # the other side is closed
                return
            if not data:
                return
            with self._lock:
                self.raw += data
                self._stream.feed(data)
