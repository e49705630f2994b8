"""A real browser, and the dashboard that it looks at, each a process of its own; for the bench and for the tests."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

UP_S = 90.0


def chromium() -> str | None:
    """The Chromium of this system; Playwright's own is never fetched."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def browser(*flags: str) -> Iterator[Browser]:
    """A browser without a window. While it is there the thread can run no event loop of its own.

    Args:
        flags: For Chromium.
    """
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=[*as_root, *flags])
        try:
            yield found
        finally:
            found.close()


class Dashboard:
    """``rtme dashboard`` on a free port.

    Args:
        address: Of the service.
        words: Further words of the command.

    Attributes:
        url: Where its page is, with the token if it has one.
        process: It.
    """

    def __init__(self, address: str, *words: object) -> None:
        command = [sys.executable, "-m", "rtme", "dashboard", address, "--port", "0"]
        self.process = subprocess.Popen(
            [*command, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "COLUMNS": "300"},
        )
        self._said: list[str] = []
        self._url: str | None = None
        self._up = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        if not self._up.wait(UP_S) or self._url is None:
            self.close()
            raise RuntimeError(f"rtme dashboard told no address:\n{self.said}")
        self.url = self._url

    @property
    def said(self) -> str:
        """All that it printed."""
        return "".join(self._said)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.append(line)
            if self._url is None and (found := re.search(r"https?://[^\s,]+", line)):
                self._url = found[0].rstrip(".)")
                self._up.set()
        self._up.set()

    def close(self) -> None:
        """End it. Safe to call twice."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._listener.join(5)


@contextmanager
def dashboard(address: str, *words: object) -> Iterator[Dashboard]:
    """:class:`Dashboard`, ended at the end."""
    found = Dashboard(address, *words)
    try:
        yield found
    finally:
        found.close()
