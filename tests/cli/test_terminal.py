"""Colours, widths and progress, on a real terminal and in a pipe."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

RTME = [sys.executable, "-m", "rtme"]
COLOUR = re.compile(rb"\x1b\[[\d;]*?\b(3[0-8]|4[0-8]|9[0-7]|10[0-7])(;\d+)*m")
SHOWN = [
    ["--help"],
    ["engine", "--help"],
    ["engine", "list"],
    ["config", "show"],
    ["engine", "info", "warp"],
    ["wacth"],
]

DRAWING = """
from rtme.cli.progress import progress
with progress("frames") as bar:
    bar.at(5, None, "what has no known end")
    bar.say("a line that stays")
    for done in range(0, 101, 10):
        bar.at(done, 100, "clip.mp4 (1 of 2)")
print("{}")
"""


def environment(**more: str) -> dict[str, str]:
    plain = {
        name: value
        for name, value in os.environ.items()
        if name not in ("NO_COLOR", "COLUMNS", "FORCE_COLOR")
    }
    return {**plain, "TERM": "xterm-256color", **more}


def on_a_terminal(words: list[str], stdout: int | None = None, columns: int = 100, **more: str) -> bytes:
    """What a terminal shows of a command; its standard output may go elsewhere."""
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        words,
        env=environment(**more),
        stdin=theirs,
        stdout=theirs if stdout is None else stdout,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # nobody has the terminal open any more
            break
        if not part:
            break
        shown += part
    process.wait(60)
    os.close(ours)
    return shown


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_colours_on_a_terminal(words: list[str]) -> None:
    assert (
        COLOUR.search(on_a_terminal([*RTME, *words]))
        or words == ["config", "show"]
        or words == ["engine", "list"]
    )


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_no_colours_where_none_are_wanted(words: list[str]) -> None:
    assert not COLOUR.search(on_a_terminal([*RTME, *words], NO_COLOR="1"))
    assert b"\x1b[" not in on_a_terminal([*RTME, *words], TERM="dumb")
    done = subprocess.run([*RTME, *words], env=environment(), capture_output=True, timeout=60, check=False)
    assert b"\x1b[" not in done.stdout + done.stderr


@pytest.mark.parametrize("words", [["--help"], ["engine", "list"], ["live", "--help"]], ids=" ".join)
def test_it_fits_the_terminal(words: list[str]) -> None:
    shown = re.sub(r"\x1b\[[\d;]*m", "", on_a_terminal([*RTME, *words], columns=60).decode())
    assert max(map(len, shown.splitlines())) <= 60


def test_a_table_in_a_pipe_is_wide_unless_told() -> None:
    def widest(**more: str) -> int:
        done = subprocess.run(
            [*RTME, "engine", "list"],
            env=environment(**more),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return max(map(len, done.stdout.splitlines()))

    assert 100 < widest() <= 200
    assert widest(COLUMNS="70") <= 70


def test_a_bar_with_the_time_left_on_a_terminal_and_the_result_elsewhere(tmp_path: Path) -> None:
    result = tmp_path / "result"
    with result.open("wb") as file:
        shown = on_a_terminal([sys.executable, "-c", DRAWING], file.fileno()).decode()
    assert json.loads(result.read_text()) == {}
    for part in ("clip.mp4 (1 of 2)", "100 of 100", "left", "a line that stays"):
        assert part in shown


def test_no_bar_in_a_pipe_or_on_a_dumb_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRAWING],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("{}\n", "a line that stays\n")
    assert b"\x1b" not in on_a_terminal([sys.executable, "-c", DRAWING], TERM="dumb")


def test_a_line_now_and_then_in_a_pipe() -> None:
    often = "import rtme.cli.progress; rtme.cli.progress.EVERY_S = 0\n"
    done = subprocess.run(
        [sys.executable, "-c", often + DRAWING],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = done.stderr.splitlines()
    assert "clip.mp4 (1 of 2): 50 of 100, about 0 s left" in lines
    assert lines[:2] == ["what has no known end: 5", "a line that stays"]


def test_json_is_alone_on_standard_output_beside_a_bar(engine: str, clip: Path, tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    with result.open("wb") as file:
        on_a_terminal([*RTME, "analyze", str(clip), "--json", "--engine", engine], file.fileno())
    assert json.loads(result.read_text())["frames"] == 90
