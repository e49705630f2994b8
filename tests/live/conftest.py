from pathlib import Path

import pytest

from faces import astronaut_clip
from tiny_engine import make_tiny_bundle


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bundle that answers to any motion, so that the whole way can be walked without a trained engine."""
    return str(make_tiny_bundle(tmp_path_factory.mktemp("engine") / "tiny").path)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of a face that speaks."""
    return astronaut_clip(tmp_path_factory.mktemp("clips") / "face.mp4", seconds=3, seed=3)
