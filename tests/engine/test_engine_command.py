"""``rtme engine list`` and ``rtme engine info``."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rtme.cli.engine import app
from rtme.engine import bundle as room
from rtme.errors import EngineError
from tiny_engine import make_tiny_bundle

run = CliRunner().invoke


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(room, "_HOMES", (tmp_path,))
    make_tiny_bundle(tmp_path / "sound", version="1.2.3")
    make_tiny_bundle(tmp_path / "torn").encoder_path.write_bytes(b"")
    return tmp_path


def test_list_shows_sound_and_broken_engines(home: Path) -> None:
    result = run(app, ["list"])
    assert result.exit_code == 0
    assert "1.2.3" in result.stdout
    assert "torn" in result.stdout
    sound, torn = json.loads(run(app, ["list", "--json"]).stdout)
    assert (sound["name"], sound["version"], sound["input"]) == ("sound", "1.2.3", "motion")
    assert torn["name"] == "torn"
    assert "not the file its manifest describes" in torn["error"]


def test_info_shows_the_manifest(home: Path) -> None:
    result = run(app, ["info", "sound"])
    assert result.exit_code == 0
    assert "look-ahead" in result.stdout
    manifest = json.loads(run(app, ["info", str(home / "sound"), "--json"]).stdout)
    assert manifest["version"] == "1.2.3"
    assert manifest["decoder"]["on"] == 0.5


def test_info_of_an_unknown_engine_names_the_known(home: Path) -> None:
    with pytest.raises(EngineError, match="no engine is called 'nope': installed: sound, torn"):
        run(app, ["info", "nope"], catch_exceptions=False)
