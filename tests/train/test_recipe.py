"""Recipes: what comes with the package, what a file may hold, and what is said of a wrong one."""

from pathlib import Path

import pytest
import yaml

from rtme.errors import SettingsError
from rtme.train import recipe as recipes
from rtme.train.recipe import Recipe


@pytest.mark.parametrize("name", recipes.names())
def test_a_recipe_of_the_package_loads_and_survives_being_written(name: str) -> None:
    loaded = recipes.load(name)
    assert loaded.name == name
    assert loaded.summary
    assert recipes.parse(yaml.safe_load(loaded.to_yaml()), "again") == loaded


@pytest.mark.parametrize("name", recipes.names())
def test_what_is_shown_of_a_recipe_is_that_recipe(name: str) -> None:
    shown = recipes.explain(recipes.load(name))
    assert recipes.parse(yaml.safe_load(shown), "shown") == recipes.load(name)
    assert "look_ahead: 10  # slots after a slot before its score is final" in shown


def test_the_papers_encoder_is_a_vit_b_16_at_224() -> None:
    model = recipes.load("paper").model
    assert (model.input, model.size, model.patch, model.dim, model.depth, model.heads) == (
        "rgb", 224, 16, 768, 12, 12,
    )  # fmt: skip


def test_a_file_holds_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nencoder: {start: default}\nloss: {locator: bce}\n")
    loaded = recipes.load(path)
    assert (loaded.loss.locator, loaded.fit) == ("bce", Recipe.model_fields["fit"].default)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fit: {epochs: 0}", "fit.epochs: Input should be greater than 0"),
        ("fit: {epoch: 3}", "fit.epoch: Extra inputs are not permitted"),
        ("loss: {locator: dice}", "loss.locator: Input should be 'bal'"),
        ("{", "is not YAML"),
        ("model: {dim: 30}", "dim is 30 and heads is 4: the first must be a multiple"),
        ("{}", "the encoder would be frozen with random numbers"),
        ("encoder: {start: default}\naugment: {light: 0.2}", "a frozen encoder sees each crop once"),
        ("encoder: {start: default}\nspot: {look_ahead: 40}", "give 2 to 31"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"wrong\.yaml") as raised:
        recipes.load(path)
    assert said in str(raised.value)


def test_a_recipe_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(SettingsError, match=r"give a YAML file or one of .*casme2sq.*paper"):
        recipes.load("casme22")


def test_changes_are_read_as_yaml_and_checked() -> None:
    start = recipes.load("casme2sq")
    changes = recipes.read_changes(
        ["fit.epochs=3", "encoder.start=null", "encoder.freeze=false", "loss.locator=iou"]
    )
    changed = start.with_changes(changes)
    assert (changed.fit.epochs, changed.encoder.start, changed.loss.locator) == (3, None, "iou")
    with pytest.raises(SettingsError, match=r"no setting fit\.epoch in a recipe"):
        start.with_changes({"fit.epoch": 3})
    with pytest.raises(SettingsError, match=r"fit\.epochs: Input should be a valid integer"):
        start.with_changes({"fit.epochs": "many"})
    with pytest.raises(SettingsError, match=r"write SETTING=VALUE"):
        recipes.read_changes(["fit.epochs"])
