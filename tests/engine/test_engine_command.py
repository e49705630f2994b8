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


def test_info_shows_each_sensitivity_with_what_was_measured(home: Path) -> None:
    def point(recall: float, count: int) -> dict[str, object]:
        false = {
            "count": count,
            "minutes": 2.0,
            "per_minute": count / 2,
            "in": "real clips with nothing planted",
        }
        return {"planted": {"portraits": {"recall": recall, "truths": 40}}, "false_alarms": false}

    make_tiny_bundle(
        home / "points",
        sensitivity={"low": {"on": 0.97, "off": 0.3}, "high": {"on": 0.31, "off": 0.3}},
        calibration=[[0.3, 0.11], [0.9, 0.82]],
        scores={
            "operating": {"low": point(0.5, 1), "high": point(0.75, 19)},
            "curve": {"points": [{"on": 0.123}]},
        },
    )
    shown = run(app, ["info", "points"], env={"COLUMNS": "250"}).stdout
    low, normal, high = (
        next(line for line in shown.splitlines() if f"sensitivity {name}" in line)
        for name in ("low", "normal", "high")
    )
    assert "on 0.97" in low
    assert "recall 0.50 of 40 (portraits); 0.5 false alarms a minute (1 in 2.0 min of real clips" in low
    assert "recall" not in normal
    assert "recall 0.75 of 40 (portraits); 9.5 false alarms a minute" in high
    assert "calibrated, 0.11 to 0.82" in shown
    assert "0.123" not in shown
    assert "only normal" in run(app, ["info", "sound"], env={"COLUMNS": "250"}).stdout


def test_a_calibration_that_falls_makes_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"calibration: the knot .* falls below"):
        make_tiny_bundle(tmp_path / "falls", calibration=[[0.3, 0.5], [0.9, 0.4]])
