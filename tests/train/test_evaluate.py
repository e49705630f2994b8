"""Folds pooled into one evaluation, by hand-made scores whose figures can be counted."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from made_scores import PLAN, made_store, me, score_all, scored_as, tiny_model, tiny_recipe
from rtme.cli.eval import evaluate as eval_command
from rtme.cli.export import export as export_command
from rtme.data.store import LABELS, Store, StorePlan, StoreWriter, new_arrays
from rtme.engine.bundle import load_bundle
from rtme.errors import DataError, SettingsError
from rtme.score import Rules, read_table, read_videos
from rtme.train.decoder import Decoder, spot
from rtme.train.evaluate import Evaluation, evaluate_on, evaluate_runs, fold_of, read_decoder, save
from rtme.train.outcome import Outcome, write_fold
from rtme.train.recipe import Recipe
from rtme.train.replay import ScoredClip, score_clips
from rtme.train.runs import Run, write_json

Bump = tuple[int, int, float]
"""First slot, last slot, score."""


def conversation(folder: Path) -> Store:
    """Three subjects with a speaking and a listening clip of two seconds each; each speaking one holds an expression."""
    clips = []
    for subject in ("a", "b", "c"):
        for state in ("speaking", "listening"):
            facts = {"dataset": "talks", "subject": subject, "video": state, "state": state}
            held = [me(20, 28)] if state == "speaking" else []
            clips.append(({**facts, "intervals": held}, [(1, True, 60)]))
    return made_store(folder, clips)


def scored_of(store: Store, recipe: Recipe, bumps: dict[str, list[Bump]]) -> list[ScoredClip]:
    """A subject's clips, or all; they score 0.1 but where something else is said of ``subject/video``."""
    scored = []
    for one in score_all(store, recipe):
        curve = np.full(60, 0.1)
        for first, last, score in bumps.get(f"{one.clip.subject}/{one.clip.video}", []):
            curve[first : last + 1] = score
        scored.append(scored_as(one, curve, 0.8 if one.clip.state == "speaking" else 0.4))
    return scored


# a: found exactly. b: found two slots late, and a false one while listening. c: missed.
FOUND: dict[str, list[Bump]] = {
    "a/speaking": [(20, 28, 0.9)],
    "b/speaking": [(22, 30, 0.9)],
    "b/listening": [(40, 45, 0.8)],
}


def a_run(
    folder: Path,
    store: Store,
    bumps: dict[str, list[Bump]],
    subjects: Sequence[str] = ("a", "b", "c"),
    **changes: Any,
) -> Run:
    """A run with a finished fold for each subject."""
    recipe = tiny_recipe(data__store=str(store.folder), data__split="loso", **changes)
    run = Run.begin(folder, recipe, store)
    scored = scored_of(store, recipe, bumps)
    for subject in subjects:
        mine = [one for one in scored if one.clip.subject == subject]
        finish(run, f"talks/{subject}", mine)
    return run


def finish(run: Run, name: str, scored: Sequence[ScoredClip]) -> Path:
    """What a fold's training leaves behind, its checkpoint included."""
    folder = run.fold(name)
    people = sorted({"/".join(one.clip.person) for one in scored})
    write_json(
        folder / "fold.json",
        {
            "name": name,
            "people": {"train": ["talks/x"], "validation": ["talks/y"], "test": people},
            "clips": {"train": 1, "validation": 1, "test": len(scored)},
            "micro-expressions": {"train": 1, "validation": 1, "test": 1},
        },
    )
    state = {f"model.{key}": value for key, value in tiny_model(run.recipe).state_dict().items()}
    torch.save({"state_dict": state, "settings": {}, "callbacks": {}, "epoch": 1}, folder / "best.ckpt")
    write_fold(folder, scored, Decoder(), run.recipe, name)
    write_json(folder / "done.json", {"epochs": 1, "best_epoch": 1, "seconds": {"fitting": 1.0}})
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return conversation(tmp_path_factory.mktemp("evaluate") / "store")


