"""What is said before a run begins, instead of at its end."""

from pathlib import Path

import pytest

from rtme.data.store import Clip, StorePlan
from rtme.errors import DataError, SettingsError
from rtme.train.plan import folds_of
from rtme.train.recipe import Recipe
from stores import clip, store

ME = [(10, 16)]


def recipe(**changes: object) -> Recipe:
    return Recipe.model_validate({"encoder": {"freeze": False}, "model": {"size": 32}}).with_changes(changes)


def people(*subjects: str, split: str | None = None) -> list[Clip]:
    return [clip(index, subject, me=ME, split=split) for index, subject in enumerate(subjects)]


def test_loso_leaves_each_subject_with_micro_expressions_out_once(tmp_path: Path) -> None:
    clips = [*people("a", "a", "b", "c"), clip(9, "calm")]
    folds = folds_of(store(tmp_path, clips), recipe(**{"data.split": "loso"}))
    assert [fold.name for fold in folds] == ["made/a", "made/b", "made/c"]
    for fold in folds:
        sides = [{one.subject for one in part} for part in (fold.train, fold.validation, fold.test)]
        assert set.union(*sides) == {"a", "b", "c", "calm"}
        assert sum(map(len, sides)) == 4
    assert [one.index for one in folds[0].test] == [0, 1]


def test_loso_can_test_everyone(tmp_path: Path) -> None:
    made = store(tmp_path, [*people("a", "b", "c"), clip(9, "calm")])
    folds = folds_of(made, recipe(**{"data.split": "loso", "data.leave_out": "everyone"}))
    assert [fold.name for fold in folds] == ["made/a", "made/b", "made/c", "made/calm"]


def test_all_keeps_nobody_out(tmp_path: Path) -> None:
    (fold,) = folds_of(store(tmp_path, people("a", "b", "c")), recipe(**{"data.split": "all"}))
    assert (fold.name, fold.test) == ("all", [])
    assert len(fold.train) == 2
    assert len(fold.validation) == 1


def test_fixed_goes_by_what_the_clips_say(tmp_path: Path) -> None:
    clips = [clip(n, f"s{n}", me=ME, split=split) for n, split in enumerate(("train", "validation", "test"))]
    (fold,) = folds_of(store(tmp_path, clips), recipe())
    assert [part[0].subject for part in (fold.train, fold.validation, fold.test)] == ["s0", "s1", "s2"]


def test_folds_are_asked_for_by_subject(tmp_path: Path) -> None:
    clips = people("a", "b", "c")
    made = store(tmp_path, clips)
    loso = recipe(**{"data.split": "loso"})
    assert [fold.name for fold in folds_of(made, loso, ["b"])] == ["made/b"]
    with pytest.raises(SettingsError, match="no fold is called x: choose of made/a, made/b, made/c"):
        folds_of(made, loso, ["x"])


def test_one_subject_name_in_two_datasets_is_two_folds(tmp_path: Path) -> None:
    clips = [clip(n, "1", me=ME, dataset=name) for n, name in enumerate("xyz")]
    made = store(tmp_path, clips)
    assert len(folds_of(made, recipe(**{"data.split": "loso"}))) == 3
    with pytest.raises(SettingsError, match="more than one fold is called 1"):
        folds_of(made, recipe(**{"data.split": "loso"}), ["1"])


@pytest.mark.parametrize(
    ("clips", "changes", "said"),
    [
        (people("a", "b", "c"), {"model.size": 64}, "model.size is 64 and .* was prepared with size 32"),
        ([], {}, "has no clip that is complete"),
        (people("a", "b", "c"), {}, "3 of 3 clips have no split"),
        (people("a", "b"), {"data.split": "loso"}, "2 of 2 subjects have micro-expressions and folds need 3"),
        (people("a", split="train"), {}, "fold fixed has no micro-expression to choose the epoch"),
        (people("a", split="test"), {}, "fold fixed has no micro-expression to train on"),
        (people("a", split="train"), {"encoder.pretrain_steps": 5}, "how far its action units move"),
    ],
)
def test_what_cannot_work_is_said_at_once(
    tmp_path: Path, clips: list[Clip], changes: dict[str, object], said: str
) -> None:
    with pytest.raises((DataError, SettingsError), match=said):
        folds_of(store(tmp_path, clips), recipe(**changes))


def test_a_subject_whose_face_was_never_seen_is_named(tmp_path: Path) -> None:
    made = store(tmp_path, people("a", "b", "c"), faceless=[1])
    with pytest.raises(DataError, match="no face that may be judged was seen of made/b"):
        folds_of(made, recipe(**{"data.split": "loso"}))


def test_material_of_another_input_is_refused(tmp_path: Path) -> None:
    made = store(tmp_path, people("a", "b", "c"), StorePlan(size=32, input="rgb"))
    with pytest.raises(SettingsError, match=r"model\.input is motion and .* was prepared with input rgb"):
        folds_of(made, recipe(**{"data.split": "all"}))
