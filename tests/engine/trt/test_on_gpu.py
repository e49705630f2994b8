"""The real thing, where there is one."""

from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from rtme.engine.backend import Wish
from rtme.engine.backends import open_backend, open_for
from rtme.engine.bundle import load_bundle
from rtme.engine.trt.backend import machine_for
from rtme.engine.trt.making import make_plans
from rtme.engine.trt.parity import TOLERANCE
from rtme.engine.trt.plans import HOME, PlanStore, plans_folder
from rtme.engine.trt.typed import Kept
from rtme.errors import EngineError

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(900)]


@pytest.fixture(autouse=True)
def _gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        machine_for(0)
    except EngineError as error:
        pytest.skip(str(error))
    monkeypatch.setenv(HOME, str(tmp_path / "plans"))


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_the_default_engine_is_built_and_run(precision: Kept) -> None:
    bundle = load_bundle("default")
    make_plans(bundle, Wish(max_batch=4), precision, PlanStore(plans_folder()), print)
    backend = open_for(bundle, Wish("tensorrt", precision, max_batch=4)).backend
    crops = np.random.default_rng(4).integers(100, 156, (11, 112, 112, 3), np.uint8)
    wanted = open_backend(bundle, "onnxruntime").encode(crops)
    found = []
    # The service opens it in one thread and uses it in another.
    thread = Thread(target=lambda: found.append(backend.encode(crops)))
    thread.start()
    thread.join(30)
    for ours, theirs in ((found[0].frame, wanted.frame), (found[0].regions, wanted.regions)):
        assert np.abs(ours - theirs).max() <= TOLERANCE[precision].features * theirs.std()
    assert "without CUDA graphs" not in backend.label
    backend.close()
