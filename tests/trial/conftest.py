"""Faces to try an engine on, and takes made by hand."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from calm_face import Image, drifting
from faces import performance, write_video
from rtme.engine.bundle import Bundle
from tiny_engine import make_tiny_bundle

_RATE = 16000


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


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A portrait, and a clip of 2 s in which a voice is heard in the second second."""
    folder = tmp_path_factory.mktemp("faces")
    (folder / "portraits").mkdir()
    (folder / "talking").mkdir()
    picture = cv2.cvtColor(np.ascontiguousarray(astronaut()), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(folder / "portraits" / "a.png"), picture)
    images, _ = performance(2, seed=4)
    sound = np.random.default_rng(0).normal(0, 0.2, 2 * _RATE).astype(np.float32)
    sound[:_RATE] *= 0.001
    _film(folder / "talking" / "b.mkv", list(map(np.array, images)), sound)
    return folder


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A tiny engine that says it never saw the people of ``faces``."""
    bundle = make_tiny_bundle(tmp_path_factory.mktemp("engines") / "tiny")
    people = "file,person,split\nportraits/a.png,a,test\ntalking/b.mkv,b,test\n"
    (bundle.path / "people.csv").write_text(people)
    return bundle


def _film(path: Path, images: Sequence[NDArray[np.uint8]], sound: NDArray[np.float32]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        voice = container.add_stream("pcm_s16le", rate=_RATE, layout="mono")
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
        heard = av.AudioFrame.from_ndarray(
            (sound * 32767).clip(-32768, 32767).astype(np.int16)[None], "s16", "mono"
        )
        heard.sample_rate, heard.pts, heard.time_base = _RATE, 0, Fraction(1, _RATE)
        container.mux(voice.encode(heard))
        container.mux(voice.encode(None))
