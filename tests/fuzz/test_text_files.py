"""Files that people write or copy: settings, engine manifests, dataset manifests."""

import csv
import io
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzzing import as_json, attempt, fuzzed, given_inputs, json_values, mutated, spoiled
from rtme.data.manifest import Interval, Manifest, Span, Video, load, policies_path, videos_path
from rtme.engine.bundle import MANIFEST, load_bundle
from rtme.errors import DataError, EngineError, RtmeError, SettingsError
from rtme.live.stream_run import check_measures
from rtme.settings import Settings, load_settings
from rtme.spot.rules import SpotterRules
from tiny_engine import make_tiny_bundle

SECRET = "Ge7heim"
CAMERAS = b"""bind = "tcp://127.0.0.1:5556"
faces = 2
threads = 1

[[source]]
name = "door"
url = "rtsp://anna:Ge7heim@192.0.2.7:554/stream"
faces = 1

[[source]]
url = "0"
"""
_fields = st.sampled_from(sorted(Settings.model_fields)) | st.text(max_size=8)


def toml(value: Any) -> str:
    """A value as TOML has it, as far as it can."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}.get(json.dumps(value), json.dumps(value))


_sources = st.lists(
    spoiled([{"url": f"rtsp://anna:{SECRET}@192.0.2.7/x", "name": "door", "transport": "udp", "faces": 2}])
)
_tables = st.dictionaries(_fields, json_values, max_size=4).flatmap(
    lambda table: st.just(table) | _sources.map(lambda sources: table | {"source": sources})
)
settings_files = mutated([CAMERAS]) | _tables.map(
    lambda table: "\n".join(f"{json.dumps(key)} = {toml(value)}" for key, value in table.items()).encode()
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module", autouse=True)
def _no_settings_of_the_developer() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("RTME_")]:
            patch.delenv(name)
        yield


@fuzzed(0.1)
@given(content=settings_files)
def test_a_settings_file_is_understood_or_refused_in_a_sentence(folder: Path, content: bytes) -> None:
    given_inputs["settings files"] += 1
    path = folder / "cameras.toml"
    path.write_bytes(content)
    _, refusal = attempt(lambda: load_settings(path), SettingsError)
    if refusal is not None:
        # Where a piece of it was copied to, no address shows that it is one.
        assert f"anna:{SECRET}@" not in refusal
        assert str(path) in refusal


@pytest.fixture(scope="module")
def engine(folder: Path) -> Path:
    return make_tiny_bundle(folder / "engine").path


@fuzzed(0.1)
@given(data=st.data())
def test_an_engine_manifest_is_understood_or_refused(engine: Path, data: st.DataObject) -> None:
    given_inputs["engine manifests"] += 1
    whole = _whole(engine)
    (engine / MANIFEST).write_bytes(
        data.draw(spoiled([json.loads(whole)]).map(as_json) | mutated([whole]) | json_values.map(as_json))
    )
    manifest, refusal = attempt(lambda: load_bundle(engine).manifest, EngineError)
    if manifest is None:
        assert str(engine) in str(refusal)
        return
    # What was measured may hold anything, and is for people.
    for_people = {"training", "scores"}
    again = type(manifest).model_validate_json(manifest.model_dump_json())
    assert again.model_dump(exclude=for_people) == manifest.model_dump(exclude=for_people)
    # What `rtme live` looks at before it opens anything.
    for sensitivity in ("low", "normal", "high"):
        with suppress(RtmeError):
            check_measures(manifest)
            SpotterRules.of(manifest, sensitivity=sensitivity)


def _whole(engine: Path) -> bytes:
    """The manifest as it was, kept beside the one that is being spoiled."""
    kept = engine / "whole.json"
    if not kept.exists():
        numbers = json.loads((engine / MANIFEST).read_bytes())
        numbers["sensitivity"] = {"high": {"on": 0.3, "off": 0.2}}
        numbers["calibration"] = [[0.1, 0.2], [0.9, 0.8]]
        kept.write_text(json.dumps(numbers))
    return kept.read_bytes()


A = {"dataset": "own", "subject": "006", "video": "a", "fps": 30.0, "n_frames": 99}
B = {"dataset": "own", "subject": "7", "video": "b, c", "fps": 25.0}
FILMED = Manifest(
    intervals=(
        Interval.model_validate(A | {"onset": 3, "apex": 5, "offset": 9, "type": "me", "au": ("R12", "4")}),
        Interval.model_validate(
            B | {"onset": 0, "offset": 40, "type": "mae", "emotion": "joy", "state": "speaking"}
        ),
    ),
    videos=(
        Video.model_validate(
            A
            | {"folder": ".", "pattern": "img{:04d}.jpg"}
            | {"spans": (Span(what="speaking", onset=0, offset=12), Span(what="blink", onset=4, offset=6))}
        ),
        Video.model_validate(B | {"file": 'with "quotes".mp4'}),
    ),
)


@pytest.fixture(scope="module")
def filmed(folder: Path) -> dict[str, bytes]:
    """The files of a good manifest."""
    path = folder / "good" / "manifest.csv"
    FILMED.save(path)
    assert load(path) == FILMED
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}


@st.composite
def tables(draw: st.DrawFn, whole: bytes) -> bytes:
    """A CSV file of ours with cells, columns or bytes of it spoiled."""
    if draw(st.booleans()):
        return draw(mutated([whole]))
    rows = draw(spoiled([list(csv.reader(io.StringIO(whole.decode())))]))
    text = io.StringIO()
    for row in rows if isinstance(rows, list) else []:
        csv.writer(text, escapechar="\\").writerow(row if isinstance(row, list) else [row])
    return text.getvalue().encode("utf-8", "surrogatepass")


@fuzzed(0.1)
@given(data=st.data())
def test_a_dataset_manifest_is_understood_or_refused(
    folder: Path, filmed: dict[str, bytes], data: st.DataObject
) -> None:
    given_inputs["dataset manifests"] += 1
    path = folder / "manifest.csv"
    files = dict(filmed)
    name = data.draw(st.sampled_from(sorted(files)))
    if name.endswith(".json"):
        files[name] = data.draw(
            json_values.map(as_json) | mutated([b'{"own": {"choices": {"a": "b"}, "repairs": {"c": 1}}}'])
        )
    else:
        files[name] = data.draw(tables(files[name]))
    for each, content in files.items():
        (folder / each).write_bytes(content)
    assert {videos_path(path).name, policies_path(path).name, path.name} == set(files)
    found, refusal = attempt(lambda: load(path), DataError)
    if found is None:
        assert "manifest" in str(refusal)
        return
    found.save(folder / "again" / "manifest.csv")
    assert load(folder / "again" / "manifest.csv") == found
    for video in found.videos:
        with suppress(DataError):
            video.pictures()
