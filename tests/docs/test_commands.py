"""Commands of README and docs: each is a real one with real options, and runs where what it needs is at hand."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import typer

from documented import ROOT, blocks, commands
from faces import astronaut_clip
from rtme.bus.address import DEFAULT_ADDRESS
from rtme.bus.journal import Journal
from rtme.bus.journal_path import default_journal, make_folder_of
from rtme.cli import app
from rtme.engine.bundle import list_bundles
from rtme.settings import load_settings

RTME = [sys.executable, "-m", "rtme"]
ALL = commands()
OF_RTME = {shlex.join(words[1:]): words[1:] for _, words in ALL if words[0].endswith("rtme")}
OTHERS = {shlex.join(words): words for _, words in ALL if not words[0].endswith("rtme")}

AT_HAND = ("clip.mp4", "recordings")
OUTPUTS = ("-o", "--out", "--output", "--journal", "--picture")
TRAINING = ("ablate", "data", "eval", "export", "report", "score", "synth", "train")


def names_a_file(words: list[str]) -> bool:
    """Whether it reads a file that this test has not."""
    read = [word for before, word in pairwise(words) if before not in OUTPUTS]
    return any(re.search(r"[^.]\.[A-Za-z]\w+$", word) and word not in AT_HAND for word in read)


# Whichever fits first is why a command is only parsed.
REASONS: list[tuple[str, Callable[[list[str]], bool]]] = [
    ("the reader's own shell", lambda words: words[0].startswith("--")),
    (
        "a camera",
        lambda words: bool({"0", "cameras.toml", "/dev/video2"} & set(words)) or "rtsp:" in " ".join(words),
    ),
    ("another machine", lambda words: "192.0.2." in " ".join(words)),
    ("training data and hours; tests/train does the same with little", lambda words: words[0] in TRAINING),
    ("an engine that was trained", lambda words: "engines/mine" in words),
    ("a file that this test has not", names_a_file),
    ("an NVIDIA GPU", lambda words: words[:2] == ["engine", "build"]),
    ("keys of two machines; tests/cli/test_keys.py has them", lambda words: words[0] == "keys"),
    ("somebody to end it; other tests run it", lambda words: words[0] in ("bridge", "dashboard", "watch")),
    ("somebody to end it; tests/docs/test_code.py runs it", lambda words: words[:2] == ["live", "demo"]),
]
SLOW = ["bench inject clip.mp4", "engine verify default"]


def why_not(words: list[str]) -> str | None:
    """What a command needs that is not at hand everywhere, or None."""
    if "--show" in words and words[0] != "live":
        return None
    return next((reason for reason, fits in REASONS if fits(words)), None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if "default" not in list_bundles():
        pytest.skip("the default engine is not built")
    folder = tmp_path_factory.mktemp("docs")
    astronaut_clip(folder / "clip.mp4", seconds=3)
    journal = default_journal(DEFAULT_ADDRESS)
    assert journal is not None
    make_folder_of(journal)
    Journal(journal).close()
    (folder / "recordings").mkdir()
    shutil.copy(folder / "clip.mp4", folder / "recordings" / "one.mp4")
    return folder


@pytest.mark.parametrize("command", OF_RTME)
def test_a_command_of_rtme_exists_with_its_options(command: str) -> None:
    parse(OF_RTME[command])


def parse(words: list[str]) -> None:
    """Read a command line as the command itself would, up to the point where it would run."""
    command, name, context, rest = typer.main.get_command(app), "rtme", None, words
    if words[0].startswith("--"):
        # Those of the command itself act while they are read.
        assert any(words[0] in option.opts for option in command.params)
        return
    while True:
        context = command.make_context(name, list(rest), parent=context)
        if not hasattr(command, "resolve_command"):
            return
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])


def tried() -> Iterator[tuple[str, bool]]:
    """Commands that can run here, and whether it takes long: of each verb, all but the first are left to the slow tests."""
    seen = set()
    for command, words in OF_RTME.items():
        if why_not(words) is None:
            yield command, command in SLOW or words[0] in seen
            seen.add(words[0])


@pytest.mark.usefixtures("default_port")
@pytest.mark.parametrize(
    "command", [pytest.param(command, marks=pytest.mark.slow if slow else ()) for command, slow in tried()]
)
def test_a_command_does_what_it_says(command: str, folder: Path) -> None:
    done = subprocess.run(
        [*RTME, *OF_RTME[command]], cwd=folder, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", OTHERS)
def test_another_command_names_what_is_there(command: str) -> None:
    words = [word for word in OTHERS[command] if word != "sudo"]
    match words[0].rpartition("/")[2], words[1:]:
        case "make", [target]:
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M), target
        case "pip", ["install", *what]:
            extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
            for asked in what:
                assert set(re.findall(r"[a-z]+", asked.partition("[")[2])) <= set(extras), asked
        case "python", [script, *options] if script.endswith(".py"):
            text = (ROOT / script).read_text()
            assert all(option in text for option in options if option.startswith("--")), command
        case "docker", ["build", "-f", file, *_]:
            assert (ROOT / file).is_file(), file
        case "docker", ["run", *rest]:
            (place,) = [place for place, word in enumerate(rest) if word in ("rtme", "rtme:gpu")]
            if rest[place + 1 :]:
                parse(rest[place + 1 :])
        case "install", [*_, file, _]:
            assert (ROOT / file).is_file() or file == "cameras.toml", file
        case (
            ("cd" | "git" | "journalctl" | "jq" | "python3" | "source" | "ssh" | "systemctl" | "v4l2-ctl"),
            _,
        ):
            pass
        case program, _:
            pytest.fail(
                f"no test knows what to make of {program}: teach this one, or leave it out of the page"
            )


def test_the_cameras_file_is_understood(tmp_path: Path) -> None:
    (block,) = [block for block in blocks("toml") if block.page == "README.md"]
    file = tmp_path / "cameras.toml"
    file.write_text(block.code)
    settings = load_settings(file)
    assert [source.name for source in settings.source] == ["door", "desk"]
