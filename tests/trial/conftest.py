from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from calm_face import Image, drifting
from faces import write_video
from tiny_engine import make_tiny_bundle


@pytest.fixture(scope="session")
def calm() -> list[Image]:
    """Five seconds at 30 frames a second."""
    return drifting(150)


@pytest.fixture(scope="session")
def calm_file(calm: list[Image], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("calm") / "calm.mp4", iter(calm), 30)


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Iterator[Image]], Path]:
    """Writes pictures as a file of 30 frames a second."""
    folder = tmp_path_factory.mktemp("videos")
    return lambda name, images: write_video(folder / name, images, 30)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> str:
    """It answers to any motion of the middle of the face."""
    return str(make_tiny_bundle(tmp_path_factory.mktemp("engine") / "tiny").path)
