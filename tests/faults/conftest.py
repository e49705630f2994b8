import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faces import astronaut_clip, scaled
from tiny_engine import make_tiny_bundle


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bundle that answers to any motion."""
    return str(make_tiny_bundle(tmp_path_factory.mktemp("engine") / "tiny").path)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of a face that speaks."""
    return astronaut_clip(tmp_path_factory.mktemp("clips") / "face.mp4", seconds=3, seed=3)


@pytest.fixture(scope="session")
def larger_clip(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Path:
    """Another size of the same."""
    return scaled(clip, tmp_path_factory.mktemp("larger") / "face.mp4", (640, 480))


@pytest.fixture
def rtme(engine: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command with the tiny engine."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "rtme", *map(str, words)],
            env={**os.environ, "RTME_ENGINE": engine, "RTME_BIND": "tcp://127.0.0.1:*", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    return run