def test_figures_of_a_run_are_counted_over_all_folds(tmp_path: Path, store: Store) -> None:
    evaluation = evaluate_runs([a_run(tmp_path, store, FOUND)], Rules())
    (run,) = evaluation.runs
    figures = run.figures
    # 3 labelled, 3 found, 2 pairs (the late one shares 7 of 11 frames).
    assert (figures["precision"], figures["recall"], figures["f1"]) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    # Speaking clips: 2 of 3 found, nothing false. Listening clips: nothing there, one false.
    assert (figures["f1_s"], figures["f1_l"], figures["f1_dr"]) == (pytest.approx(0.8), 0, 0)
    assert figures["false_alarms_per_minute"] == pytest.approx(1 / (6 * 2 / 60))
    assert (figures["onset_error_frames"], figures["offset_error_ms"]) == pytest.approx((1, 1000 / 30))
    # p_me is 0.9, 0.9, 0.1 where there is one and 0.1, 0.8, 0.1 where there is none; c is missed and b's false.
    assert figures["acc_me"] == pytest.approx(4 / 6)
    assert figures["acc_state"] == 1
    # Slots: 27 are inside. 7 of b and 9 of a score 0.9, as do 2 outside; then 6 false at 0.8; the rest score 0.1.
    assert figures["frame_ap"] == pytest.approx(16 / 27 * 16 / 18 + 11 / 27 * 27 / 360)
    assert (run.clips, run.minutes, run.truths) == (6, 0.2, {"me": 3, "mae": 0})
    assert [(one.subject, one.truths, one.found, one.matched) for one in run.subjects] == [
        ("talks/a", 1, 1, 1),
        ("talks/b", 1, 2, 1),
        ("talks/c", 1, 0, 0),
    ]
    assert evaluation.rule == "one_to_one, IoU >= 0.5, inclusive frames"
    assert run.material == "recorded"
    strict = evaluate_runs([Run(tmp_path)], Rules(iou=0.7)).runs[0]
    assert strict.figures["f1"] == pytest.approx(1 / 3)


def test_both_kinds_are_counted_where_both_are_located(tmp_path: Path) -> None:
    store = made_store(tmp_path / "store", [({"intervals": [me(5, 40, "mae"), me(50, 55)]}, [(1, True, 60)])])
    recipe = tiny_recipe(data__store=str(store.folder), data__split="all", data__locate="me+mae")
    run = Run.begin(tmp_path / "run", recipe, store)
    recipe = run.recipe.with_changes({"data.split": "loso"})
    (blank,) = score_all(store, recipe)
    curve = np.full(60, 0.1)
    curve[5:41] = 0.9
    outcome = Outcome.of([scored_as(blank, curve)], Decoder(), recipe, "made/s0")
    from rtme.train.evaluate import figures_of

    figures = figures_of(outcome, Rules(), recipe)
    assert (figures["f1"], figures["f1_mae"], figures["f1_overall"]) == pytest.approx((0, 1, 2 / 3))
    assert figures["f1_s"] is figures["f1_dr"] is figures["acc_state"] is None
    only_me = figures_of(outcome, Rules(), tiny_recipe())
    assert "f1_mae" not in only_me


def test_a_fold_reads_back_what_was_said_and_others_can_score_it(tmp_path: Path, store: Store) -> None:
    recipe = tiny_recipe()
    scored = scored_of(store, recipe, FOUND)
    write_fold(tmp_path, scored, Decoder(p_me=0.3), recipe, "all of them")
    written, kept = Outcome.of(scored, Decoder(p_me=0.3), recipe, "all of them"), Outcome.read(tmp_path)
    assert (kept.clips, kept.truth, kept.found) == (written.clips, written.truth, written.found)
    np.testing.assert_array_equal(kept.scores, written.scores)
    np.testing.assert_array_equal(kept.labels, written.labels)
    assert (kept.labels & LABELS["me"] > 0).sum() == 27
    assert read_decoder(tmp_path) == Decoder(p_me=0.3)
    assert read_table(tmp_path / "predictions.csv") == kept.found
    assert read_videos(tmp_path / "clips.csv") == [row.facts for row in kept.clips]
    header, first, *_ = (tmp_path / "predictions.csv").read_text().splitlines()
    row = dict(zip(header.split(","), first.split(","), strict=True))
    assert (row["video"], row["onset"], row["offset"]) == ("talks/a/speaking", "20", "28")
    assert (row["fold"], row["seed"], row["state"]) == ("all of them", str(recipe.seed), "speaking")


