"""The CPU backends: what they compute, and what they refuse."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtme.engine.backend import Wish
from rtme.engine.backends import BACKENDS, open_backend, open_for
from rtme.engine.bundle import Bundle, load_bundle, write_bundle
from rtme.errors import EngineError
from tiny_engine import NUMBERS, encoder_graph, make_tiny_bundle, temporal_graph

CPU = ("onnxruntime", "openvino")
ENCODER = encoder_graph(112, 4, 3, 2)
TEMPORAL = temporal_graph(32, 4, 3, 2)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny"))


def crops(count: int) -> np.ndarray:
    random = np.random.default_rng(1)
    return random.integers(100, 156, (count, 112, 112, 3), np.uint8)


@pytest.mark.parametrize("name", CPU)
def test_shapes_and_ranges(tiny: Bundle, name: str) -> None:
    backend = open_backend(tiny, name)
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


@pytest.mark.parametrize("name", CPU)
def test_nothing_in_gives_nothing_out(tiny: Bundle, name: str) -> None:
    features = open_backend(tiny, name).encode(np.zeros((0, 112, 112, 3), np.uint8))
    assert (features.frame.shape, features.regions.shape) == ((0, 4), (0, 3, 2))


@pytest.mark.parametrize("name", CPU)
def test_a_result_does_not_depend_on_its_company(tiny: Bundle, name: str) -> None:
    backend = open_backend(tiny, name, threads=2)
    batch = crops(4)
    together = backend.encode(batch)
    for i in range(4):
        alone = backend.encode(batch[i : i + 1])
        np.testing.assert_array_equal(alone.frame[0], together.frame[i])
        np.testing.assert_array_equal(alone.regions[0], together.regions[i])


@pytest.mark.parametrize("name", CPU)
def test_the_default_engine_says_the_same_of_windows_in_any_company(name: str) -> None:
    """So a recording that is worked through fast gives the intervals that it gives live."""
    backend = open_backend(load_bundle("default"), name)
    random, m = np.random.default_rng(2), backend.manifest
    frame = random.normal(size=(7, m.window, m.token_size)).astype(np.float32)
    regions = random.normal(size=(7, m.window, m.regions, m.region_size)).astype(np.float32)
    valid = (random.random((7, m.window)) > 0.2).astype(np.float32)
    together = backend.score(frame, regions, valid)
    for i in range(7):
        alone = backend.score(*(part[i : i + 1] for part in (frame, regions, valid)))
        np.testing.assert_array_equal(alone.p_me[0], together.p_me[i])
        np.testing.assert_array_equal(alone.p_speaking[0], together.p_speaking[i])
        np.testing.assert_array_equal(alone.frame_scores[0], together.frame_scores[i])


@pytest.mark.parametrize("name", CPU)
def test_the_tiny_engine_answers_to_motion(tiny: Bundle, name: str) -> None:
    backend = open_backend(tiny, name)
    still = np.full((1, 112, 112, 3), 128, np.uint8)
    moving = still.copy()
    moving[0, 30:60, 40:70, 2] += 24  # 1.5 pixels down
    scores = []
    for crop in (still, moving):
        features = backend.encode(crop)
        window = np.repeat(features.frame[:, None], 32, 1), np.repeat(features.regions[:, None], 32, 1)
        scores.append(backend.score(*window, np.ones((1, 32), np.float32)).frame_scores.max())
    assert scores[0] < 0.1 < 0.9 < scores[1]


@pytest.mark.parametrize("name", CPU)
def test_nan_passes_through_as_nan(tiny: Bundle, name: str) -> None:
    frame = np.full((1, 32, 4), np.nan, np.float32)
    scores = open_backend(tiny, name).score(
        frame, np.zeros((1, 32, 3, 2), np.float32), np.ones((1, 32), np.float32)
    )
    assert np.isnan(scores.frame_scores).all()


@pytest.mark.parametrize("name", CPU)
def test_a_crop_of_another_size_is_refused(tiny: Bundle, name: str) -> None:
    backend = open_backend(tiny, name)
    with pytest.raises(EngineError, match=r"encoder\.onnx failed: .*(64|dimensions)"):
        backend.encode(np.zeros((1, 64, 64, 3), np.uint8))
    with pytest.raises(EngineError, match=r"encoder\.onnx failed: .*(data type|float)"):
        backend.encode(np.zeros((1, 112, 112, 3), np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CPU)
def test_a_closed_engine_says_so(tiny: Bundle, name: str) -> None:
    backend = open_backend(tiny, name)
    backend.close()
    backend.close()
    with pytest.raises(EngineError, match="this engine was closed"):
        backend.encode(crops(1))


@pytest.mark.parametrize("name", CPU)
def test_backends_by_name(tiny: Bundle, name: str) -> None:
    opened = open_for(tiny, Wish(name))
    assert (opened.backend.name, opened.why) == (name, "it was asked for")
    assert opened.backend.label.startswith(name)


def test_auto_says_which_and_why(tiny: Bundle) -> None:
    opened = open_for(tiny, Wish())
    assert opened.why == "the best that works here"
    before = BACKENDS[: BACKENDS.index(opened.backend.name)]
    assert tuple(opened.refused) == before
    assert all(opened.refused.values())


@pytest.mark.parametrize("count", range(10))
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_openvino_says_what_onnxruntime_says(tiny: Bundle, count: int, threads: int) -> None:
    theirs, ours = (open_for(tiny, Wish(name, threads=threads)).backend.encode(crops(count)) for name in CPU)
    np.testing.assert_allclose(ours.frame, theirs.frame, atol=1e-5)
    np.testing.assert_allclose(ours.regions, theirs.regions, atol=1e-5)


@pytest.mark.parametrize(("name", "precision"), [("onnxruntime", "fp16"), ("openvino", "int8")])
def test_a_precision_that_a_backend_lacks_is_refused(tiny: Bundle, name: str, precision: Any) -> None:
    with pytest.raises(EngineError, match=f"fp32.*not in {precision}"):
        open_for(tiny, Wish(name, precision=precision))


def test_an_unknown_backend_names_the_choices(tiny: Bundle) -> None:
    with pytest.raises(EngineError, match=r"no backend is called 'abacus': give auto or .*onnxruntime"):
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
@pytest.mark.parametrize("name", CPU)
def test_graphs_that_do_not_fit_the_manifest(
    tmp_path: Path, name: str, numbers: dict[str, Any], sentence: str
) -> None:
    bundle = write_bundle(tmp_path, NUMBERS | numbers, encoder=ENCODER, temporal=TEMPORAL)
    with pytest.raises(EngineError, match=sentence):
        open_backend(bundle, name)


@pytest.mark.parametrize(
    ("encoder", "temporal", "sentence"),
    [
        (TEMPORAL, TEMPORAL, r"encoder\.onnx has the inputs frame, regions, valid: an engine needs crops"),
        (ENCODER, ENCODER, r"temporal\.onnx has the inputs crops: an engine needs frame, regions, valid"),
        (b"", TEMPORAL, r"encoder\.onnx is no graph that .* can run: "),
        (b"not a graph", TEMPORAL, r"encoder\.onnx is no graph that .* can run: "),
        (ENCODER[: len(ENCODER) // 2], TEMPORAL, r"encoder\.onnx is no graph that .* can run: "),
        (ENCODER.replace(b"crops", b"crop\xc3"), TEMPORAL, r"encoder\.onnx is no graph that .* can run: "),
    ],
)
@pytest.mark.parametrize("name", CPU)
def test_graphs_that_are_none(
    tmp_path: Path, name: str, encoder: bytes, temporal: bytes, sentence: str
) -> None:
    bundle = write_bundle(tmp_path, NUMBERS, encoder=encoder, temporal=temporal)
    with pytest.raises(EngineError, match=sentence) as raised:
        open_backend(bundle, name)
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
