"""The onnxruntime backend: what it computes, and what it refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtme.engine.backends import open_backend
from rtme.engine.bundle import Bundle, write_bundle
from rtme.errors import EngineError
from tiny_engine import NUMBERS, encoder_graph, make_tiny_bundle, temporal_graph

ENCODER = encoder_graph(112, 4, 3, 2)
TEMPORAL = temporal_graph(32, 4, 3, 2)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny"))


def crops(count: int) -> np.ndarray:
    random = np.random.default_rng(1)
    return random.integers(100, 156, (count, 112, 112, 3), np.uint8)


def test_shapes_and_ranges(tiny: Bundle) -> None:
    backend = open_backend(tiny)
    features = backend.encode(crops(5))
    assert features.frame.shape == (5, 4)
    assert features.regions.shape == (5, 3, 2)
    windows = np.repeat(features.frame[:, None], 32, 1), np.repeat(features.regions[:, None], 32, 1)
    scores = backend.score(*windows, np.ones((5, 32), np.float32))
    assert scores.p_me.shape == (5,)
    assert scores.p_speaking.shape == (5, 32)
    assert scores.frame_scores.shape == (5, 32)
    for p in (scores.p_me, scores.p_speaking, scores.frame_scores):
        assert p.dtype == np.float32
        assert 0 <= p.min() <= p.max() <= 1


def test_nothing_in_gives_nothing_out(tiny: Bundle) -> None:
    features = open_backend(tiny).encode(np.zeros((0, 112, 112, 3), np.uint8))
    assert (features.frame.shape, features.regions.shape) == ((0, 4), (0, 3, 2))


def test_a_result_does_not_depend_on_its_company(tiny: Bundle) -> None:
    backend = open_backend(tiny, threads=2)
    batch = crops(4)
    together = backend.encode(batch)
    for i in range(4):
        alone = backend.encode(batch[i : i + 1])
        np.testing.assert_array_equal(alone.frame[0], together.frame[i])
        np.testing.assert_array_equal(alone.regions[0], together.regions[i])


def test_the_tiny_engine_answers_to_motion(tiny: Bundle) -> None:
    backend = open_backend(tiny)
    still = np.full((1, 112, 112, 3), 128, np.uint8)
    moving = still.copy()
    moving[0, 30:60, 40:70, 2] += 24  # 1.5 pixels down
    scores = []
    for crop in (still, moving):
        features = backend.encode(crop)
        window = np.repeat(features.frame[:, None], 32, 1), np.repeat(features.regions[:, None], 32, 1)
        scores.append(backend.score(*window, np.ones((1, 32), np.float32)).frame_scores.max())
    assert scores[0] < 0.1 < 0.9 < scores[1]


def test_nan_passes_through_as_nan(tiny: Bundle) -> None:
    frame = np.full((1, 32, 4), np.nan, np.float32)
    scores = open_backend(tiny).score(
        frame, np.zeros((1, 32, 3, 2), np.float32), np.ones((1, 32), np.float32)
    )
    assert np.isnan(scores.frame_scores).all()


def test_a_crop_of_another_size_is_refused(tiny: Bundle) -> None:
    backend = open_backend(tiny)
    with pytest.raises(EngineError, match=r"encoder\.onnx failed: .*dimensions"):
        backend.encode(np.zeros((1, 64, 64, 3), np.uint8))
    with pytest.raises(EngineError, match=r"encoder\.onnx failed: .*data type"):
        backend.encode(np.zeros((1, 112, 112, 3), np.float32))  # type: ignore[arg-type]


def test_a_closed_engine_says_so(tiny: Bundle) -> None:
    backend = open_backend(tiny)
    backend.close()
    backend.close()
    with pytest.raises(EngineError, match="this engine was closed"):
        backend.encode(crops(1))


@pytest.mark.parametrize("backend", ["auto", "onnxruntime"])
def test_backends_by_name(tiny: Bundle, backend: str) -> None:
    assert open_backend(tiny, backend).name == "onnxruntime"


def test_an_unknown_backend_names_the_choices(tiny: Bundle) -> None:
    with pytest.raises(EngineError, match="no backend is called 'abacus': give auto or torch-cuda"):
        open_backend(tiny, "abacus")


@pytest.mark.parametrize("threads", [0, -2])
def test_threads_must_be_some(tiny: Bundle, threads: int) -> None:
    with pytest.raises(EngineError, match=f"cannot run with {threads} threads"):
        open_backend(tiny, threads=threads)


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ({"regions": 5}, r"encoder\.onnx: regions is 3 where regions 5 in the manifest"),
        ({"region_size": 9}, r"encoder\.onnx: regions is 2 where region_size 9 in the manifest"),
        ({"frame_size": 9}, r"encoder\.onnx: frame is 4 where frame_size 9 in the manifest"),
        ({"size": 64}, r"encoder\.onnx: crops is 112 where size 64 in the manifest"),
        ({"window": 16}, r"temporal\.onnx: frame is 32 where window 16 in the manifest"),
    ],
)
def test_graphs_that_do_not_fit_the_manifest(tmp_path: Path, numbers: dict[str, Any], sentence: str) -> None:
    bundle = write_bundle(tmp_path, NUMBERS | numbers, encoder=ENCODER, temporal=TEMPORAL)
    with pytest.raises(EngineError, match=sentence):
        open_backend(bundle)


@pytest.mark.parametrize(
    ("encoder", "temporal", "sentence"),
    [
        (TEMPORAL, TEMPORAL, r"encoder\.onnx has the inputs frame, regions, valid: an engine needs crops"),
        (ENCODER, ENCODER, r"temporal\.onnx has the inputs crops: an engine needs frame, regions, valid"),
        (b"", TEMPORAL, r"encoder\.onnx is no graph that onnxruntime can run: "),
        (b"not a graph", TEMPORAL, r"encoder\.onnx is no graph that onnxruntime can run: "),
        (ENCODER[: len(ENCODER) // 2], TEMPORAL, r"encoder\.onnx is no graph that onnxruntime can run: "),
    ],
)
def test_graphs_that_are_none(tmp_path: Path, encoder: bytes, temporal: bytes, sentence: str) -> None:
    bundle = write_bundle(tmp_path, NUMBERS, encoder=encoder, temporal=temporal)
    with pytest.raises(EngineError, match=sentence) as raised:
        open_backend(bundle)
    assert "\n" not in str(raised.value)


def test_a_size_that_shows_only_in_the_answer_is_checked(tmp_path: Path) -> None:
    import onnx

    model = onnx.load_from_string(ENCODER)
    for output in model.graph.output:
        for dimension in output.type.tensor_type.shape.dim:
            dimension.dim_param = f"free_{output.name}"
    free = model.SerializeToString()
    bundle = write_bundle(tmp_path, NUMBERS | {"region_size": 7}, encoder=free, temporal=TEMPORAL)
    with pytest.raises(EngineError, match="regions is 2 where region_size 7 in the manifest"):
        open_backend(bundle)
