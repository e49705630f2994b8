"""Sensitivity and calibration through the whole live path, with an engine that answers to any motion."""

from collections.abc import Iterable
from pathlib import Path

import pytest

import rtme
from rtme.errors import SettingsError
from rtme.events import AnyEvent, HeartbeatEvent, IntervalEvent
from rtme.settings import Settings, load_settings
from rtme.spot.calibration import calibrated
from tiny_engine import make_tiny_bundle

KNOTS = ((0.5, 0.05), (0.9, 0.4), (1.0, 0.8))
Found = tuple[str, int, int, int, float]


def made(folder: Path, **overrides: object) -> str:
    points = {name: {"on": on, "off": 0.3} for name, on in (("low", 0.99), ("high", 0.32))}
    return str(
        make_tiny_bundle(folder, decoder={"on": 0.8, "off": 0.3}, sensitivity=points, **overrides).path
    )


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its operating points differ in `on` alone."""
    return made(tmp_path_factory.mktemp("engine") / "points")


def found(events: Iterable[AnyEvent]) -> list[Found]:
    return [
        (e.type, e.onset.frame, e.apex.frame, e.offset.frame, e.confidence)
        for e in events
        if isinstance(e, IntervalEvent) and e.status == "closed"
    ]


def test_a_higher_sensitivity_finds_what_a_lower_one_finds_and_more(clip: Path, points: str) -> None:
    low, normal, high = (
        set(found(rtme.analyze(clip, engine=points, sensitivity=name))) for name in ("low", "normal", "high")
    )
    assert low < normal < high
    assert normal == set(found(rtme.analyze(clip, engine=points)))


def test_live_and_analyze_agree_and_say_which_sensitivity_it_was(clip: Path, points: str) -> None:
    with rtme.Live([str(clip)], fast=True, engine=points, sensitivity="high") as live:
        events = list(live)
    report = rtme.analyze(clip, engine=points, sensitivity="high").report()
    assert found(events) == [(i.type, i.onset, i.apex, i.offset, i.confidence) for i in report.intervals]
    assert report.sensitivity == "high"
    assert {e.sensitivity for e in events if isinstance(e, HeartbeatEvent)} == {"high"}
    assert rtme.analyze(clip, engine=points).report().sensitivity == "normal"


@pytest.mark.parametrize("sensitivity", ["low", "normal", "high"])
def test_confidence_is_calibrated_at_every_sensitivity(
    clip: Path, points: str, tmp_path: Path, sensitivity: str
) -> None:
    raw = found(rtme.analyze(clip, engine=points, sensitivity=sensitivity))
    told = found(rtme.analyze(clip, engine=made(tmp_path / "e", calibration=KNOTS), sensitivity=sensitivity))
    assert [one[:4] for one in told] == [one[:4] for one in raw]
    # Events are rounded to four digits, before the map and after it.
    assert [one[4] for one in told] == pytest.approx([calibrated(one[4], KNOTS) for one in raw], abs=5e-4)
    assert raw
    assert raw != told


def test_an_engine_without_operating_points_has_only_normal(clip: Path, engine: str) -> None:
    for sensitivity in ("low", "high"):
        with pytest.raises(SettingsError, match=f"tiny has no sensitivity '{sensitivity}', only normal"):
            rtme.analyze(clip, engine=engine, sensitivity=sensitivity)
    assert rtme.analyze(clip, engine=engine, sensitivity="normal").report().sensitivity == "normal"


def test_it_comes_from_a_file_the_environment_or_a_flag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: Path, points: str
) -> None:
    file = tmp_path / "cameras.toml"
    file.write_text('sensitivity = "low"\n')
    assert Settings().sensitivity == "normal"
    assert load_settings(file).sensitivity == "low"
    monkeypatch.setenv("RTME_SENSITIVITY", "high")
    assert load_settings(file).sensitivity == "high"
    assert load_settings(file, sensitivity="normal").sensitivity == "normal"
    assert rtme.analyze(clip, engine=points).report().sensitivity == "high"
    with pytest.raises(SettingsError, match=r"`sensitivity`: Input should be 'low', 'normal' or 'high'"):
        load_settings(sensitivity="medium")
