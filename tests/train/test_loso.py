"""Leave-one-subject-out as a user does it: labels and videos, four commands, machines that share the folds."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import Result
from typer.testing import CliRunner

from faces import portrait, write_video
from rtme.cli import app
from rtme.errors import RtmeError
from rtme.synth import Script, render
from stores import clip
from stores import store as made_store

SUBJECTS = ("s1", "s2", "s3", "s4")
RECIPE = """
name: tiny
data: {split: loso, validation: 0.3}
model:
  {size: 48, dim: 16, depth: 1, heads: 2, window: 16, lstm_hidden: 8, lstm_layers: 1, queries: 2, query_dim: 8,
   query_heads: 2, context: 8}
encoder: {freeze: false}
loss: {alpha: 0.95}
fit: {epochs: 2, steps: 4, batch: 8, rate: 0.01}
augment: {me_share: 1.0}
spot: {look_ahead: 5, trials: 5}
"""


def rtme(*words: object, code: int = 0) -> Result:
    """A command in this process, which saves the seconds that torch needs to begin."""
    result = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "250"})
    error = result.exception
    assert error is None or isinstance(error, (RtmeError, SystemExit)), repr(error)
    assert (error.exit_code if isinstance(error, RtmeError) else result.exit_code) == code, result.output
    return result


def train(store: Path, out: Path, *words: object, code: int = 0) -> Result:
    recipe = out.parent / "tiny.yaml"
    recipe.parent.mkdir(parents=True, exist_ok=True)
    recipe.write_text(RECIPE)
    flags = ("--threads", 1, "--accelerator", "cpu")
    return rtme("train", recipe, "--data", store, "--out", out, *flags, *words, code=code)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def said_of(run: Path) -> dict[str, str]:
    """What every fold of a run says of its test subjects, and with which thresholds."""
    names = ("predictions.csv", "truth.csv", "clips.csv", "decoder.json")
    return {
        str(path.relative_to(run)): path.read_text()
        for name in names
        for path in sorted(run.glob(f"folds/*/{name}"))
    }


def weights(fold: Path) -> dict[str, torch.Tensor]:
    return torch.load(fold / "best.ckpt", weights_only=True)["state_dict"]


@pytest.fixture(scope="module", autouse=True)
def _threads() -> Any:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of each of four people, who look alike, with a micro-expression each; as one keeps one's own."""
    folder = tmp_path_factory.mktemp("recordings")
    rows = ["subject,video,onset,offset,type,apex,state"]
    for number, subject in enumerate(SUBJECTS):
        rng = np.random.default_rng(number)
        script = Script.random(rng, 60, 30, interference=0, n_me=1, macro=0, large=0)
        frames, truth = render(portrait(), script, (200, 200), rng, eye_px=60)
        write_video(folder / f"{subject}-talk.mp4", frames, 30)
        (me,) = truth.intervals
        rows.append(f"{subject},{subject}-talk.mp4,{me.onset},{me.offset},me,{me.apex},speaking")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def store(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared") / "store"
    rtme("data", "prepare", "own", recordings, "--out", folder, "--size", 48, "--workers", 1)
    return folder


@pytest.fixture(scope="module")
def whole(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All folds on one machine, in one go."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(store, folder)
    return folder


def test_each_subject_is_left_out_once_in_a_folder_of_its_own(whole: Path) -> None:
    folds = sorted(path.name for path in (whole / "folds").iterdir())
    assert folds == [f"own-{subject}" for subject in SUBJECTS]
    for subject in SUBJECTS:
        fold = whole / "folds" / f"own-{subject}"
        people = json.loads((fold / "fold.json").read_text())["people"]
        assert people["test"] == [f"own/{subject}"]
        assert sorted(one for some in people.values() for one in some) == [f"own/{one}" for one in SUBJECTS]
        assert len(people["validation"]) == 1
        assert {row["subject"] for row in table(fold / "clips.csv")} == {subject}
        assert {row["fold"] for row in table(fold / "truth.csv")} == {f"own/{subject}"}


@pytest.mark.slow
def test_machines_share_the_folds_and_their_folders_are_put_together(
    whole: Path, store: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "here" / "run", tmp_path / "there" / "run"
    train(store, here, "--fold", "s2")
    assert [path.name for path in (here / "folds").iterdir()] == ["own-s2"]
    train(store, there, "--fold", "s3", "--fold", "own/s1")
    for fold in (there / "folds").iterdir():
        shutil.copytree(fold, here / "folds" / fold.name)
    missing = rtme("eval", here, code=7)
    assert "1 fold is missing (own/s4)" in str(missing.exception)
    told = json.loads(rtme("eval", here, "--partial", "--json").stdout)["runs"][0]
    assert (told["missing"], len(told["folds"])) == (["own/s4"], 3)
    assert "WITHOUT 1 missing folds (own/s4)" in told["notes"]

    another = tmp_path / "another" / "run"
    train(store, another, "--fold", "s4", "--set", "fit.epochs=1")
    shutil.copytree(another / "folds" / "own-s4", here / "folds" / "own-s4")
    strange = str(rtme("eval", here, code=7).exception)
    assert "own-s4 was trained by another recipe (fit.epochs is 1 there and 2 here)" in strange
    shutil.rmtree(here / "folds" / "own-s4")

    told_last = train(store, here).stderr
    assert told_last.count("done already") == 3
    assert said_of(here) == said_of(whole)
    assert any(len(text.splitlines()) > 1 for name, text in said_of(whole).items() if "predictions" in name)
    mine, theirs = (json.loads(rtme("eval", run, "--json").stdout)["runs"][0] for run in (here, whole))
    assert {**mine, "run": ""} == {**theirs, "run": ""}
    assert [one["subject"] for one in mine["subjects"]] == [f"own/{subject}" for subject in SUBJECTS]
    assert mine["truths"]["me"] == 4


@pytest.mark.slow
def test_a_run_killed_within_a_fold_goes_on_to_what_it_would_have_been(
    whole: Path, store: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    (tmp_path / "tiny.yaml").write_text(RECIPE)
    words = ["train", tmp_path / "tiny.yaml", "--data", store, "--out", folder]
    words += ["--threads", 1, "--accelerator", "cpu"]
    two = ["--fold", "s1", "--fold", "s2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rtme", *map(str, words), *two],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    second = folder / "folds" / "own-s2"
    while not (second / "last.ckpt").is_file() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)
    assert (folder / "folds" / "own-s1" / "done.json").is_file()
    assert not (second / "done.json").is_file()

    assert "1 fold is unfinished (own-s2)" in str(rtme("eval", folder, code=7).exception)
    told = json.loads(rtme("eval", folder, "--partial", "--json").stdout)["runs"][0]
    assert (told["unfinished"], told["missing"]) == (["own-s2"], ["own/s3", "own/s4"])
    assert [one["subject"] for one in told["subjects"]] == ["own/s1"]
    assert "1 of 2 epochs are done already" in train(store, folder, *two).stderr
    unbroken = said_of(whole)
    assert said_of(folder) == {
        name: unbroken[name] for name in unbroken if "own-s1" in name or "own-s2" in name
    }


def test_subjects_of_two_datasets_with_the_same_name_stay_two_people(
    recordings: Path, tmp_path: Path
) -> None:
    # Two datasets in one manifest, as a user puts them together: s1 and s2 of each.
    rtme("data", "check", "own", recordings, "-o", tmp_path / "own.csv")
    for name in ("own.csv", "own.videos.csv"):
        rows = table(tmp_path / name)
        for row in rows:
            if row["subject"] in ("s3", "s4"):
                row |= {"dataset": "other", "subject": {"s3": "s1", "s4": "s2"}[row["subject"]]}
        with (tmp_path / name.replace("own", "both")).open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    store = tmp_path / "store"
    rtme("data", "prepare", tmp_path / "both.csv", "--out", store, "--size", 48, "--workers", 1)
    said = str(train(store, tmp_path / "run", "--fold", "s1", code=2).exception)
    assert "more than one fold is called s1: choose of other/s1, other/s2, own/s1, own/s2" in said
    train(store, tmp_path / "run", "--fold", "own/s1", "--set", "fit.epochs=1")
    people = json.loads((tmp_path / "run" / "folds" / "own-s1" / "fold.json").read_text())["people"]
    assert people["test"] == ["own/s1"]
    assert sorted(people["train"] + people["validation"]) == ["other/s1", "other/s2", "own/s2"]


@pytest.mark.slow
def test_neither_epoch_nor_thresholds_know_what_is_true_of_the_test_subject(tmp_path: Path) -> None:
    def learnt(name: str, **moved: tuple[int, int]) -> Path:
        """The fold that leaves p0 out, of clips in which a patch shows, and where each is said to hold one."""
        store = tmp_path / name / "store"
        clips = [
            clip(n, f"p{n // 2}", me=[moved.get(f"p{n // 2}", (14, 22))] if n % 2 else []) for n in range(10)
        ]
        made_store(store, clips)
        learning = {"model.size": 32, "fit.epochs": 3, "fit.steps": 10, "fit.rate": 0.02, "spot.trials": 12}
        changes = [word for key, value in learning.items() for word in ("--set", f"{key}={value}")]
        train(store, tmp_path / name / "run", "--fold", "p0", *changes)
        return tmp_path / name / "run" / "folds" / "made-p0"

    plain, moved = learnt("plain"), learnt("moved", p0=(26, 30))
    trained_on = json.loads((plain / "fold.json").read_text())["people"]["train"][0].removeprefix("made/")
    other = learnt("other", **{trained_on: (26, 30)})
    decoder = json.loads((plain / "decoder.json").read_text())
    assert decoder["p_me"] != 0.5, "something was to be chosen"
    assert (plain / "truth.csv").read_text() != (moved / "truth.csv").read_text()
    assert (plain / "decoder.json").read_text() == (moved / "decoder.json").read_text()
    best, same, another = (weights(fold) for fold in (plain, moved, other))
    assert all(torch.equal(best[name], same[name]) for name in best)
    assert not all(torch.equal(best[name], another[name]) for name in best)
