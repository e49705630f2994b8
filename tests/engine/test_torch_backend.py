"""The torch backend against onnxruntime: the same graphs, the same answers."""

import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rtme.engine import torch_backend, torch_cuda
from rtme.engine.backend import Backend, Precision, Wish
from rtme.engine.backends import open_for
from rtme.engine.bundle import Bundle, load_bundle, write_bundle
from rtme.engine.manifest import Manifest
from rtme.engine.torch_backend import TorchBackend
from rtme.errors import EngineError
from rtme.model.config import ModelConfig
from rtme.model.encoder import Encoder
from rtme.model.meldae import Probabilities
from rtme.model.temporal import Temporal
from rtme.train.export import ENCODER, TEMPORAL, _graph, crops_like, tokens_like
from tiny_engine import NUMBERS, encoder_graph, graph, make_tiny_bundle, node, temporal_graph, value

CLOSE = 1e-5
"""Largest difference of anything, features included. Measured: 1.4e-6 on the default engine."""

_NO_GPU = torch_cuda.missing(load_bundle("default"), Wish("torch-cuda"))
gpu = [pytest.mark.gpu, pytest.mark.skipif(_NO_GPU is not None, reason=str(_NO_GPU))]


@pytest.fixture(scope="module", params=["tiny", "default"])
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    if request.param == "default":
        return load_bundle("default")
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def default() -> Backend:
    return opened(load_bundle("default"), "torch", max_batch=5)


def opened(bundle: Bundle, backend: str, max_batch: int = 16, precision: Precision | None = None) -> Backend:
    return open_for(bundle, Wish(backend, precision, max_batch=max_batch)).backend


def crops(count: int, size: int = 112) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, size, size, 3), np.uint8)


