"""``rtme score`` as people run it: a process, files in, text or JSON out."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from rtme.cli.score import score
from rtme.data import manifest
from rtme.errors import RtmeError

Run = Callable[..., subprocess.CompletedProcess[str]]

command = typer.Typer()
command.command()(score)

LABELS = """dataset,subject,video,onset,apex,offset,type,emotion,state
d,1,a,0,4,9,me,negative,speaking
d,1,a,10,14,19,me,negative,speaking
d,1,b,0,4,9,me,positive,listening
d,1,b,40,60,99,mae,positive,listening
"""
FOUND = """video,onset,offset,type,score,emotion
d/1/a,0,19,me,0.9,negative
d/1/b,1,9,me,0.8,positive
d/1/b,200,209,me,0.7,positive
"""
VIDEOS = """dataset,subject,video,fps,n_frames
d,1,a,30,900
d,1,b,30,900
d,1,c,30,1800
"""


@pytest.fixture
def rtme(tmp_path: Path) -> Run:
    (tmp_path / "labels.csv").write_text(LABELS)
    (tmp_path / "found.csv").write_text(FOUND)
    (tmp_path / "videos.csv").write_text(VIDEOS)

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "rtme", "score", *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_a_table_against_labels(rtme: Run) -> None:
    done = rtme("--pred", "found.csv", "--gt", "labels.csv", "--videos", "videos.csv")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = [line.split() for line in done.stdout.splitlines()]
    assert done.stdout.splitlines()[0] == "3 videos; one_to_one, IoU >= 0.5, inclusive frames"
    # a: half of both labels, so one of them. b: one hit, one false alarm; 120 seconds in all.
    assert ["ME", "3", "3", "2", "1", "1", "0.6667", "0.6667", "0.6667", "0.50"] in lines
    assert ["MaE", "1", "0", "0", "0", "1", "0.0000", "0.0000", "0.0000", "0.00"] in lines
    assert ["overall", "4", "3", "2", "1", "2", "0.6667", "0.5000", "0.5714", "0.50"] in lines
    # Onsets are +0 and +1 frames off, offsets +10 and 0.
    errors = "ME +0.50 (+16.7 ms) 0.50 (16.7 ms) +5.00 (+166.7 ms) 5.00 (166.7 ms) 2"
    assert errors in [" ".join(line) for line in lines]
    assert (
        "F1_S 0.6667 (2 labelled), F1_L 0.6667 (1 labelled), F1_DR 0.6667; ME, one_to_one, IoU >= 0.5"
        in done.stdout
    )
    assert (
        "ME: STRS 0.6667 = F1 0.6667 (3 labelled; one_to_one, IoU >= 0.5, inclusive frames) x F1_rec 1.0000"
        in done.stdout
    )


@pytest.mark.parametrize(
    ("words", "me", "rules"),
    [
        ([], (2, 1, 1), ["one_to_one", 0.5, ">=", True]),
        (["--match", "ground_truth_centric"], (3, 1, 0), ["ground_truth_centric", 0.5, ">=", True]),
        (["--match", "many_to_many", "--comparator", ">"], (1, 2, 2), ["many_to_many", 0.5, ">", True]),
        (["--iou", "0.95"], (0, 3, 3), ["one_to_one", 0.95, ">=", True]),
        (["--no-inclusive"], (1, 2, 2), ["one_to_one", 0.5, ">=", False]),
    ],
)
def test_rules_are_used_and_said(
    rtme: Run, words: list[str], me: tuple[int, int, int], rules: list[object]
) -> None:
    done = rtme("--pred", "found.csv", "--gt", "labels.csv", "--videos", "videos.csv", "--json", *words)
    facts = json.loads(done.stdout)
    assert list(facts["rules"].values()) == rules
    assert (facts["me"]["tp"], facts["me"]["fp"], facts["me"]["fn"]) == me
    assert facts["me"]["truths"] == 3
    assert facts["overall"]["truths"] == 4


def test_json_has_it_all(rtme: Run) -> None:
    facts = json.loads(
        rtme(
            "--pred",
            "found.csv",
            "--gt",
            "labels.csv",
            "--videos",
            "videos.csv",
            "--json",
            "--absent",
            "skip",
        ).stdout
    )
    assert facts["videos"] == 3
    assert facts["me"]["minutes"] == 2
    assert facts["me"]["onset_error"] == pytest.approx(
        {"mean": 0.5, "mean_abs": 0.5, "mean_ms": 50 / 3, "mean_abs_ms": 50 / 3}
    )
    assert facts["states"]["speaking"]["truths"] == 2
    assert facts["states"]["clips_of_unknown_state"] == 1
    assert facts["recognition"]["me"]["confusion"] == [[1, 0], [0, 1]]
    assert facts["recognition"]["mae"]["uar"] == 0
    assert facts["notes"] == []


def test_predictions_in_unknown_videos_are_left_out_with_a_note(rtme: Run, tmp_path: Path) -> None:
    (tmp_path / "found.csv").write_text(FOUND + "d/1/c,0,9,me,0.1,\nd/1/elsewhere,0,9,me,0.1,\n")
    listed = rtme("--pred", "found.csv", "--gt", "labels.csv", "--videos", "videos.csv", "--json")
    assert json.loads(listed.stdout)["me"]["fp"] == 2, "c is listed, so what was found there is false"
    assert "LEFT OUT: 1 predictions in 1 videos that are not known (d/1/elsewhere)" in listed.stderr
    alone = rtme("--pred", "found.csv", "--gt", "labels.csv", "--json")
    assert json.loads(alone.stdout)["me"]["fp"] == 1
    assert json.loads(alone.stdout)["me"]["false_alarms_per_minute"] is None
    assert "only the 2 videos with a label are scored" in alone.stderr
    assert "LEFT OUT: 2 predictions in 2 videos" in alone.stderr


def test_our_manifest_brings_its_videos(rtme: Run, tmp_path: Path) -> None:
    keys = [{"dataset": "d", "subject": "1", "video": name, "fps": 30.0, "n_frames": 900} for name in "abc"]
    labelled = manifest.Interval(**keys[0], onset=0, offset=9, type="me")
    manifest.Manifest((labelled,), tuple(manifest.Video(**key) for key in keys)).save(
        tmp_path / "manifest.csv"
    )
    facts = json.loads(rtme("--pred", "found.csv", "--gt", "manifest.csv", "--json").stdout)
    assert facts["videos"] == 3
    assert (facts["me"]["tp"], facts["me"]["fp"], facts["me"]["minutes"]) == (1, 2, 1.5)
    assert facts["notes"] == []


def test_submissions_in_and_out_score_the_same(rtme: Run, tmp_path: Path) -> None:
    given = ["--gt", "labels.csv", "--videos", "videos.csv", "--json"]
    first = rtme("--pred", "found.csv", *given, "--out-submission", "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[:2] == [
        "vid,pred_onset,pred_offset,type",
        "a,1,20,me",
    ]
    assert "out.csv has 3 intervals; the first frame has the number 1" in first.stderr
    again = rtme("--pred", "out.csv", "--pred-format", "spotting", *given)
    before, after = json.loads(first.stdout), json.loads(again.stdout)
    assert before["me"] == after["me"]
    assert before["overall"]["tp"] == after["overall"]["tp"] == 2
    assert after["recognition"] is None
    both = rtme("--pred", "found.csv", *given, "--out-submission", "str.csv", "--out-format", "recognition")
    assert both.returncode == 0
    named = json.loads(rtme("--pred", "str.csv", "--pred-format", "recognition", *given).stdout)
    assert named["recognition"]["me"] == json.loads(both.stdout)["recognition"]["me"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--match", "best"], "match is 'best': choose of one_to_one"),
        (["--comparator", "="], "comparator is '=': choose >= or >"),
        (["--iou", "50"], "IoU >= 50.0 tells nothing"),
        (["--absent", "one"], "--absent is one: choose of zero, skip"),
        (["--pred-format", "xml"], "--pred-format is xml"),
        (["--pred", "gone.csv"], "gone.csv cannot be read"),
        (["--videos", "gone.csv"], "gone.csv cannot be read"),
        (["--pred-format", "spotting"], "found.csv: no column pred_onset, pred_offset"),
        (["--videos", "one.csv"], "found.csv against labels.csv: an interval is labelled in video d/1/b"),
        (
            ["--videos", "short.csv"],
            "found.csv against labels.csv: 40 to 99 is labelled in video d/1/b, which has 50",
        ),
        (["--gt", "none.csv"], "found.csv against none.csv: no label and no video to score"),
        (["--pred", "twice.csv"], "twice.csv, row 3: the same interval as in row 2"),
    ],
)
def test_what_was_mistaken_is_said(
    rtme: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    (tmp_path / "one.csv").write_text("video\nd/1/a\n")
    (tmp_path / "short.csv").write_text(VIDEOS.replace("b,30,900", "b,30,50"))
    (tmp_path / "none.csv").write_text("video,onset,offset,type\n")
    (tmp_path / "twice.csv").write_text("video,onset,offset,type\nd/1/a,0,9,me\nd/1/a,0,9,me\n")
    monkeypatch.chdir(tmp_path)
    # A process for each would take long; that a process ends in one sentence is tested below.
    error = CliRunner().invoke(command, ["--pred", "found.csv", "--gt", "labels.csv", *words]).exception
    assert isinstance(error, RtmeError)
    assert message in str(error)


def test_a_process_ends_in_one_sentence(rtme: Run) -> None:
    done = rtme("--pred", "found.csv", "--gt", "labels.csv", "--match", "best")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip() == (
        "rtme: match is 'best': choose of one_to_one, ground_truth_centric, many_to_many"
    )
