"""A study trains each variant with each seed as a normal run, goes on after a stop, and outlives a run that fails."""

import csv
import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from rtme.cli import app
from rtme.data.store import StorePlan
from rtme.errors import SettingsError
from rtme.train.ablate import ablate
from rtme.train.recipe import Recipe
from rtme.train.runs import Run, is_done
from rtme.train.studies import Study, study_of
from stores import clip, store


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """Eleven clips, of which a pretrained toy learns nothing."""
    splits = ["train"] * 4 + ["validation"] * 3 + ["test"] * 4
    clips = [
        clip(
            n,
            f"p{n}",
            me=[(12, 19)] if n % 3 else [],
            split=split,
            base="portrait",
            units_known=True,
            state=("speaking", "listening")[n % 2],
        )
        for n, split in enumerate(splits)
    ]
    material = store(tmp_path_factory.mktemp("material") / "store", clips)
    sizes = {"dim": 16, "depth": 1, "heads": 2, "queries": 2, "query_dim": 16, "lstm_hidden": 8, "context": 8}
    return Recipe.model_validate(
        {
            "name": "toy",
            "data": {"store": str(material.folder)},
            "model": {"size": 32, "window": 16, **sizes},
            "encoder": {"pretrain_steps": 2, "pretrain_batch": 8, "pretrain_check": 16},
            "fit": {"epochs": 2, "steps": 2, "batch": 4},
            "spot": {"trials": 2},
        }
    )


def losses(recipe: Recipe) -> Study:
    return study_of("losses", recipe).only(["BAL", "BCE"])