def test_folds_of_several_machines_are_put_together(tmp_path: Path, store: Store) -> None:
    one = a_run(tmp_path / "one", store, FOUND, ["a"])
    other = a_run(tmp_path / "other", store, FOUND, ["b", "c"])
    whole = evaluate_runs([a_run(tmp_path / "whole", store, FOUND)], Rules()).runs[0]
    with pytest.raises(DataError, match=r"2 folds are missing \(talks/b, talks/c\).*--partial"):
        evaluate_runs([one], Rules())
    part = evaluate_runs([one], Rules(), partial=True).runs[0]
    assert part.missing == ["talks/b", "talks/c"]
    assert "WITHOUT 2 missing folds" in part.notes[0]
    for folder in other.folds():
        shutil.copytree(folder, one.folder / "folds" / folder.name)
    together = evaluate_runs([one], Rules()).runs[0]
    assert together.figures == whole.figures
    assert together.subjects == whole.subjects


def test_unfinished_folds_are_named(tmp_path: Path, store: Store) -> None:
    run = a_run(tmp_path, store, FOUND)
    (run.fold("talks/b") / "done.json").unlink()
    with pytest.raises(DataError, match=r"1 fold is unfinished \(talks-b\)"):
        evaluate_runs([run], Rules())
    part = evaluate_runs([run], Rules(), partial=True).runs[0]
    assert part.unfinished == ["talks-b"]
    assert [one.subject for one in part.subjects] == ["talks/a", "talks/c"]
    for folder in run.folds():
        (folder / "done.json").unlink(missing_ok=True)
    with pytest.raises(DataError, match="no finished fold"):
        evaluate_runs([run], Rules(), partial=True)


def test_a_subject_that_is_tested_twice_is_refused(tmp_path: Path, store: Store) -> None:
    run = a_run(tmp_path, store, FOUND)
    shutil.copytree(run.fold("talks/b"), run.folder / "folds" / "talks-b-copy")
    with pytest.raises(DataError, match="talks/b/speaking is tested in the folds talks-b and talks-b-copy"):
        evaluate_runs([run], Rules())


def test_a_fold_of_another_seed_is_refused(tmp_path: Path, store: Store) -> None:
    run = a_run(tmp_path / "run", store, FOUND, ["a"])
    other = a_run(tmp_path / "other", store, FOUND, ["b", "c"], seed=8)
    shutil.copytree(other.fold("talks/b"), run.fold("talks/b"))
    with pytest.raises(DataError, match=r"talks-b is of seed 8 and the run of seed 7"):
        evaluate_runs([run], Rules(), partial=True)


@pytest.mark.parametrize("name", ["clips.csv", "frames.npz", "predictions.csv", "truth.csv"])
def test_a_damaged_fold_is_named(tmp_path: Path, store: Store, name: str) -> None:
    run = a_run(tmp_path, store, FOUND)
    (run.fold("talks/b") / name).write_bytes(b"dataset,subject\n1,2\n")
    with pytest.raises(DataError, match=name):
        evaluate_runs([run], Rules())
    (run.fold("talks/b") / name).unlink()
    with pytest.raises(DataError, match=name):
        evaluate_runs([run], Rules())


