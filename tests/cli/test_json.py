"""JSON of the verbs whose result is small: alone on standard output, whole, with the names that are told."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rtme.bus.journal import Journal
from rtme.cli import app
from rtme.cli.console import as_json


def said(*words: object) -> Any:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_keys(tmp_path: Path) -> None:
    here, there = ("--keys", tmp_path / "here", "--json"), ("--keys", tmp_path / "there", "--json")
    made = said("keys", "new", "kiosk", *here)
    other = said("keys", "new", "desk", *there)
    assert made["client"]["name"] == "kiosk"
    assert (made["allowed"], made["trusted"]) == ({}, {})
    assert said("keys", "allow", other["client"]["key"], "--name", "desk", *here) == {"allowed": "desk"}
    assert said("keys", "trust", other["service"], "192.0.2.7", *here) == {"trusted": "192.0.2.7"}
    shown = said("keys", "show", *here)
    assert shown["allowed"] == {"desk": other["client"]["key"]}
    assert list(shown["trusted"]) == ["192.0.2.7"]
    assert said("keys", "revoke", "desk", *here) == {"revoked": "desk"}
    assert said("keys", "show", *here)["allowed"] == {}


@pytest.mark.parametrize("document", ["events", "replay", "asyncapi"])
def test_schema(document: str) -> None:
    assert said("schema", document, "--json")


def test_events_of_an_empty_journal(tmp_path: Path) -> None:
    Journal(tmp_path / "journal.sqlite").close()
    done = CliRunner().invoke(app, ["events", str(tmp_path / "journal.sqlite"), "--json"])
    assert (done.exit_code, done.stdout) == (0, "")
    file = tmp_path / "events.jsonl"
    assert said("events", tmp_path / "journal.sqlite", "-o", file, "--json") == {
        "events": 0,
        "file": str(file),
    }


def test_scores_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "found.csv").write_text("video,onset,offset,type\n")
    (tmp_path / "labels.csv").write_text("video,onset,offset,type\na,,,\n")
    told = said("score", "--pred", tmp_path / "found.csv", "--gt", tmp_path / "labels.csv", "--json")
    assert told["pred"] == str(tmp_path / "found.csv")
    assert "NaN" not in json.dumps(told)


def test_settings_of_what_is_only_shown() -> None:
    pytest.importorskip("torch")
    assert said("synth", "--show", "--json")["seed"] == 0
    assert said("train", "quick", "--show", "--json", "--seed", 3)["seed"] == 3


def test_a_number_that_is_none_is_null() -> None:
    assert json.loads(as_json({"f1": float("nan"), "all": [float("inf"), 1.5], "file": Path("a")})) == {
        "f1": None,
        "all": [None, 1.5],
        "file": "a",
    }