def windows(manifest: Manifest, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random features; the last window has no valid slot, as before a face is judged."""
    random = np.random.default_rng(count)
    shapes = [(count, manifest.window, manifest.token_size)]
    shapes += [(count, manifest.window, manifest.regions, manifest.region_size)]
    frame, regions = (random.normal(size=shape).astype(np.float32) for shape in shapes)
    valid = (random.random((count, manifest.window)) > 0.3).astype(np.float32)
    valid[-1:] = 0
    return frame, regions, valid


def answers(backend: Backend, count: int) -> dict[str, np.ndarray]:
    features = backend.encode(crops(count, backend.manifest.size))
    scores = backend.score(*windows(backend.manifest, count))
    return {
        "frame": features.frame,
        "regions": features.regions,
        "p_me": scores.p_me,
        "p_speaking": scores.p_speaking,
        "frame_scores": scores.frame_scores,
    }


def assert_close(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray], close: float = CLOSE) -> None:
    for name, expected in wanted.items():
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=close, err_msg=name)


@pytest.mark.parametrize("count", [0, 1, 7, 20])
def test_it_says_what_onnxruntime_says(bundle: Bundle, count: int) -> None:
    assert_close(answers(opened(bundle, "torch"), count), answers(opened(bundle, "onnxruntime"), count))


@pytest.mark.parametrize(
    "choices",
    [
        pytest.param(
            {"join": "readout", "regional": False, "frame_token": "class", "measures": ()},
            marks=pytest.mark.slow,
        ),
        {"input": "rgb", "pooling": "grid", "lstm": False, "enhancer": False},
    ],
)
def test_it_runs_engines_of_other_settings(tmp_path: Path, choices: dict[str, Any]) -> None:
    sizes = {"dim": 32, "depth": 1, "heads": 2, "lstm_hidden": 16, "query_dim": 16, "query_heads": 2}
    config = ModelConfig(**sizes | choices)
    torch.manual_seed(0)
    modules = (Encoder(config), ENCODER, crops_like), (Probabilities(Temporal(config)), TEMPORAL, tokens_like)
    encoder, temporal = (
        _graph(module.eval(), tmp_path / "graph.onnx", partial(like, config), names)
        for module, names, like in modules
    )
    numbers = NUMBERS | {
        "input": config.input,
        "flow_lag": 0 if config.input == "rgb" else 6,
        "frame_size": config.frame_size,
        "measures": config.measured,
        "regions": config.regions,
        "region_size": config.region_size,
    }
    bundle = write_bundle(tmp_path, numbers, encoder=encoder, temporal=temporal)
    assert_close(answers(opened(bundle, "torch"), 5), answers(opened(bundle, "onnxruntime"), 5))


@given(count=st.integers(0, 12), data=st.data())
@settings(max_examples=15, deadline=None)
def test_answers_do_not_depend_on_their_company(default: Backend, count: int, data: st.DataObject) -> None:
    batch = crops(12)[data.draw(st.permutations(range(12)))][:count]
    together = default.encode(batch)
    assert together.frame.shape == (count, default.manifest.frame_size)
    for place in range(count):
        alone = default.encode(batch[place : place + 1])
        np.testing.assert_allclose(alone.frame[0], together.frame[place], rtol=0, atol=CLOSE)
        np.testing.assert_allclose(alone.regions[0], together.regions[place], rtol=0, atol=CLOSE)


def test_bf16_is_near_and_is_not_fp32(default: Backend) -> None:
    # Opened past the question whether the processor has it: without, it is slow and as right.
    rough = TorchBackend(load_bundle("default"), Wish("torch", "bf16")).encode(crops(1))
    differences = np.abs(rough.regions - default.encode(crops(1)).regions)
    assert 1e-3 < differences.max() < 0.2


def test_nan_passes_through_as_nan(tiny: Bundle) -> None:
    frame, regions, valid = windows(tiny.manifest, 1)
    scores = opened(tiny, "torch").score(np.full_like(frame, np.nan), regions, np.ones_like(valid))
    assert np.isnan(scores.frame_scores).all()


def test_what_comes_back_is_the_callers_to_keep(tiny: Bundle) -> None:
    backend = opened(tiny, "torch")
    first = backend.encode(crops(1)).frame
    kept = first.copy()
    backend.encode(crops(2)[1:])
    np.testing.assert_array_equal(first, kept)


def test_tensors_that_do_not_fit_are_refused(tiny: Bundle) -> None:
    backend = opened(tiny, "torch")
    with pytest.raises(EngineError, match=r"encoder\.onnx failed: crops has the dimensions"):
        backend.encode(crops(1, 64))
    with pytest.raises(EngineError, match=r"encoder\.onnx failed: the data type of crops is float32"):
        backend.encode(crops(1).astype(np.float32))  # type: ignore[arg-type]


def test_a_closed_engine_says_so(tiny: Bundle) -> None:
    backend = opened(tiny, "torch")
    backend.close()
    backend.close()
    with pytest.raises(EngineError, match="this engine was closed"):
        backend.encode(crops(1))


def test_a_graph_that_does_not_fit_the_manifest(tmp_path: Path) -> None:
    bundle = write_bundle(
        tmp_path,
        NUMBERS | {"regions": 5},
        encoder=encoder_graph(112, 4, 3, 2),
        temporal=temporal_graph(32, 4, 3, 2),
    )
    with pytest.raises(EngineError, match=r"encoder\.onnx: regions is 3 where regions 5 in the manifest"):
        opened(bundle, "torch")


def odd_encoder(kind: str, **attributes: object) -> bytes:
    """An encoder whose frame tokens go through one more node."""
    model = onnx.load_from_string(encoder_graph(112, 4, 3, 2))
    for each in model.graph.node:
        each.output[:] = ["plain" if name == "frame" else name for name in each.output]
    constants = {entry.name: onnx.numpy_helper.to_array(entry) for entry in model.graph.initializer}
    nodes = [*model.graph.node, node(kind, ["plain"], "frame", **attributes)]
    inputs = [value("crops", onnx.TensorProto.UINT8, "N", 112, 112, 3)]
    return graph(nodes, constants, inputs, list(model.graph.output))


def odd_pooling() -> bytes:
    model = onnx.load_from_string(encoder_graph(112, 4, 3, 2))
    (pool,) = (each for each in model.graph.node if each.op_type == "AveragePool")
    pool.attribute.append(onnx.helper.make_attribute("auto_pad", "VALID"))
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("encoder", "sentence"),
    [
        (odd_encoder("HardSwish"), "it does not know the operator HardSwish"),
        (odd_pooling(), "it does not know AveragePool with auto_pad VALID"),
        (b"not a graph", "is no graph that torch can run"),
        (b"", "is no graph that torch can run"),
    ],
)
def test_graphs_that_it_cannot_run_are_refused_in_one_sentence(
    tmp_path: Path, encoder: bytes, sentence: str
) -> None:
    bundle = write_bundle(tmp_path, NUMBERS, encoder=encoder, temporal=temporal_graph(32, 4, 3, 2))
    with pytest.raises(EngineError, match=sentence) as raised:
        opened(bundle, "torch")
    assert "\n" not in str(raised.value)


def test_another_opset_is_refused(tmp_path: Path) -> None:
    model = onnx.load_from_string(encoder_graph(112, 4, 3, 2))
    model.opset_import[0].version = 99
    bundle = write_bundle(
        tmp_path, NUMBERS, encoder=model.SerializeToString(), temporal=temporal_graph(32, 4, 3, 2)
    )
    with pytest.raises(EngineError, match=r"encoder\.onnx"):
        opened(bundle, "torch")


def test_a_precision_it_has_not_is_refused(tiny: Bundle) -> None:
    with pytest.raises(EngineError, match="torch computes in fp32 or bf16 on a CPU, not in fp16"):
        opened(tiny, "torch", precision="fp16")


def test_without_torch_it_says_what_to_install(tiny: Bundle, tmp_path: Path) -> None:
    # A machine without torch: a process of its own in which nothing of that name can be found.
    code = f"""
import importlib.machinery, sys
found = importlib.machinery.PathFinder.find_spec
importlib.machinery.PathFinder.find_spec = lambda name, *rest: None if name == "torch" else found(name, *rest)
from rtme.engine.backend import Wish
from rtme.engine.backends import KINDS, open_for
from rtme.engine.bundle import load_bundle
bundle = load_bundle({str(tiny.path)!r})
for name in ("torch", "torch-cuda"):
    print(KINDS[name].missing(bundle, Wish(name)))
print(open_for(bundle, Wish()).backend.name)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    sentence = "torch is not installed: pip install 'rtme[torch]'"
    assert said.splitlines()[:2] == [sentence, sentence]
    assert said.splitlines()[2] in ("openvino", "onnxruntime")


def test_looking_for_a_gpu_loads_no_torch_where_there_is_none(tiny: Bundle) -> None:
    code = f"""
import sys
from rtme.engine.backend import Wish
from rtme.engine.bundle import load_bundle
from rtme.engine.torch_cuda import missing
reason = missing(load_bundle({str(tiny.path)!r}), Wish("torch-cuda"))
print(reason is None or "torch" not in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "True"


def test_each_reason_names_the_value(tiny: Bundle) -> None:
    assert torch_backend.missing(tiny, Wish("torch")) is None
    assert "not in int8" in str(torch_backend.missing(tiny, Wish("torch", "int8")))
    slow = torch_backend.missing(tiny, Wish("torch", "bf16"))
    assert slow in (None, "this processor has no bf16 of its own, so it would be slower than fp32")


class TestOnAGpu:
    pytestmark = gpu

    @pytest.mark.parametrize("count", [0, 1, 3, 16, 37])
    def test_fp32_says_what_onnxruntime_says(self, bundle: Bundle, count: int) -> None:
        found = answers(opened(bundle, "torch-cuda"), count)
        assert_close(found, answers(opened(bundle, "onnxruntime"), count), 1e-4)

    @pytest.mark.parametrize("precision", ["fp16", "bf16"])
    def test_lower_precisions_are_near(self, precision: Precision) -> None:
        bundle = load_bundle("default")
        found = answers(opened(bundle, "torch-cuda", precision=precision), 8)
        assert_close(found, answers(opened(bundle, "onnxruntime"), 8), 0.2)

    def test_graphs_are_captured(self, bundle: Bundle) -> None:
        assert "without CUDA graphs" not in opened(bundle, "torch-cuda").label

    def test_a_gpu_that_is_not_there(self, tiny: Bundle) -> None:
        wish = replace(Wish("torch-cuda"), device=99)
        assert "there is no GPU 99" in str(torch_cuda.missing(tiny, wish))