def test_seeds_give_mean_and_standard_deviation(tmp_path: Path, store: Store) -> None:
    runs = [
        a_run(tmp_path / "1", store, FOUND, seed=1),
        a_run(tmp_path / "2", store, {**FOUND, "c/speaking": [(20, 28, 0.9)]}, seed=2),
    ]
    evaluation = evaluate_runs(runs, Rules())
    # 2 pairs of 3 and 3; 3 pairs of 3 and 4.
    f1 = [2 / 3, 6 / 7]
    assert evaluation.mean["f1"] == pytest.approx(np.mean(f1))
    assert evaluation.sd["f1"] == pytest.approx(np.std(f1, ddof=1))
    same = evaluate_runs([runs[0], runs[0]], Rules())
    assert same.mean == {}
    assert "same seed (1, 1)" in same.notes[0]
    other = evaluate_runs([runs[0], a_run(tmp_path / "3", store, FOUND, loss__locator="bce")], Rules())
    assert other.mean == {}
    assert "loss.locator" in other.notes[0]


def test_subjects_whom_no_fold_tests_are_told(tmp_path: Path) -> None:
    facts = [{"dataset": "talks", "subject": name, "intervals": [me(20, 28)]} for name in ("a", "b", "c")]
    facts += [{"dataset": "talks", "subject": "d", "video": name} for name in ("one", "two")]
    store = made_store(tmp_path / "store", [(each, [(1, True, 60)]) for each in facts])
    score = evaluate_runs([a_run(tmp_path / "run", store, {})], Rules()).runs[0]
    assert score.clips == 3
    assert score.notes[0].startswith("2 clips of 1 subjects without a micro-expression are in no fold's test")


def test_synthetic_and_unlabelled_clips_are_told(tmp_path: Path) -> None:
    clips = [
        ({"base": "portrait", "intervals": [me(20, 28)], "split": "test"}, [(1, True, 60)]),
        ({"base": "clip", "labelled": False, "split": "test"}, [(1, True, 60)]),
    ]
    store = made_store(tmp_path / "store", clips)
    recipe = tiny_recipe(data__store=str(store.folder))
    run = Run.begin(tmp_path / "run", recipe, store)
    bump = np.full(60, 0.1)
    bump[20:29] = 0.9
    finish(run, "fixed", [scored_as(one, bump) for one in score_all(store, recipe)])
    score = evaluate_runs([run], Rules()).runs[0]
    assert score.material == "synthetic"
    assert score.notes[0].startswith(
        "SYNTHETIC material (1 real clips with planted movements, 1 animated portrait"
    )
    assert any("1 clips in which nothing is labelled" in note for note in score.notes)
    assert score.figures["acc_me"] == 1, "of the unlabelled clip nothing is known"
    assert score.figures["precision"] == 0.5, "what is found there is false"


def test_an_engine_of_everyone_has_nobody_to_be_tested_on(tmp_path: Path, store: Store) -> None:
    run = Run.begin(tmp_path, tiny_recipe(data__store=str(store.folder), data__split="all"), store)
    finish(run, "all", [])
    with pytest.raises(DataError, match="--data"):
        evaluate_runs([run], Rules())


def test_other_material_goes_through_one_folds_engine(tmp_path: Path, store: Store) -> None:
    run = a_run(tmp_path / "run", store, FOUND)
    with pytest.raises(SettingsError, match=r"3 folds, each an engine that never saw one subject: .*--fold"):
        evaluate_on(run, store, Rules())
    evaluation = evaluate_on(run, store, Rules(), "a")
    scored = score_clips(store, store.clips, tiny_model(run.recipe), run.recipe)
    found = [one for clip in scored for one in spot(clip, Decoder(), run.recipe)]
    (score,) = evaluation.runs
    assert sum(one.found for one in score.subjects) == sum(one.type == "me" for one in found)
    assert (score.clips, score.tested_on) == (6, str(store.folder))
    with pytest.raises(SettingsError, match="no clip of the split test"):
        evaluate_on(run, store, Rules(), "talks/a", "test")
    other = tmp_path / "other"
    StoreWriter(other, StorePlan(**{**PLAN.model_dump(), "fps": 60}), "made by a test")
    new_arrays(other, 0, 1, PLAN.size)
    with pytest.raises(SettingsError, match=r"prepared with fps 60\.0, and .* learned from fps 30\.0"):
        evaluate_on(run, Store(other), Rules(), "a")


