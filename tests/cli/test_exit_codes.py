"""Exit codes and sentences of real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faces import astronaut_clip

Run = Callable[..., subprocess.CompletedProcess[str]]
RTME = [sys.executable, "-m", "rtme"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--version"], 0, ""),
        (["--help"], 0, ""),
        (["engine", "list", "--json"], 0, ""),
        (["wacth"], 2, "watch"),
        (["engine", "inof"], 2, "info"),
        (["bench", "latncy"], 2, "latency"),
        (["analyze"], 2, "Missing argument"),
        (["analyze", "clip.mp4", "--sensitivty", "low"], 2, "--sensitivity"),
        (["data", "prepare", "nowhere", "-o", "store"], 2, "nowhere"),
        (["config", "show", "nowhere.toml"], 2, "nowhere.toml"),
        (["analyze", "nowhere.mp4"], 3, "nowhere.mp4"),
        (["engine", "info", "warp"], 5, "warp"),
        (["watch", "tcp://127.0.0.1:1", "--seconds", "0.3"], 6, "rtme live demo"),
        (["watch", "elsewhere"], 6, "tcp://host:port"),
        (["keys", "show", "--keys", "none"], 6, "rtme keys new"),
        (["score", "--pred", "none.csv", "--gt", "none.csv"], 7, "none.csv"),
        (["events", "none.sqlite"], 8, "none.sqlite"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_the_code_says_what_was_wrong(rtme: Run, words: list[str], code: int, said: str) -> None:
    done = rtme(*words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    if code:
        assert not done.stdout


def test_an_error_is_one_sentence_also_where_json_was_wanted(rtme: Run) -> None:
    done = rtme("engine", "info", "warp", "--json")
    assert done.returncode == 5
    assert not done.stdout
    assert done.stderr.startswith("rtme: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return astronaut_clip(tmp_path_factory.mktemp("long") / "face.mp4", seconds=20, seed=3)


def test_ctrl_c_before_it_is_done(engine: str, long_clip: Path) -> None:
    code, shown, said = interrupted([long_clip, "--json"], long_clip, engine)
    assert code == 130, said
    assert not shown
    assert "Traceback" not in said


def test_ctrl_c_leaves_what_was_found_until_then(engine: str, long_clip: Path, tmp_path: Path) -> None:
    done = astronaut_clip(tmp_path / "done.mp4", seconds=1, seed=3)
    found = tmp_path / "found.json"
    code, _, said = interrupted([done, long_clip, "-o", found], long_clip, engine)
    assert code == 130, said
    assert "stopped: 1 of 2 recordings are done" in said
    assert [one["source"] for one in json.loads(found.read_text())] == [str(done)]


def interrupted(words: list[object], clip: Path, engine: str) -> tuple[int, str, str]:
    """Ctrl-C while `rtme analyze` reads a recording: its exit code and what it printed."""
    process = subprocess.Popen(
        [*RTME, "analyze", *map(str, words)],
        env={**os.environ, "RTME_ENGINE": engine},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not reads(process.pid, clip):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        shown, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait(10)
    return process.returncode, shown, said


def reads(pid: int, file: Path) -> bool:
    folder = Path(f"/proc/{pid}/fd")
    if not folder.is_dir():
        pytest.skip("whether a process has opened a file is told by /proc")
    for entry in folder.iterdir():
        try:
            if entry.readlink() == file:
                return True
        except OSError:  # closed meanwhile
            continue
    return False


def test_ctrl_c_is_how_watching_ends() -> None:
    process = subprocess.Popen(
        [*RTME, "watch", "tcp://127.0.0.1:1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        assert "no service" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate(timeout=30)


def test_whoever_reads_may_have_enough() -> None:
    line = f"{sys.executable} -m rtme schema | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[0] == "{"
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize(
    ("package", "words", "extra"),
    [
        ("torch", ["train", "quick"], "train"),
        ("lightning", ["ablate", "losses", "quick", "-o", "runs"], "train"),
        ("torch", ["eval", "runs"], "train"),
        ("torch", ["export", "runs", "-o", "engine"], "train"),
        ("jinja2", ["report", "runs"], "train"),
        ("yaml", ["synth", "faces", "-o", "clips"], "train"),
        ("openpyxl", ["data", "check", "casme2sq", "folder"], "train"),
        ("psutil", ["bench", "latency"], "bench"),
        ("matplotlib", ["bench", "inject", "0", "--picture", "a.png"], "bench"),
        ("paho", ["bridge", "mqtt://localhost"], "mqtt"),
        ("requests", ["bridge", "http://localhost/hook"], "webhook"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else None,
)
def test_a_missing_extra_is_named(package: str, words: list[str], extra: str, tmp_path: Path) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; from rtme.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert f"pip install 'rtme[{extra}]'" in done.stderr
    assert package in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode != 0
