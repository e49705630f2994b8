"""The report shows what the runs below a folder come to, and what is not there yet."""

import re
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rtme.cli import app
from rtme.data.store import LABELS
from rtme.errors import SettingsError
from rtme.score import Interval, write_table
from rtme.train.decoder import Decoder
from rtme.train.outcome import ClipRow
from rtme.train.recipe import Recipe
from rtme.train.report import write_report
from rtme.train.runs import Run, write_json, write_text
from stores import clip, store

RECIPE = Recipe.model_validate(
    {"name": "trial", "model": {"size": 32}, "encoder": {"freeze": False}, "data": {"split": "loso"}}
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two losses, two seeds each; of one run a fold is unfinished and another not begun."""
    subjects = ("a", "b", "c")
    tmp_path = tmp_path_factory.mktemp("report")
    material = store(
        tmp_path / "store",
        [
            clip(n, subject, me=[(10, 17)], base="portrait", state="speaking")
            for n, subject in enumerate(subjects)
        ],
    )
    root = tmp_path / "runs"
    for locator in ("bal", "bce"):
        for seed in (7, 8):
            changes = {"loss.locator": locator, "seed": seed, "data.store": str(material.folder)}
            run = Run.begin(root / locator / f"seed-{seed}", RECIPE.with_changes(changes), material)
            last = (locator, seed) == ("bce", 8)
            for n, subject in enumerate(subjects[:2] if last else subjects):
                hit = locator == "bal" or seed == 7
                _fold(
                    run, n, subject, found=(10, 17) if hit else (20, 27), done=not (last and subject == "b")
                )
    return root


@pytest.fixture(scope="module")
def page(runs: Path) -> str:
    assert write_report(runs, runs / "report.html", runs / "report.png") == 4
    assert (runs / "report.png").stat().st_size > 20_000
    return (runs / "report.html").read_text(encoding="utf-8")


def test_the_page_has_figures_by_hand_settings_folds_and_a_label(page: str) -> None:
    text = unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))
    assert "SYNTHETIC material" in text
    assert "one_to_one, IoU >= 0.5" in text
    # BAL finds all with both seeds, BCE with one; with the other, one of three folds counts and it finds nothing.
    assert "bal 2 1.000 ± 0.000" in text
    assert "bce 2 0.500 ± 0.707" in text
    assert "1 unfinished" in text
    assert "made/b: unfinished after 2 epochs" in text
    assert "made/c: not begun" in text
    assert "1 of 3" in text
    differing = text.split("Settings that differ")[1].split("Runs")[0]
    assert "seed" in differing
    assert "loss.locator" in differing
    assert "fit.epochs" not in differing


def test_the_page_needs_nothing_but_itself(page: str) -> None:
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    assert sources
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert "url(" not in page
    assert "<script" not in page


def test_text_of_a_recipe_is_shown_and_not_run(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "bal" / "seed-7", tmp_path / "run")
    path = tmp_path / "run" / "recipe.yaml"
    path.write_text(path.read_text().replace("summary: ''", "summary: <script>alert(1)</script>"))
    write_report(tmp_path, tmp_path / "report.html", None)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in html
    assert "<script>" not in html


def test_a_run_is_shown_where_its_material_is_no_more(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "bal" / "seed-7", tmp_path / "run")
    path = tmp_path / "run" / "recipe.yaml"
    path.write_text(path.read_text().replace(str(runs.parent / "store"), str(tmp_path / "gone")))
    assert write_report(tmp_path, tmp_path / "report.html", None) == 1
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "1.000" in html
    assert "3 of 3 folds" in html


def test_the_command(runs: Path, tmp_path: Path) -> None:
    words = [
        "report",
        str(runs / "bce"),
        "-o",
        str(tmp_path / "page.html"),
        "--png",
        str(tmp_path / "page.png"),
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "shows 2 runs" in done.output
    assert (tmp_path / "page.html").is_file()
    assert (tmp_path / "page.png").is_file()


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds no run"):
        write_report(tmp_path, tmp_path / "report.html", None)


def _fold(run: Run, n: int, subject: str, found: tuple[int, int], done: bool) -> None:
    name = f"made/{subject}"
    folder = run.fold(name)
    people = {"train": [], "validation": [], "test": [name]}
    write_json(folder / "fold.json", {"name": name, "people": people})
    write_text(
        folder / "log" / "metrics.csv",
        "epoch,step,train_loss,val_loss,val_frame_ap\n0,1,2,2,0.1\n1,2,1,1,0.3\n",
    )
    if not done:
        return
    key = f"{name}/v{n}"
    write_text(folder / "decoder.json", Decoder().model_dump_json())
    write_table(folder / "truth.csv", [Interval(key, 10, 17, "me", state="speaking")], None)
    write_table(folder / "predictions.csv", [Interval(key, *found, "me", state="speaking")], None)
    row = ClipRow(
        dataset="made",
        subject=subject,
        video=f"v{n}",
        state="speaking",
        has_me=True,
        p_me=0.9,
        p_speaking=0.8,
        said_me=True,
        said_speaking=True,
        fold=name,
        seed=run.recipe.seed,
        fps=30.0,
        n_frames=40,
        base="portrait",
    )
    fields = row.model_dump()
    write_text(
        folder / "clips.csv",
        ",".join(fields) + "\n" + ",".join(str(value) for value in fields.values()) + "\n",
    )
    label = np.zeros(40, np.uint8)
    label[10:18] = LABELS["me"]
    np.savez_compressed(folder / "frames.npz", score=(label > 0).astype(np.float32), label=label)
    write_json(folder / "done.json", {"epochs": 2, "best_epoch": 2, "seconds": {"fitting": 61.0}})