def test_people_whom_the_engine_learned_from_are_told(tmp_path: Path, store: Store) -> None:
    run = a_run(tmp_path / "run", store, FOUND, ["a"])
    assert not any("NOT A TEST" in note for note in evaluate_on(run, store, Rules()).runs[0].notes)
    path = run.fold("talks/a") / "fold.json"
    fold = json.loads(path.read_text())
    fold["people"] |= {"train": ["talks/b", "talks/x"], "validation": ["talks/c"]}
    write_json(path, fold)
    (score,) = evaluate_on(run, store, Rules()).runs
    assert score.notes[0] == (
        "NOT A TEST: 2 of these 3 subjects were trained on or chose epoch and thresholds (talks/b, talks/c)"
    )


def test_a_fold_is_found_by_its_name_or_alone(tmp_path: Path, store: Store) -> None:
    run = a_run(tmp_path, store, FOUND, ["a", "b"])
    assert fold_of(run, "talks/b") == fold_of(run, "talks-b") == fold_of(run, "b") == run.fold("talks/b")
    with pytest.raises(SettingsError, match="no finished fold c: choose of talks-a, talks-b"):
        fold_of(run, "c")
    (run.fold("talks/a") / "done.json").unlink()
    assert fold_of(run, None) == run.fold("talks/b")


def command(*words: str) -> Any:
    app = typer.Typer()
    app.command("eval")(eval_command)
    app.command("export")(export_command)
    return CliRunner().invoke(app, words, catch_exceptions=False)


def test_the_command_prints_figures_with_their_rules_and_keeps_them(tmp_path: Path, store: Store) -> None:
    run = a_run(tmp_path, store, FOUND)
    shown = command("eval", str(run.folder), "--match", "ground_truth_centric", "--comparator", ">")
    assert "ground_truth_centric, IoU > 0.5" in shown.stdout
    assert "3 ME and 0 MaE labelled" in shown.stdout
    printed = command("eval", str(run.folder), "--json")
    kept = Evaluation.model_validate_json((run.folder / "evaluation.json").read_text())
    assert Evaluation.model_validate(json.loads(printed.stdout)) == kept
    assert kept.runs[0].figures["f1"] == pytest.approx(2 / 3)


def test_the_command_lists_subjects_where_they_are_few(tmp_path: Path) -> None:
    for count in (3, 21):
        facts = {"split": "test", "intervals": [me(20, 28)]}
        store = made_store(tmp_path / f"store{count}", [(facts, [(1, True, 60)])] * count)
        recipe = tiny_recipe(data__store=str(store.folder))
        run = Run.begin(tmp_path / f"run{count}", recipe, store)
        finish(run, "fixed", scored_of(store, recipe, {}))
        shown = command("eval", str(run.folder)).stdout
        assert ("made/s0" in shown) == (count == 3)
        assert ("each of the 21 subjects is told by --json" in shown) == (count == 21)


@pytest.mark.slow
def test_the_command_exports_a_fold_with_what_is_known_of_it(tmp_path: Path, store: Store) -> None:
    run = a_run(tmp_path / "run", store, FOUND)
    shown = command("export", str(run.folder), "--out", str(tmp_path / "engine"), "--fold", "b")
    assert "it never saw talks/b" in shown.stdout
    manifest = load_bundle(tmp_path / "engine").manifest
    assert manifest.training["left out"] == "talks/b"
    assert manifest.training["people"] == {"train": 1, "validation": 1, "test": 1}
    assert str(store.folder) not in manifest.model_dump_json()
    # Of b's two clips: one found two slots late, one false.
    assert manifest.scores["test"]["f1"] == pytest.approx(2 / 3, abs=1e-4)


def test_several_runs_keep_their_own_evaluation(tmp_path: Path, store: Store) -> None:
    runs = [a_run(tmp_path / str(seed), store, FOUND, seed=seed) for seed in (1, 2)]
    save(evaluate_runs(runs, Rules()))
    for run in runs:
        kept = Evaluation.model_validate_json((run.folder / "evaluation.json").read_text())
        assert [one.seed for one in kept.runs] == [run.recipe.seed]
