"""Engine bundles: what loads, and what a broken one says."""

import json
from pathlib import Path
from typing import Any

import pytest

from rtme.engine import bundle as room
from rtme.engine.bundle import list_bundles, load_bundle, sha256_of, write_bundle
from rtme.errors import EngineError
from tiny_engine import NUMBERS, make_tiny_bundle


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A package's and a checkout's folders of named engines."""
    homes = (tmp_path / "_engines", tmp_path / "engines")
    monkeypatch.setattr(room, "_HOMES", homes)
    return homes


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_is_written_is_what_is_loaded(tmp_path: Path) -> None:
    written = make_tiny_bundle(tmp_path / "mine", hop=2, decoder={"on": 0.6, "off": 0.4})
    loaded = load_bundle(str(tmp_path / "mine"))
    assert loaded == written
    assert loaded.manifest.hop == 2
    assert loaded.manifest.decoder.on == 0.6
    assert loaded.manifest.encoder.sha256 == sha256_of(loaded.encoder_path)
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == [
        "encoder.onnx",
        "manifest.json",
        "temporal.onnx",
    ]


def test_a_bundle_can_be_replaced(tmp_path: Path) -> None:
    make_tiny_bundle(tmp_path, version="1")
    make_tiny_bundle(tmp_path, version="2", size=64)
    assert load_bundle(tmp_path).manifest.version == "2"


def test_names_are_found_in_the_package_and_in_the_checkout(homes: tuple[Path, Path]) -> None:
    package, checkout = homes
    make_tiny_bundle(package / "default", version="in the package")
    make_tiny_bundle(checkout / "default", version="in the checkout")
    make_tiny_bundle(checkout / "other")
    (checkout / "empty").mkdir()
    assert list_bundles() == {"default": package / "default", "other": checkout / "other"}
    assert load_bundle("default").manifest.version == "in the package"
    assert load_bundle("other").path == checkout / "other"


def test_an_unknown_name_lists_what_there_is(homes: tuple[Path, Path]) -> None:
    with pytest.raises(EngineError, match="no engine is called 'best': installed: none; or give"):
        load_bundle("best")
    make_tiny_bundle(homes[0] / "default")
    make_tiny_bundle(homes[1] / "small")
    with pytest.raises(
        EngineError, match=r"no engine is called 'best': installed: .*default.*; or give"
    ) as raised:
        load_bundle("best")
    assert "small" in str(raised.value)


def test_a_folder_without_a_manifest_is_no_engine(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"is no engine: it has no manifest\.json"):
        load_bundle(tmp_path)


def test_a_changed_graph_is_refused(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path)
    with bundle.temporal_path.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(
        EngineError, match=r"temporal\.onnx is not the file its manifest describes \(SHA-256 "
    ):
        load_bundle(tmp_path)


def test_a_missing_graph_is_named(tmp_path: Path) -> None:
    make_tiny_bundle(tmp_path).encoder_path.unlink()
    with pytest.raises(EngineError, match=r"encoder\.onnx cannot be read \(No such file or directory\)"):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"window": -32}, r"window: Input should be greater than 0 \(it is -32\)"),
        ({"hop": "often"}, r"hop: .*integer.* \(it is 'often'\)"),
        ({"look_ahead": 1}, "look_ahead is 1 slots, with a hop of 4 and a window of 32: 3 to 31 can work"),
        ({"decoder": {"on": 0.2, "off": 0.6}}, "decoder: off is 0.6 and on is 0.2"),
        ({"speaker": {"on": 0.2, "off": 0.6}}, "speaker: off is 0.6 and on is 0.2"),
        ({"colour": "blue"}, "colour: Extra inputs are not permitted"),
        ({"format": 2}, "format: Input should be 1"),
        ({"encoder": {"file": "../other/encoder.onnx", "sha256": "0" * 64}}, r"encoder\.file: "),
        ({"encoder": {"file": "encoder.onnx", "sha256": "beef"}}, r"encoder\.sha256: "),
    ],
)
def test_a_manifest_that_cannot_be_says_what_is_wrong(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    make_tiny_bundle(tmp_path)
    edit(tmp_path, **changes)
    with pytest.raises(EngineError, match=sentence) as raised:
        load_bundle(tmp_path)
    assert "manifest.json is no engine manifest" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00\x01", '{"format": 1}'])
def test_a_manifest_that_is_none_says_so(tmp_path: Path, text: str) -> None:
    make_tiny_bundle(tmp_path)
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(EngineError, match="is no engine manifest: "):
        load_bundle(tmp_path)


def test_numbers_that_make_no_manifest_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="these numbers make no manifest: window: "):
        write_bundle(tmp_path / "new", NUMBERS | {"window": 0}, encoder=b"e", temporal=b"t")
    assert not (tmp_path / "new").exists()
