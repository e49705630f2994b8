"""The whole backend on a machine that only pretends to have a GPU: what it computes, what it frees and what it says."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from rtme.engine.backend import Backend, Precision, Wish
from rtme.engine.backends import ON_CPU, open_backend, open_for
from rtme.engine.bundle import Bundle, load_bundle
from rtme.engine.lasting import LastingBackend
from rtme.engine.trt.backend import TensorRtBackend
from rtme.engine.trt.making import make_plans
from rtme.engine.trt.plans import PlanStore, plans_folder
from rtme.engine.trt.typed import Kept
from rtme.errors import BackendLostError, EngineError
from tensorrt_stand_in import StandIn
from tiny_engine import make_tiny_bundle

WISH = Wish("tensorrt", max_batch=4)


@pytest.fixture
def tiny(tmp_path: Path) -> Bundle:
    return make_tiny_bundle(tmp_path / "tiny")


@pytest.fixture
def opened(machine: StandIn, tiny: Bundle) -> Iterator[Backend]:
    make(tiny)
    backend = open_for(tiny, WISH).backend
    yield backend
    backend.close()


def make(bundle: Bundle, precision: Kept = "fp16", max_batch: int = 4) -> list[str]:
    said: list[str] = []
    make_plans(bundle, Wish(max_batch=max_batch), precision, PlanStore(plans_folder()), said.append)
    return said


def crops(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(100, 156, (count, 112, 112, 3), np.uint8)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 11])
def test_it_computes_what_onnxruntime_does(opened: Backend, tiny: Bundle, count: int) -> None:
    plain = open_backend(tiny, "onnxruntime")
    ours, theirs = opened.encode(crops(count)), plain.encode(crops(count))
    for a, b in ((ours.frame, theirs.frame), (ours.regions, theirs.regions)):
        assert (a.shape, a.dtype) == (b.shape, np.float32)
        np.testing.assert_allclose(a, b, atol=0.01, rtol=0.01)
    random = np.random.default_rng(2)
    frame = random.normal(size=(count, 32, 4)).astype(np.float32)
    window = (frame, np.zeros((count, 32, 3, 2), np.float32), np.ones((count, 32), np.float32))
    scores, wanted = opened.score(*window), plain.score(*window)
    np.testing.assert_allclose(scores.p_me, wanted.p_me, atol=1e-6)
    np.testing.assert_allclose(scores.frame_scores, wanted.frame_scores, atol=1e-6)
    np.testing.assert_allclose(scores.p_speaking, wanted.p_speaking, atol=1e-6)


def test_the_default_engine_in_fp16(machine: StandIn) -> None:
    bundle = load_bundle("default")
    said = make(bundle, max_batch=2)
    backend = open_backend(bundle)
    assert backend.label == "TensorRT 11.4.0.106, fp16, Stub GPU"
    assert any("furthest from onnxruntime: frame" in line for line in said)
    backend.close()


def test_auto_takes_it_once_its_plans_are_built(machine: StandIn, tiny: Bundle) -> None:
    before = open_for(tiny, Wish())
    assert before.backend.name in ON_CPU
    assert "`rtme engine build" in before.refused["tensorrt"]
    make(tiny)
    assert open_for(tiny, Wish()).backend.name == "tensorrt"


def test_answers_are_the_callers_to_keep(opened: Backend) -> None:
    first = opened.encode(crops(3))
    kept = first.frame.copy()
    opened.encode(255 - crops(3))
    np.testing.assert_array_equal(first.frame, kept)


def test_an_answer_does_not_depend_on_the_call_before(opened: Backend) -> None:
    before = opened.encode(crops(3))
    opened.encode(np.full((4, 112, 112, 3), 255, np.uint8))
    np.testing.assert_array_equal(opened.encode(crops(3)).frame, before.frame)


def test_nan_passes_through(opened: Backend) -> None:
    scores = opened.score(
        np.full((1, 32, 4), np.nan, np.float32),
        np.zeros((1, 32, 3, 2), np.float32),
        np.ones((1, 32), np.float32),
    )
    assert np.isnan(scores.frame_scores).all()


def test_any_thread_may_use_it_and_leaves_no_context_behind(opened: Backend, machine: StandIn) -> None:
    found = []

    def use() -> None:
        found.append(opened.encode(crops(2)).frame.shape)
        found.append(list(machine.stack))

    thread = Thread(target=use)
    thread.start()
    thread.join(30)
    assert found == [(2, 4), []]
    assert machine.stack == []


def test_a_call_takes_no_memory_and_replays_a_graph(opened: Backend, machine: StandIn) -> None:
    allocated, launched = machine.allocated, machine.launched
    opened.encode(crops(7))
    assert machine.allocated == allocated
    assert machine.launched == launched + 2  # a batch of 4 and one of 3, filled up


def test_closing_frees_everything(opened: Backend, machine: StandIn) -> None:
    assert machine.memory
    opened.close()
    opened.close()
    assert not machine.memory
    with pytest.raises(EngineError, match="this engine was closed: open it again"):
        opened.encode(crops(1))


def test_without_recording_it_runs_as_well(machine: StandIn, tiny: Bundle) -> None:
    machine.fails = {"capture"}
    assert any("runs without CUDA graphs" in line for line in make(tiny))
    backend = open_for(tiny, WISH).backend
    assert backend.label.endswith("Stub GPU, without CUDA graphs")
    expected = open_backend(tiny, "onnxruntime").encode(crops(3))
    np.testing.assert_allclose(backend.encode(crops(3)).frame, expected.frame, atol=0.01, rtol=0.01)
    backend.close()


def test_a_smaller_wish_uses_the_same_plans(machine: StandIn, tiny: Bundle) -> None:
    make(tiny, max_batch=4)
    backend = open_for(tiny, Wish("tensorrt", max_batch=2)).backend
    launched = machine.launched
    backend.encode(crops(4))
    assert machine.launched == launched + 2
    backend.close()


@pytest.mark.parametrize("failure", ["execute", "launch"])
def test_a_failing_gpu_is_a_lost_backend(machine: StandIn, tiny: Bundle, failure: str) -> None:
    make(tiny)
    machine.fails = {"capture"} if failure == "execute" else set()
    backend = open_for(tiny, WISH).backend
    machine.fails = {failure}
    with pytest.raises(BackendLostError, match=r"the kernel was lost|DEVICE_UNAVAILABLE"):
        backend.encode(crops(1))
    assert machine.stack == []
    backend.close()
    assert not machine.memory


def test_a_lost_gpu_costs_no_answer(machine: StandIn, tiny: Bundle) -> None:
    make(tiny)
    backend = LastingBackend(tiny, WISH)
    assert backend.name == "tensorrt"
    machine.fails = {"launch"}
    answer = backend.encode(crops(3))
    assert backend.name in ON_CPU
    expected = open_backend(tiny, "onnxruntime").encode(crops(3))
    np.testing.assert_allclose(answer.frame, expected.frame, atol=1e-4)
    assert (machine.memory, machine.stack) == ({}, [])


def test_no_memory_is_a_lost_backend_and_leaves_nothing(machine: StandIn, tiny: Bundle) -> None:
    make(tiny)
    machine.fails = {"mem_alloc"}
    with pytest.raises(BackendLostError, match=r"GPU 0 has no memory left \(loading the encoder\)"):
        TensorRtBackend(tiny, WISH)
    assert (machine.memory, machine.stack) == ({}, [])
    assert open_for(tiny, Wish()).backend.name in ON_CPU


@pytest.mark.parametrize(
    "wrong", [np.zeros((1, 64, 64, 3), np.uint8), np.zeros((1, 112, 112, 3), np.float32)]
)
def test_crops_that_do_not_fit(opened: Backend, wrong: np.ndarray) -> None:
    with pytest.raises(EngineError, match=r"crops is .* where this engine takes uint8 \(1, 112, 112, 3\)"):
        opened.encode(wrong)


def test_a_wrong_plan_is_not_kept(machine: StandIn, tiny: Bundle) -> None:
    machine.fails = {"noise"}
    with pytest.raises(
        EngineError, match=r"fp16 plan of encoder\.onnx is wrong on this GPU: in batches of 1 "
    ):
        make(tiny)
    assert not list(plans_folder().glob("*.plan"))
    assert machine.memory == {}


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        ("parse", "cannot read this graph: Gelu node_0: not known; Gelu node_1: not known"),
        ("build", "cannot build this graph: no tactic fits"),
    ],
)
def test_what_tensorrt_refuses_is_said(machine: StandIn, tiny: Bundle, failure: str, sentence: str) -> None:
    machine.fails = {failure}
    with pytest.raises(EngineError, match=sentence):
        make(tiny)


def test_a_damaged_plan_is_refused_and_built_anew(machine: StandIn, tiny: Bundle) -> None:
    make(tiny)
    for plan in plans_folder().glob("*.plan"):
        plan.write_bytes(plan.read_bytes()[:-1])
    with pytest.raises(EngineError, match=r"is damaged \(its SHA-256 is another\): build it again"):
        open_for(tiny, WISH)
    make(tiny)
    open_for(tiny, WISH).backend.close()


def test_timings_of_another_driver_are_measured_anew(machine: StandIn, tiny: Bundle) -> None:
    make(tiny)
    for timings in plans_folder().glob("*.timings"):
        timings.write_bytes(b"of another driver")
    make(tiny)
    assert {path.read_bytes() for path in plans_folder().glob("*.timings")} == {b"measured"}


@pytest.mark.parametrize(
    ("version", "precision", "sentence"),
    [
        ("10.15.1", "fp16", "TensorRT 10.15.1 is installed and 10.16 to 11 is needed"),
        ("12.0.0", "fp16", "TensorRT 12.0.0 is installed"),
        (
            "11.5.0",
            "fp16",
            r"was built for TensorRT 11\.4\.0\.106 on Stub GPU .* and this is TensorRT 11\.5\.0 on",
        ),
        ("11.4.0.106", "bf16", r"no plan in bf16 .*: build it with `rtme engine build .* --precision bf16`"),
        ("11.4.0.106", "int8", "in fp32, fp16, bf16, not in int8"),
    ],
)
def test_what_is_missing(
    machine: StandIn,
    tiny: Bundle,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    precision: Precision,
    sentence: str,
) -> None:
    import tensorrt

    make(tiny)
    monkeypatch.setattr(tensorrt, "__version__", version)
    with pytest.raises(EngineError, match=f"backend tensorrt cannot run here: .*{sentence}"):
        open_for(tiny, Wish("tensorrt", precision))
