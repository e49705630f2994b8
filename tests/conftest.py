"""What the tests of several rooms need."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from clips import write_clip
from fuzzing import given_inputs
from rtsp_camera import RtspCamera, skip_unless_possible

# No property depends on how fast the machine is.
settings.register_profile("rtme", deadline=None)
settings.load_profile("rtme")

# A shell that starts the tests in the background has Ctrl-C ignored, and every process they start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _state_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Services that are tried out keep no journal among the user's."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


def pytest_sessionfinish() -> None:
    """Tell `bench/fuzz.py` how much was tried."""
    if report := os.environ.get("FUZZ_REPORT"):
        Path(report).write_text(json.dumps(given_inputs))


@pytest.fixture(autouse=True, scope="session")
def _no_keys_of_the_developer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whoever runs the tests may have keys, which a bind that others can reach would take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.delenv("RTME_KEYS", raising=False)
        yield


@pytest.fixture(scope="session")
def numbered_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """90 numbered pictures (see clips.py), 320x240 at 30 per second, H.264."""
    return write_clip(tmp_path_factory.mktemp("clips") / "numbered.mp4", frames=90)


@pytest.fixture
def rtsp_server() -> Iterator[Callable[..., RtspCamera]]:
    """Starts RTSP cameras: ``camera = rtsp_server(file, user=..., password=..., fps=30)``; see RtspCamera.

    Skips with the reason where no such server can run. Whatever was started is stopped at the end.
    """
    skip_unless_possible()
    cameras: list[RtspCamera] = []

    def start(file: Path | None = None, **options: object) -> RtspCamera:
        camera = RtspCamera(file, **options)  # type: ignore[arg-type]
        cameras.append(camera)
        camera.start()
        return camera

    yield start
    for camera in cameras:
        camera.stop()
