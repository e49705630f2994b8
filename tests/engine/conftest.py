from functools import partial
from pathlib import Path

import pytest

from rtme.engine.nvidia import probe
from rtme.engine.trt import backend
from rtme.engine.trt.plans import HOME
from stub_driver import stub_driver
from tensorrt_stand_in import StandIn


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> str:
    return stub_driver(tmp_path_factory.mktemp("driver"))


@pytest.fixture
def machine(driver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A machine with a GPU, TensorRT and an empty folder of plans, none of which is real."""
    found = StandIn()
    found.install(monkeypatch)
    monkeypatch.setattr(backend, "probe", partial(probe, driver=driver))
    monkeypatch.setenv(HOME, str(tmp_path / "plans"))
    return found
