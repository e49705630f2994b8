"""Python in README and docs runs as it stands, or says why not."""

import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from documented import ROOT, Block, blocks
from faces import astronaut_clip
from rtme.engine.bundle import list_bundles

pytestmark = pytest.mark.skipif("default" not in list_bundles(), reason="the default engine is not built")


def listens(block: Block) -> bool:
    return "Subscriber(" in block.code or "zmq.SUB" in block.code


RUN = [block for block in blocks("python") if block.why_not is None]
PARTS = [block for block in blocks("python") if block.why_not is not None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    astronaut_clip(folder / "clip.mp4", seconds=3)
    return folder


@pytest.mark.parametrize("block", [block for block in RUN if not listens(block)], ids=str)
@pytest.mark.usefixtures("default_port")
def test_code_runs(block: Block, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", block.code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("default_port")
def test_every_subscriber_hears_the_demo() -> None:
    with ExitStack() as running:

        def start(*arguments: str, **options: object) -> subprocess.Popen[str]:
            process = subprocess.Popen([sys.executable, *arguments], text=True, **options)  # type: ignore[call-overload]
            running.callback(process.wait, 10)
            running.callback(process.kill)
            return process

        listeners = {
            str(block): start("-u", "-c", block.code, stdout=subprocess.PIPE)
            for block in RUN
            if listens(block)
        }
        service = start(
            "-m",
            "rtme",
            "live",
            "demo",
            "--seconds",
            "120",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name, listener in listeners.items():
            assert listener.stdout is not None
            assert listener.stdout.readline(), f"{name} ended without a line"
        service.send_signal(signal.SIGINT)
        assert service.wait(30) == 0


@pytest.mark.parametrize("block", PARTS, ids=str)
def test_a_part_is_python_and_stands_where_it_says(block: Block) -> None:
    compile(block.code, str(block), "exec")
    said = (block.why_not or "").partition("part of ")[2].split(",")[0]
    if said:
        assert block.code in (ROOT / said).read_text()
