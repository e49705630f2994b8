"""A backend that is lost while it runs: another finishes what it began."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import rtme
from faces import astronaut_clip
from rtme.engine import backends
from rtme.engine.backend import Features, Wish
from rtme.engine.backends import Kind, open_backend
from rtme.engine.bundle import Bundle, load_bundle
from rtme.engine.lasting import LastingBackend
from rtme.engine.ort import OnnxRuntimeBackend
from rtme.errors import BackendLostError, EngineError
from rtme.events import HeartbeatEvent, IntervalEvent, WarningEvent
from tiny_engine import make_tiny_bundle

CROPS = np.random.default_rng(1).integers(100, 156, (3, 112, 112, 3), np.uint8)


class Fragile(OnnxRuntimeBackend):
    """Runs like onnxruntime, and is lost at its tenth call."""

    name = "fragile"

    def __init__(self, bundle: Bundle, wish: Wish) -> None:
        super().__init__(bundle, wish)
        self.label = "fragile 1.0, fp32, device 0"
        self._left = 9

    def encode(self, crops: NDArray[np.uint8]) -> Features:
        if self._left == 0:
            raise BackendLostError("device 0 has no memory left for 3 crops")
        self._left -= 1
        return super().encode(crops)


def missing(bundle: Bundle, wish: Wish) -> str | None:
    return None


@pytest.fixture
def fragile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "KINDS", {"fragile": Kind(__name__, "Fragile"), **backends.KINDS})


@pytest.mark.usefixtures("fragile")
def test_the_call_that_failed_is_answered_by_another(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path)
    said: list[str] = []
    engine = LastingBackend(bundle, Wish())
    engine.on_lost = said.append
    assert engine.name == "fragile"
    expected = open_backend(bundle, "onnxruntime").encode(CROPS)
    for _ in range(12):
        np.testing.assert_allclose(engine.encode(CROPS).frame, expected.frame, atol=1e-6)
    assert engine.name in backends.ON_CPU
    (sentence,) = said
    assert "fragile 1.0, fp32, device 0 was lost (device 0 has no memory left for 3 crops)" in sentence
    assert engine.label in sentence
    engine.close()


@pytest.mark.usefixtures("fragile")
def test_without_another_the_loss_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = LastingBackend(make_tiny_bundle(tmp_path), Wish("fragile"))
    monkeypatch.setattr(backends, "KINDS", {"fragile": backends.KINDS["fragile"]})
    for _ in range(9):
        engine.encode(CROPS)
    with pytest.raises(BackendLostError, match="no memory left"):
        engine.encode(CROPS)


@pytest.mark.usefixtures("fragile")
def test_a_service_goes_on_and_says_so(tmp_path: Path) -> None:
    clip = astronaut_clip(tmp_path / "face.mp4", seconds=3, seed=3)
    bundle = make_tiny_bundle(tmp_path / "engine")
    found = {}
    for name in ("onnxruntime", "auto"):
        with rtme.Live([str(clip)], fast=True, engine=str(bundle.path), backend=name) as live:
            found[name] = list(live)
    warnings = [e.text for e in found["auto"] if isinstance(e, WarningEvent)]
    assert any("was lost" in text for text in warnings), warnings
    last = [e for e in found["auto"] if isinstance(e, HeartbeatEvent)][-1]
    assert last.backend is not None
    assert not last.backend.startswith("fragile")
    intervals = {
        name: [(e.status, e.onset.frame, e.offset.frame) for e in events if isinstance(e, IntervalEvent)]
        for name, events in found.items()
    }
    assert intervals["auto"] == intervals["onnxruntime"]
    assert intervals["auto"]


def test_no_backend_by_that_name() -> None:
    with pytest.raises(EngineError, match="give auto or"):
        LastingBackend(load_bundle("default"), Wish("tensorflow"))
