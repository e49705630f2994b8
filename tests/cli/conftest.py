import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faces import astronaut_clip
from tiny_engine import make_tiny_bundle

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_tiny_bundle(tmp_path_factory.mktemp("engine") / "tiny").path)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return astronaut_clip(tmp_path_factory.mktemp("clips") / "face.mp4", seconds=3, seed=3)


@pytest.fixture
def rtme(engine: str, tmp_path: Path) -> Run:
    """Runs the command in an empty folder, with the tiny engine unless another is named."""

    def run(*words: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "rtme", *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "RTME_ENGINE": engine, "RTME_BIND": "tcp://127.0.0.1:*", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run
