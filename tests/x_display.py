"""A display that nobody sees, and what stands on it."""

import os
import shutil
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

WIDTH, HEIGHT = 1280, 1024
PATIENCE_S = 90


class Display:
    """An X server without a screen."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._file = folder / "Xvfb_screen0"

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"DISPLAY": self.name, "QT_LOGGING_RULES": "*=false"}

    def screenshot(self) -> NDArray[np.uint8]:
        """``(height, width, 3)`` RGB, read from the X server's memory (X window dump, version 7)."""
        data = self._file.read_bytes()
        header = struct.unpack(">25I", data[:100])
        size, width, height, bytes_per_line, colours = header[0], header[4], header[5], header[12], header[19]
        pixels = np.frombuffer(data, np.uint8, height * bytes_per_line, size + 12 * colours)
        return pixels.reshape(height, bytes_per_line // 4, 4)[:, :width, 2::-1]

    def press(self, key: str, window: str) -> None:
        """Press a key in a window that is called so."""
        if shutil.which("xdotool") is None:
            pytest.skip("no xdotool here to press keys with: apt-get install xdotool")
        find = ["xdotool", "search", "--sync", "--name", f"^{window}$", "windowfocus", "key", key]
        subprocess.run(find, env=self.environment, check=True, timeout=PATIENCE_S, capture_output=True)


@contextmanager
def x_display(folder: Path) -> Iterator[Display]:
    """Start one; skips with the reason where there is no Xvfb."""
    if shutil.which("Xvfb") is None:
        pytest.skip("no Xvfb here to open windows on: apt-get install xvfb")
    read, write = os.pipe()
    screen = f"{WIDTH}x{HEIGHT}x24"
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", screen, "-fbdir", str(folder), "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as said:
            number = said.readline().strip()
        assert number, "Xvfb did not start"
        yield Display(f":{number}", folder)
    finally:
        server.terminate()
        server.wait(PATIENCE_S)


def wait_until(wanted: Callable[[], object], what: str, process: subprocess.Popen[str]) -> None:
    """Look until it is so, or the process that should bring it about has ended."""
    deadline = time.monotonic() + PATIENCE_S
    while not wanted():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            _, said = process.communicate(timeout=30)
            raise AssertionError(f"never: {what}; it said:\n{said}")
        time.sleep(0.1)
