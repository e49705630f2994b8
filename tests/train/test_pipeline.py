"""The whole way from pictures to an engine that runs, on a public-domain portrait, learning next to nothing."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
from skimage.data import astronaut

import rtme
from faces import astronaut_clip
from rtme.data.alone import alone
from rtme.data.store import Store
from rtme.engine.bundle import load_bundle
from rtme.errors import DataError

RTME = [sys.executable, "-m", "rtme"]
SMALL = ["--set", "model.size=48", "--threads", "1", "--accelerator", "cpu"]


def run(*arguments: str | Path, code: int = 0) -> str:
    done = subprocess.run([*RTME, *map(str, arguments)], capture_output=True, text=True, timeout=150)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one face in three roles."""
    folder = tmp_path_factory.mktemp("faces")
    picture = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2BGR)
    with (folder / "people.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "person", "split"])
        for split in ("train", "validation", "test"):
            cv2.imwrite(str(folder / f"{split}.png"), picture)
            rows.writerow([f"{split}.png", split, split])
    out = tmp_path_factory.mktemp("clips")
    few = [
        "--clips",
        "3",
        "--validation",
        "2",
        "--test",
        "2",
        "--seconds",
        "2",
        "--size",
        "48",
        "--workers",
        "1",
    ]
    run("synth", folder, "--out", out / "store", *few)
    return out / "store"


@pytest.fixture(scope="module")
def trained(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "quick"
    run("train", "quick", "--data", clips, "--out", folder, *SMALL)
    return folder


def test_a_run_leaves_what_it_did(trained: Path, clips: Path) -> None:
    fold = trained / "folds" / "fixed"
    people = json.loads((fold / "fold.json").read_text())["people"]
    assert people == {split: [f"synthetic/{split}"] for split in ("train", "validation", "test")}
    with (fold / "log" / "metrics.csv").open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]
    with (fold / "clips.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == sum(clip.split == "test" for clip in Store(clips).clips)
    assert json.loads((fold / "done.json").read_text())["epochs"] == 2


def test_a_complete_run_is_not_made_again(trained: Path, clips: Path) -> None:
    best = trained / "folds" / "fixed" / "best.ckpt"
    before = best.stat().st_mtime_ns
    again = subprocess.run(
        [*RTME, "train", "quick", "--data", clips, "--out", trained, *SMALL, "--json"],
        capture_output=True,
        text=True,
        timeout=150,
        check=True,
    )
    assert "fold fixed (1 of 1): done already" in again.stderr
    told = json.loads(again.stdout)
    assert (told["folds"], told["complete"], told["recipe"]) == (["fixed"], True, "quick")
    assert best.stat().st_mtime_ns == before


def test_another_recipe_does_not_touch_the_run(trained: Path, clips: Path) -> None:
    said = run("train", "quick", "--data", clips, "--out", trained, *SMALL, "--seed", "8", code=2)
    assert "seed is 7 there and 8 here" in said


def test_it_is_scored_and_says_that_it_is_synthetic(trained: Path) -> None:
    told = json.loads(run("eval", trained, "--json"))
    assert "SYNTHETIC" in json.dumps(told)
    assert json.loads((trained / "evaluation.json").read_text())


@pytest.mark.slow
def test_it_runs_live(trained: Path, tmp_path: Path) -> None:
    assert "it never saw synthetic/test\n" in run("export", trained, "--out", tmp_path / "engine")
    manifest = load_bundle(tmp_path / "engine").manifest
    assert (manifest.name, manifest.size) == ("quick", 48)
    assert set(manifest.sensitivity) == {"low", "high"}
    assert set(manifest.scores["operating"]) == {"low", "normal", "high"}
    assert manifest.scores["curve"]["points"]
    fold = trained / "folds" / "fixed"
    for picture in ("curve.png", "reliability.png"):
        drawn = fold / picture
        assert drawn.is_file() == (picture == "curve.png" or "reliability" in manifest.scores)
        if drawn.is_file():
            assert (tmp_path / "engine" / picture).read_bytes() == drawn.read_bytes()
    assert "sensitivity high" in run("engine", "info", tmp_path / "engine")
    with (tmp_path / "engine" / "people.csv").open(newline="") as file:
        assert [row["split"] for row in csv.DictReader(file)] == ["test", "train", "validation"]
    report = rtme.analyze(
        astronaut_clip(tmp_path / "clip.mp4", 1.0, 30), engine=str(tmp_path / "engine")
    ).report()
    assert report.frames == 30


def test_a_fold_is_trained_by_one_run_at_a_time(clips: Path, tmp_path: Path) -> None:
    with alone(tmp_path / "run" / "folds" / "fixed"):
        said = run(
            "train", "quick", "--data", clips, "--out", tmp_path / "run", *SMALL, code=DataError.exit_code
        )
    assert "another run fills" in said


@pytest.mark.slow
def test_a_killed_run_ends_as_if_it_had_not_been(trained: Path, clips: Path, tmp_path: Path) -> None:
    folder = tmp_path / "quick"
    command = [*RTME, "train", "quick", "--data", clips, "--out", folder, *SMALL]
    process = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    last = folder / "folds" / "fixed" / "last.ckpt"
    for _ in range(1200):
        if last.is_file() or process.poll() is not None:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)
    assert not (folder / "folds" / "fixed" / "done.json").is_file()
    run(*command[len(RTME) :])
    for table in ("predictions.csv", "clips.csv", "decoder.json"):
        mine, theirs = (one / "folds" / "fixed" / table for one in (folder, trained))
        assert mine.read_text() == theirs.read_text()