@pytest.fixture(scope="module")
def half_failed(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Two losses with two seeds; one run meets a damaged checkpoint."""
    out = tmp_path_factory.mktemp("studies") / "losses"
    damaged = out / "bce" / "seed-8" / "folds" / "fixed" / "last.ckpt"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"no checkpoint")
    _, failed = ablate(losses(recipe), recipe, out, 2, lambda _: None)
    return out, failed


@pytest.mark.slow
def test_a_run_that_fails_is_named_and_the_others_go_on(half_failed: tuple[Path, dict[str, str]]) -> None:
    out, failed = half_failed
    assert list(failed) == ["BCE, seed 8"]
    assert "last.ckpt" in failed["BCE, seed 8"]
    assert "FAILED: BCE, seed 8" in (out / "ablation.md").read_text(encoding="utf-8")
    with (out / "ablation.csv").open(encoding="utf-8") as file:
        runs = [(row["variant"], row["seed"]) for row in csv.DictReader(file)]
    assert runs == [("BAL", "7"), ("BAL", "8"), ("BCE", "7")]


@pytest.mark.slow
def test_every_variant_is_a_run_from_one_encoder(half_failed: tuple[Path, dict[str, str]]) -> None:
    out, _ = half_failed
    bal, bce = Run(out / "bal" / "seed-8"), Run(out / "bce" / "seed-7")
    assert is_done(bal.fold("fixed"))
    assert (bal.recipe.loss.locator, bal.recipe.seed) == ("bal", 8)
    assert (bce.recipe.loss.locator, bce.recipe.seed) == ("bce", 7)
    assert bal.recipe.encoder == bce.recipe.encoder
    assert bal.recipe.encoder.start == str(out / "encoder-motion" / "encoder.safetensors")
    assert bal.recipe.encoder.pretrain_steps == 0


@pytest.mark.slow
def test_the_tables_say_what_they_were_measured_on(half_failed: tuple[Path, dict[str, str]]) -> None:
    out, _ = half_failed
    content = json.loads((out / "ablation.json").read_text(encoding="utf-8"))
    assert content["label"].startswith("SYNTHETIC conversational clips; not comparable")
    # p7, p8 and p10 have one each; p8 and p10 are of speaking
    assert content["test"].startswith(
        "4 clips with 3 micro-expressions, 2 of them in 2 speaking clips, 1 of them in 2"
    )
    assert content["seeds"] == "2 (7 to 8)"
    assert content["matching"].startswith("one_to_one, IoU >= 0.5")
    assert (out / "curves.png").is_file()


@pytest.mark.slow
def test_it_goes_on_with_what_is_missing_and_trains_nothing_twice(
    half_failed: tuple[Path, dict[str, str]], recipe: Recipe, tmp_path: Path
) -> None:
    out, _ = half_failed
    (out / "bce" / "seed-8" / "folds" / "fixed" / "last.ckpt").unlink()
    before = (out / "bal" / "seed-7" / "folds" / "fixed" / "done.json").stat().st_mtime_ns
    said: list[str] = []
    text, failed = ablate(losses(recipe), recipe, out, 2, said.append)
    assert not failed
    assert "| BCE | 2 |" in text
    assert [line.split(":")[0] for line in said if "done (" in line] == ["BCE, seed 8"]
    assert (out / "bal" / "seed-7" / "folds" / "fixed" / "done.json").stat().st_mtime_ns == before


@pytest.mark.slow
def test_another_recipe_in_the_same_folder_is_refused_at_the_start(
    half_failed: tuple[Path, dict[str, str]], recipe: Recipe
) -> None:
    out, _ = half_failed
    with pytest.raises(SettingsError, match=r"fit\.epochs is 2 there and 3 here"):
        ablate(losses(recipe), recipe.with_changes({"fit.epochs": 3}), out, 2, lambda _: None)
    with pytest.raises(SettingsError, match="holds an encoder of other settings or material"):
        ablate(losses(recipe), recipe.with_changes({"encoder.pretrain_steps": 3}), out, 2, lambda _: None)


def test_splits_that_cannot_be_compared_on_are_refused(recipe: Recipe, tmp_path: Path) -> None:
    loso = recipe.with_changes({"data.split": "loso"})
    with pytest.raises(SettingsError, match="would have seen the subjects left out"):
        ablate(losses(loso), loso, tmp_path, 1, lambda _: None)
    everyone = recipe.with_changes({"data.split": "all"})
    with pytest.raises(SettingsError, match="nobody is left to be tested on"):
        ablate(losses(everyone), everyone, tmp_path, 1, lambda _: None)


def test_rgb_clips_that_are_not_the_same_are_refused(recipe: Recipe, tmp_path: Path) -> None:
    clips = [clip(0, "a", me=[(9, 16)], split=split) for split in ("train", "validation", "test")]
    clips = [one.model_copy(update={"index": n, "video": f"v{n}"}) for n, one in enumerate(clips)]
    rgb = store(tmp_path / "rgb", clips, StorePlan(input="rgb", size=32))
    unpretrained = recipe.with_changes({"encoder.freeze": False, "encoder.pretrain_steps": 0})
    study = study_of("parts", unpretrained, rgb.folder)
    with pytest.raises(SettingsError, match="do not hold the same clips"):
        ablate(study, unpretrained, tmp_path / "out", 1, lambda _: None)
    assert not (tmp_path / "out").exists()


def test_classical_methods_go_through_the_same_metrics(recipe: Recipe, tmp_path: Path) -> None:
    study = study_of("table", recipe).only(["lbp-top", "mdmd-like"])
    text, failed = ablate(study, recipe, tmp_path, 5, lambda _: None)
    assert not failed
    header, lbp_top, mdmd = (
        line for line in text.splitlines() if line.startswith(("| variant", "| LBP", "| MDMD"))
    )
    state = [cell.strip() for cell in header.split("|")].index("Acc_State")
    for line in (lbp_top, mdmd):
        cells = [cell.strip() for cell in line.split("|")]
        assert cells[state] == "—"
        assert all(0 <= float(cell) <= 1 for n, cell in enumerate(cells[3:-1], 3) if n != state)
    content = json.loads((tmp_path / "ablation.json").read_text(encoding="utf-8"))
    assert content["variants"][0]["about"]["thresholds"]["fixed"]["length_ms"] in (200, 300, 400)


def test_parts_leave_out_one_thing_each(recipe: Recipe, tmp_path: Path) -> None:
    base = recipe.model_dump()["model"]
    for variant in study_of("parts", recipe).variants:
        changed = recipe.with_changes(variant.changes).model_dump()["model"]
        assert sum(changed[name] != base[name] for name in base) == (variant.name != "full")
    rgb = study_of("parts", recipe, tmp_path / "rgb").variants[-1]
    varied = recipe.with_changes(rgb.changes)
    assert (varied.model.input, varied.data.store) == ("rgb", tmp_path / "rgb")


def test_folders_of_variants_differ(recipe: Recipe) -> None:
    for kind in ("losses", "parts", "table"):
        names = [variant.folder_name for variant in study_of(kind, recipe, Path("rgb")).variants]
        assert len(set(names)) == len(names)
        assert all(name.replace("-", "").isalnum() for name in names)


def test_the_command_says_which_variants_there_are(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text(recipe.to_yaml(), encoding="utf-8")
    done = CliRunner().invoke(
        app, ["ablate", "losses", str(path), "--out", str(tmp_path / "out"), "--only", "focal"]
    )
    assert isinstance(done.exception, SettingsError)
    assert str(done.exception) == "no variant focal: choose of BAL, BCE, Smooth L1, IoU, MSE, MAE"
    words = ["table", str(path), "--out", str(tmp_path / "out"), "--only", "MDMD-like", "--json"]
    done = CliRunner().invoke(app, ["ablate", *words])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["variants"][0]["name"] == "MDMD-like"


@pytest.mark.slow
def test_runs_side_by_side_give_what_one_after_the_other_gives(recipe: Recipe, tmp_path: Path) -> None:
    for jobs in (1, 2):
        _, failed = ablate(losses(recipe), recipe, tmp_path / str(jobs), 1, lambda _: None, jobs=jobs)
        assert not failed
    one, two = ((tmp_path / jobs / "ablation.csv").read_text(encoding="utf-8") for jobs in ("1", "2"))
    assert one == two
