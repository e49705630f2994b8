"""The README's commands and code, as a reader would type them."""

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from faces import astronaut_clip
from rtme.bus.address import DEFAULT_ADDRESS
from rtme.bus.journal import Journal
from rtme.bus.journal_path import default_journal, make_folder_of
from rtme.engine.bundle import list_bundles
from rtme.settings import load_settings

README = (Path(__file__).resolve().parent.parent / "README.md").read_text()
RTME = [sys.executable, "-m", "rtme"]
GROUPS = ("ablate", "bench", "data", "engine")
TRAINING = ("ablate", "data", "eval", "export", "report", "score", "synth", "train")

pytestmark = pytest.mark.skipif("default" not in list_bundles(), reason="the default engine is not built")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line.split("  #")[0].strip() for line in lines if line.startswith("rtme ")]


def runs_anywhere(command: str) -> bool:
    # A camera, an address, a dataset and an hour of training are not at hand everywhere.
    words = shlex.split(command)
    at_hand = not {"0", "engines/mine", "cameras.toml"} & set(words)
    at_hand = at_hand and "rtsp:" not in command and "192.0.2." not in command
    return at_hand and words[1] not in TRAINING


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    astronaut_clip(folder / "clip.mp4", seconds=3)
    journal = default_journal(DEFAULT_ADDRESS)
    assert journal is not None
    make_folder_of(journal)
    Journal(journal).close()
    (folder / "recordings").mkdir()
    (folder / "recordings" / "one.mp4").write_bytes((folder / "clip.mp4").read_bytes())
    return folder


@pytest.mark.parametrize("command", [c for c in commands() if runs_anywhere(c)])
def test_a_command_does_what_it_says(command: str, folder: Path) -> None:
    done = subprocess.run(
        [*RTME, *shlex.split(command)[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [c for c in commands() if not runs_anywhere(c)])
def test_the_other_commands_exist(command: str) -> None:
    words = shlex.split(command)
    verb = words[1:3] if words[1] in GROUPS else words[1:2]
    done = subprocess.run([*RTME, *verb, "--help"], capture_output=True, text=True, timeout=60, check=True)
    options = [word for word in words if word.startswith("--")]
    assert all(option in done.stdout for option in options), (options, done.stdout)


@pytest.mark.parametrize("code", [b for b in blocks("python") if "while True" not in b])
def test_python_code_runs(code: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_ten_line_subscriber_hears_the_demo() -> None:
    (code,) = [b for b in blocks("python") if "while True" in b]
    listener = subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True)
    service = subprocess.Popen(
        [*RTME, "live", "demo", "--seconds", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert listener.stdout is not None
        line = listener.stdout.readline()
        assert line.split()[0] == "demo"
        service.send_signal(signal.SIGINT)
        assert service.wait(30) == 0
    finally:
        for process in (listener, service):
            process.kill()
            process.wait(10)


def test_the_cameras_file_is_understood(tmp_path: Path) -> None:
    (text,) = blocks("toml")
    file = tmp_path / "cameras.toml"
    file.write_text(text)
    settings = load_settings(file)
    assert [source.name for source in settings.source] == ["door", "desk"]
