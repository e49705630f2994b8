"""``rtme config``: every setting, where it comes from, and nothing that is secret."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from rtme.settings import Settings, load_settings, origins, strange_variables

Run = Callable[..., subprocess.CompletedProcess[str]]

CAMERAS = """
faces = 2
threads = 3
sensitivity = "low"

[[source]]
name = "door"
url = "rtsp://anna:geheim@10.0.0.7:554/cam?token=geheim"
"""


@pytest.fixture
def cameras(tmp_path: Path) -> Path:
    file = tmp_path / "cameras.toml"
    file.write_text(CAMERAS)
    return file


def test_each_layer_goes_before_the_next(
    rtme: Run, cameras: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RTME_THREADS", "4")
    monkeypatch.setenv("RTME_SENSITIVITY", "normal")
    done = rtme("config", "show", "cameras.toml", "--sensitivity", "high", "--json")
    assert done.returncode == 0, done.stderr
    settings = json.loads(done.stdout)["settings"]
    assert set(settings) == set(Settings.model_fields)
    told = {name: (one["value"], one["from"], one["where"]) for name, one in settings.items()}
    assert told["sensitivity"] == ("high", "flag", "--sensitivity")
    assert told["threads"] == (4, "environment", "RTME_THREADS")
    assert told["faces"] == (2, "file", "cameras.toml")
    assert told["transport"] == ("tcp", "default", None)
    assert told["engine"] == (engine, "environment", "RTME_ENGINE")
    assert told["source"][1:] == ("file", "cameras.toml")


def test_in_words(rtme: Run, cameras: Path) -> None:
    done = rtme("config", "show", "cameras.toml", "--no-journal")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["faces", "2", "file", "cameras.toml"] in rows
    assert ["transport", "tcp", "default"] in rows
    assert ["journal", "none", "flag", "--no-journal"] in rows


def test_the_variable_of_the_keys_is_no_flag(rtme: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTME_KEYS", "/somewhere")
    keys = json.loads(rtme("config", "show", "--json").stdout)["settings"]["keys"]
    assert (keys["value"], keys["from"], keys["where"]) == ("/somewhere", "environment", "RTME_KEYS")
    keys = json.loads(rtme("config", "show", "--json", "--keys", "other").stdout)["settings"]["keys"]
    assert (keys["value"], keys["from"]) == ("other", "flag")


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_no_password_is_shown(rtme: Run, cameras: Path, words: list[str]) -> None:
    done = rtme("config", "show", "cameras.toml", "--bind", "tcp://127.0.0.1:5999", *words)
    assert "10.0.0.7" in done.stdout
    assert "geheim" not in done.stdout + done.stderr


def test_a_variable_that_nothing_reads_is_named_with_the_nearest(
    rtme: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RTME_SENSITVITY", "high")
    for words in (["config", "show"], ["engine", "list"], ["live", "nowhere.mp4"]):
        assert "RTME_SENSITVITY: did you mean RTME_SENSITIVITY?" in rtme(*words).stderr
    done = rtme("config", "show", "--json")
    assert "RTME_SENSITIVITY?" in json.loads(done.stdout)["strange_variables"][0]
    assert strange_variables({"rtme_engine": "x", "RTME_PLANS": "x", "HOME": "x"}) == []


def test_a_setting_that_is_none_is_named_with_the_nearest(rtme: Run, tmp_path: Path) -> None:
    (tmp_path / "cameras.toml").write_text('sensitvity = "high"\n')
    done = rtme("config", "show", "cameras.toml")
    assert done.returncode == 2
    assert "did you mean `sensitivity`?" in done.stderr
    (tmp_path / "cameras.toml").write_text('[[source]]\nulr = "0"\n')
    assert "did you mean `url`?" in rtme("config", "show", "cameras.toml").stderr


def test_origins_and_values_agree(cameras: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTME_FACES", "7")
    settings, found = load_settings(cameras, threads=5), origins(cameras, threads=5)
    assert (settings.faces, str(found["faces"])) == (7, "environment RTME_FACES")
    assert (settings.threads, str(found["threads"])) == (5, "flag --threads")
    assert (settings.sensitivity, str(found["sensitivity"])) == ("low", f"file {cameras}")
    untouched = [name for name, origin in found.items() if origin.layer == "default"]
    plain = Settings()
    assert all(getattr(settings, name) == getattr(plain, name) for name in untouched)


def test_the_schema_knows_a_cameras_file(rtme: Run) -> None:
    import tomllib

    schema = json.loads(rtme("config", "schema").stdout)
    jsonschema.validate(tomllib.loads(CAMERAS), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"faces": 0}, schema)
