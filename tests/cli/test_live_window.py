"""`rtme live --show` on a display that nobody sees."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from x_display import Display, wait_until, x_display

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def display(tmp_path: Path) -> Iterator[Display]:
    with x_display(tmp_path) as running:
        yield running


@contextmanager
def live(engine: str, display: Display, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "rtme",
            "live",
            *words,
            "--show",
            "--no-journal",
            "--bind",
            "tcp://127.0.0.1:*",
        ],
        env=display.environment | {"RTME_ENGINE": engine},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


def likeness(display: Display, portrait: np.ndarray) -> float:
    """How well a portrait's face fits the best place on the screen, -1..1."""
    # A quarter of the size is plenty, and quick.
    screen = cv2.resize(
        cv2.cvtColor(np.ascontiguousarray(display.screenshot()), cv2.COLOR_RGB2GRAY), None, fx=0.25, fy=0.25
    )
    sizes = np.linspace(0.3, 0.8, 11)
    return max(
        float(cv2.matchTemplate(screen, cv2.resize(portrait, None, fx=s, fy=s), cv2.TM_CCOEFF_NORMED).max())
        for s in sizes
    )


def test_a_window_with_the_face_until_somebody_presses_q(engine: str, display: Display) -> None:
    face = cv2.cvtColor(astronaut()[80:180, 170:280], cv2.COLOR_RGB2GRAY)
    with live(engine, display, "demo") as process:
        assert process.stderr is not None
        wait_until(lambda: likeness(display, face) > 0.6, "the face", process)
        # The outline's white is nowhere so even in the portrait.
        wait_until(lambda: (display.screenshot() == 240).all(axis=2).sum() > 200, "what is drawn", process)
        display.press("q", "rtme")
        assert process.wait(60) == 0
        said = process.stderr.read()
    assert "over: the window was closed" in said
    assert "Traceback" not in said
    assert display.screenshot().max() == 0, "the window is gone"


def test_two_sources_are_tiles_and_the_end_of_both_is_the_end(
    engine: str, display: Display, clip: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(clip.read_bytes())
    with live(engine, display, str(clip), str(other)) as process:
        assert process.stderr is not None

        def tiles() -> bool:
            shot = display.screenshot()[:600, :960].astype(int)
            return all(half.std() > 30 for half in (shot[100:300, 100:380], shot[100:300, 580:860]))

        wait_until(tiles, "two pictures", process)
        assert process.wait(90) == 0
        assert "every source has ended" in process.stderr.read()


def test_ctrl_c_ends_it_too(engine: str, display: Display) -> None:
    with live(engine, display, "demo") as process:
        assert process.stderr is not None
        wait_until(lambda: display.screenshot().max() > 100, "a window", process)
        process.send_signal(2)
        assert process.wait(60) == 0
        assert "SIGINT was received" in process.stderr.read()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no DISPLAY")
@pytest.mark.parametrize("display_name", ["", ":4321"])
def test_no_display_is_one_sentence(engine: str, clip: Path, display_name: str) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    if display_name:
        env["DISPLAY"] = display_name
    done = subprocess.run(
        [sys.executable, "-m", "rtme", "live", str(clip), "--show"],
        env=env | {"RTME_ENGINE": engine},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "no display" in done.stderr
