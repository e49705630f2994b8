"""Files that native code reads: graphs of engines and videos. Each in a process of its own, which may not die of them."""

import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clips import write_clip
from fuzzing import Worker, fuzzed, given_inputs, mutated
from rtme.engine.bundle import MANIFEST, list_bundles, load_bundle
from rtme.errors import EngineError
from tiny_engine import NUMBERS, encoder_graph, temporal_graph

SCRIPT = Path(__file__).with_name("worker.py")
_SIZES = [NUMBERS[name] for name in ("frame_size", "regions", "region_size")]
ENCODER, TEMPORAL = encoder_graph(NUMBERS["size"], *_SIZES), temporal_graph(NUMBERS["window"], *_SIZES)


@pytest.fixture(scope="module")
def workers() -> Iterator[Callable[[str], Worker]]:
    started: dict[str, Worker] = {}

    def worker(target: str) -> Worker:
        if target not in started:
            started[target] = Worker(SCRIPT, target)
        return started[target]

    yield worker
    for each in started.values():
        with each:
            pass


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Small videos of several kinds."""
    folder = tmp_path_factory.mktemp("videos")
    kinds = [("mp4", "libx264"), ("mp4", "mpeg4"), ("avi", "mjpeg"), ("avi", "mpeg4"), ("mkv", "libx264")]
    made = []
    for suffix, codec in kinds:
        pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        path = write_clip(folder / f"{codec}.{suffix}", codec, frames=8, size=(96, 64), pix_fmt=pixels)
        made.append(path.read_bytes())
    return made


@fuzzed(0.08, least=60)
@given(data=st.data())
def test_a_video_is_read_or_refused_and_never_hangs(
    workers: Callable[[str], Worker], videos: list[bytes], data: st.DataObject
) -> None:
    given_inputs["videos"] += 1
    said = workers("video").ask(data.draw(mutated(videos, most=12)))
    assert said.startswith(("refused", "read")), said


def test_a_good_video_is_read(workers: Callable[[str], Worker], videos: list[bytes]) -> None:
    assert [workers("video").ask(video) for video in videos] == ["read 8 frames"] * len(videos)


BACKENDS = {"onnxruntime": "onnxruntime", "openvino": "openvino", "torch": "torch"}


def skip_without(backend: str) -> None:
    if find_spec(BACKENDS[backend]) is None:
        pytest.skip(f"{BACKENDS[backend]} is not installed")


def _try_graph(workers: Callable[[str], Worker], backend: str, data: st.DataObject) -> None:
    skip_without(backend)
    given_inputs[f"graphs with a fitting digest: {backend}"] += 1
    encoder = data.draw(st.booleans())
    graph = data.draw(mutated([ENCODER if encoder else TEMPORAL]))
    said = workers(backend).ask(bytes([encoder]) + graph)
    assert said in ("opened", "refused"), said


@fuzzed(0.03, least=30)
@given(data=st.data())
def test_onnxruntime_opens_a_graph_or_it_is_refused(
    workers: Callable[[str], Worker], data: st.DataObject
) -> None:
    _try_graph(workers, "onnxruntime", data)


@fuzzed(0.01)
@given(data=st.data())
def test_openvino_opens_a_graph_or_it_is_refused(
    workers: Callable[[str], Worker], data: st.DataObject
) -> None:
    _try_graph(workers, "openvino", data)


@fuzzed(0.01)
@given(data=st.data())
def test_torch_opens_a_graph_or_it_is_refused(workers: Callable[[str], Worker], data: st.DataObject) -> None:
    _try_graph(workers, "torch", data)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_good_graphs_are_opened(workers: Callable[[str], Worker], backend: str) -> None:
    skip_without(backend)
    assert workers(backend).ask(b"\1" + ENCODER) == "opened"
    assert workers(backend).ask(b"\0" + TEMPORAL) == "opened"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the default engine."""
    if "default" not in list_bundles():
        pytest.skip("the default engine is not built")
    folder = tmp_path_factory.mktemp("engine")
    bundle = load_bundle("default")
    for file in (bundle.path / MANIFEST, bundle.encoder_path, bundle.temporal_path):
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@fuzzed(0.02)
@given(data=st.data())
def test_a_graph_that_is_not_the_one_of_the_manifest_reaches_no_native_code(
    shipped: Path, data: st.DataObject
) -> None:
    given_inputs["graphs of the default engine, spoiled on the way"] += 1
    entry = json.loads((shipped / MANIFEST).read_bytes())[data.draw(st.sampled_from(["encoder", "temporal"]))]
    path = shipped / entry["file"]
    whole = path.read_bytes()
    spoiled = data.draw(mutated([whole]))
    path.write_bytes(spoiled)
    try:
        if spoiled != whole:
            with pytest.raises(EngineError, match="SHA-256"):
                load_bundle(shipped)
    finally:
        path.write_bytes(whole)
