"""``rtme engine report``: a page, its pictures and its figures, which agree; and what is refused."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rtme.cli.engine import app
from rtme.engine.bundle import Bundle
from rtme.errors import DataError, RtmeError
from rtme.trial import plan as room
from rtme.trial.card import curve_of, measure
from rtme.trial.card_tables import confidence
from rtme.trial.conditions import HALF_BITS, REFERENCE
from rtme.trial.plan import QUICK, Job, jobs, people_of
from tiny_engine import make_tiny_bundle

run = CliRunner().invoke


@pytest.fixture(scope="module")
def written(bundle: Bundle, faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("card")
    cameras = (REFERENCE, replace(HALF_BITS, against="reference"))
    short = replace(QUICK, conditions=cameras, portrait_s=3, talk_s=1.5, camera_s=1.2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "QUICK", short)
        words = [
            "report",
            str(bundle.path),
            "--faces",
            str(faces),
            "--quick",
            "--out",
            str(out),
            "--workers",
            "1",
        ]
        result = run(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "targets met" in result.output
    return out


@pytest.fixture(scope="module")
def card(written: Path) -> dict[str, Any]:
    return json.loads((written / "report.json").read_text())


def test_it_says_first_what_it_is_about(written: Path) -> None:
    page = (written / "REPORT.md").read_text()
    head = page.split("##")[0]
    assert "SYNTHETIC" in head
    assert "nothing of real micro-expressions" in head
    assert "quick trial" in head
    assert "never tested on" in page


def test_its_pictures_are_there_and_small(written: Path) -> None:
    named = set(re.findall(r"!\[[^]]*\]\(([^)]+)\)", (written / "REPORT.md").read_text()))
    drawn = {path.name for path in written.glob("*.png")}
    assert named == drawn
    assert len(drawn) == 4
    assert sum((written / name).stat().st_size for name in drawn) < 300_000


def test_page_and_json_say_the_same(written: Path, card: dict[str, Any]) -> None:
    lines = (written / "REPORT.md").read_text().splitlines()
    for target in card["targets"]:
        (line,) = [line for line in lines if line.startswith(f"| {target['what']} |")]
        asked, measured, result = line.split(" | ")[1:4]
        assert f"{target['asked']:g}" in asked
        assert measured.split(" ")[0] == ("—" if target["measured"] is None else f"{target['measured']:.2f}")
        assert result == {True: "met", False: "**missed**", None: "not measured"}[target["passed"]]
    portraits = card["sets"]["portraits"]
    (line,) = [line for line in lines if line.startswith("| animated portraits, full interference |")]
    assert line.split(" | ")[3:5] == [str(portraits["planted"]), str(portraits["matched"])]
    met = sum(target["passed"] is True for target in card["targets"])
    assert any(line.startswith(f"**{met} of {len(card['targets'])} targets met") for line in lines)


def test_its_figures_follow_from_its_counts(card: dict[str, Any]) -> None:
    portraits = card["sets"]["portraits"]
    assert portraits["people"] == 1
    assert portraits["minutes"] == pytest.approx(3 / 60, abs=1e-3)
    (folder,) = card["sets"]["real"]
    talks = card["sets"]["conversations"]
    planted = (portraits, folder["planted"], talks["speaking"], talks["listening"], *card["cameras"])
    assert sum(one["planted"] for one in planted) > 0
    assert (folder["folder"], folder["spoken"]) == ("talking", True)
    assert folder["untouched"]["planted"] == 0
    assert folder["untouched"]["false"] == folder["untouched"]["found"] == card["alarms"]["alarms"]
    for name, part in card["parts"].items():
        for where, whole in (("portraits", portraits), ("real", folder["planted"])):
            rows = part[where]
            if name != "action unit":
                assert sum(row["planted"] for row in rows) == whole["planted"]
                assert sum(row["matched"] for row in rows) == whole["matched"]
            if name in ("head", "speech", "distance of the eyes"):
                assert sum(row["false"] for row in rows) == whole["false"]
    for where, whole in (("portraits", portraits), ("real", folder["planted"])):
        assert sum(row["found"] for row in card["confidence"][where]) == whole["found"]
    for row in card["cameras"]:
        if row["f1"] is not None:
            both = row["planted"] + row["found"]
            assert row["f1"] == pytest.approx(2 * row["matched"] / both, abs=1e-4)
    passes = {">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b}
    for target in card["targets"]:
        if target["measured"] is not None:
            assert target["passed"] is passes[target["sign"]](target["measured"], target["asked"])


def test_the_sound_says_who_speaks(card: dict[str, Any]) -> None:
    (folder,) = card["sets"]["real"]
    assert folder["speaker"]["changes"]["speaking"]["changes"] == 1
    assert folder["speaker"]["frames"] + folder["speaker"]["undecided_frames"] == 60


def test_an_engine_without_a_table_of_people(faces: Path, tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "lonely")
    with pytest.raises(DataError, match=r"no people\.csv.*give --people"):
        run(app, ["report", str(bundle.path), "--faces", str(faces)], catch_exceptions=False)


def test_no_such_split(bundle: Bundle, faces: Path) -> None:
    with pytest.raises(DataError, match="no portrait of validation people"):
        people_of(bundle, faces, None, "validation")
    refused = run(app, ["report", str(bundle.path), "--faces", str(faces), "--split", "train"])
    assert refused.exit_code != 0
    assert "train" in refused.output


@pytest.mark.parametrize(("missing", "word"), [("portraits", "portrait"), ("talking", "video")])
def test_a_folder_without_portraits_or_clips(
    bundle: Bundle, faces: Path, tmp_path: Path, missing: str, word: str
) -> None:
    shutil.copytree(faces, tmp_path / "some")
    shutil.rmtree(tmp_path / "some" / missing)
    with pytest.raises(DataError, match=f"no {word} of test people"):
        people_of(bundle, tmp_path / "some", None, "test")


def test_no_such_folder_of_faces_and_nowhere_to_write(bundle: Bundle, faces: Path, tmp_path: Path) -> None:
    with pytest.raises(RtmeError, match="nowhere"):
        run(app, ["report", str(bundle.path), "--faces", str(tmp_path / "nowhere")], catch_exceptions=False)
    (tmp_path / "file").write_text("")
    words = ["report", str(bundle.path), "--faces", str(faces), "--out", str(tmp_path / "file")]
    with pytest.raises(DataError, match="--out another folder"):
        run(app, words, catch_exceptions=False)


def test_chance_follows_from_the_name_of_the_file(bundle: Bundle, faces: Path) -> None:
    items = people_of(bundle, faces, None, "test")
    first, again = jobs(items, QUICK), jobs(items, QUICK)
    assert [job.seed for job in first] == [job.seed for job in again]
    assert len({job.seed for job in first}) == len(first) == 4
    assert Job("talks", items[0], 10).seed == Job("talks", items[0], 99).seed


def test_a_curve_in_the_manifest_is_shown(card: dict[str, Any]) -> None:
    points = [
        {"on": 0.9, "false_per_minute": 1.0, "portraits": 0.5, "real clips": 0.25},
        {"on": 0.7, "false_per_minute": 9.0, "portraits": 0.75, "real clips": 0.5},
    ]
    measured = {"minutes": 2.5, "false_alarms_in": "real clips with nothing planted", "points": points[::-1]}
    curve = curve_of(measured)
    assert curve is not None
    assert curve["recall"] == {"portraits": [0.5, 0.75], "real clips": [0.25, 0.5]}
    shown = confidence(card | {"curve": curve})
    assert "| 1.0 | 0.50 | 0.25 |" in shown
    assert "2.5 min of real clips with nothing planted" in shown
    assert card["curve"] is None
    assert curve_of(None) is None


@pytest.mark.slow
def test_every_sensitivity_that_the_engine_knows_is_tried(faces: Path, tmp_path: Path) -> None:
    point = {"on": 0.9, "off": 0.3}
    bundle = make_tiny_bundle(tmp_path / "three", sensitivity={"low": point, "high": point | {"on": 0.4}})
    (bundle.path / "people.csv").write_text(
        "file,person,split\nportraits/a.png,a,test\ntalking/b.mkv,b,test\n"
    )
    items = people_of(bundle, faces, None, "test")
    plan = replace(QUICK, conditions=(), cameras=0, talks=0, portrait_s=2)
    lines: list[str] = []
    card = measure(bundle, items, "test", plan, 1, lines.append)
    found = {(row["set"], row["sensitivity"]): row for row in card["sensitivities"]}
    sets = ("animated portraits", "talking, planted", "talking, untouched")
    assert set(found) == {(name, of) for name in sets for of in ("low", "normal", "high")}
    for name in sets:
        low, high = found[name, "low"], found[name, "high"]
        assert low["planted"] == high["planted"]
        assert low["found"] <= high["found"]
    assert sum(found[name, "low"]["found"] for name in sets) < sum(
        found[name, "high"]["found"] for name in sets
    )
    assert lines[-1] == "2 of 2, 0 s left"
