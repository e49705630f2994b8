"""A run's folder belongs to one recipe and one material."""

from pathlib import Path

import pytest

from rtme.errors import DataError, SettingsError
from rtme.train.recipe import Recipe
from rtme.train.runs import Run, material_of
from stores import clip, store

RECIPE = Recipe.model_validate({"name": "trial", "encoder": {"freeze": False}})


def test_a_run_is_begun_once_and_gone_on_with(tmp_path: Path) -> None:
    made = store(tmp_path / "store", [clip(0, "a")])
    first = Run.begin(tmp_path / "run", RECIPE, made)
    again = Run.begin(tmp_path / "run", RECIPE, made)
    assert first.recipe == again.recipe == Run(tmp_path / "run").recipe == RECIPE


def test_another_recipe_is_refused_with_the_setting_that_differs(tmp_path: Path) -> None:
    made = store(tmp_path / "store", [clip(0, "a")])
    Run.begin(tmp_path / "run", RECIPE, made)
    with pytest.raises(SettingsError, match=r"fit\.epochs is 26 there and 3 here"):
        Run.begin(tmp_path / "run", RECIPE.with_changes({"fit.epochs": 3}), made)


def test_other_material_is_refused(tmp_path: Path) -> None:
    Run.begin(tmp_path / "run", RECIPE, store(tmp_path / "one", [clip(0, "a")]))
    with pytest.raises(DataError, match=r"begun on 1 clips, and .* now holds others \(2\)"):
        Run.begin(tmp_path / "run", RECIPE, store(tmp_path / "two", [clip(0, "a"), clip(1, "b")]))


def test_what_is_no_run_or_has_no_material_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is no run"):
        Run(tmp_path)
    with pytest.raises(SettingsError, match="give --data FOLDER"):
        material_of(RECIPE)
    with pytest.raises(DataError, match="holds no prepared material"):
        material_of(RECIPE.with_changes({"data.store": str(tmp_path / "nothing")}))
