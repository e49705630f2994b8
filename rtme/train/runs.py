"""The folder of a run: what is where, and that nothing in it belongs to another recipe or other material.

======================== ==============================================================
``recipe.yaml``          every setting of the run
``material.json``        fingerprint of the prepared material
``folds/<fold>/``        a folder for each fold, in which there are:
``fold.json``            who is trained on, who chooses, who is tested
``last.ckpt, best.ckpt`` Lightning checkpoints
``log/``                 ``metrics.csv`` and TensorBoard events
``decoder.json``         thresholds and calibration, chosen on the validation subjects
``curve.png``            recall against false alarms a minute, and the three sensitivities
``reliability.png``      how far calibrated confidence can be trusted
``predictions.csv``      intervals found in the test subjects' clips
``truth.csv``            what is labelled in them
``clips.csv``            p_me and p_speaking of each test clip, beside the truth
``frames.npz``           every slot's score, beside the truth
``done.json``            written last: seconds, epochs, figures
``evaluation.json``      of the run: `rtme eval`, over all folds
======================== ==============================================================
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtme.data.store import Clip, Store
from rtme.errors import DataError, SettingsError
from rtme.train import recipe as recipes
from rtme.train.recipe import Recipe
from rtme.whole import whole


@dataclass(frozen=True, slots=True)
class FoldClips:
    """Whose clips do what in one fold.

    Attributes:
        name: Such as ``casme2sq/s15``; ``fixed`` and ``all`` where there is one fold only.
        train: Clips that are learnt from.
        validation: Clips of other training subjects, by which epoch and thresholds are chosen.
        test: Clips of the subjects left out; empty for ``all``.
    """

    name: str
    train: list[Clip]
    validation: list[Clip]
    test: list[Clip]

    @property
    def folder_name(self) -> str:
        """The name as a folder's."""
        return re.sub(r"[^\w.-]+", "-", self.name)


class Run:
    """A run's folder.

    Args:
        folder: Where it is.

    Attributes:
        folder: Where it is.
        recipe: What made it.

    Raises:
        SettingsError: There is no run in the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / "recipe.yaml"
        if not path.is_file():
            raise SettingsError(f"{folder} is no run (it has no recipe.yaml): make one with `rtme train`")
        self.recipe: Recipe = recipes.load(path)

    @classmethod
    def begin(cls, folder: Path, recipe: Recipe, store: Store) -> "Run":
        """Begin a run, or go on with one of the same recipe and material.

        Raises:
            SettingsError: The folder holds a run of another recipe, with the first setting that differs.
            DataError: It holds a run on other material, or cannot be written.
        """
        path, mark = folder / "recipe.yaml", folder / "material.json"
        material = {"clips": len(store.clips), "fingerprint": store.fingerprint}
        if path.is_file():
            run = cls(folder)
            different = _first_difference(_but_store(run.recipe), _but_store(recipe))
            if different:
                raise SettingsError(
                    f"{folder} holds a run of another recipe ({different}): give another folder with --out, or remove it"
                )
            known = run.material()
            if known != material:
                raise DataError(
                    f"{folder} was begun on {known['clips']} clips, and {store.folder} now holds others "
                    f"({len(store.clips)}): give another folder with --out, or remove it"
                )
            if run.recipe == recipe:
                return run
        # The same material may lie elsewhere by now.
        write_json(mark, material)
        write_text(path, recipe.to_yaml())
        return cls(folder)

    def material(self) -> dict[str, Any]:
        """How many clips it was begun on, and their fingerprint.

        Raises:
            DataError: That cannot be read.
        """
        path = self.folder / "material.json"
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            return {name: known[name] for name in ("clips", "fingerprint")}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DataError(
                f"{path} cannot be read ({error}), so that nobody knows what {self.folder} was trained on: "
                "give another folder with --out"
            ) from error

    def made_by(self) -> dict[str, Any]:
        """What each of its folds was made by: all that decides the result, wherever it was trained."""
        settings = _but_store(self.recipe)
        for name in ("name", "version", "summary", "licence"):
            del settings[name]
        del settings["fit"]["workers"]
        return {"recipe": settings, "material": self.material()["fingerprint"]}

    def check_fold(self, folder: Path) -> None:
        """See that a fold, perhaps trained elsewhere, was made by this run's recipe on its material.

        Raises:
            DataError: It was not, with the first setting that differs; or that cannot be read.
        """
        path = folder / "fold.json"
        try:
            there = json.loads(path.read_text(encoding="utf-8")).get("made_by")
        except (OSError, ValueError, AttributeError) as error:
            raise DataError(
                f"{path} cannot be read ({error}): remove the fold's folder and train it again"
            ) from error
        # Folds of earlier versions do not tell.
        if there is None:
            return
        here = self.made_by()
        different = _first_difference(there["recipe"], here["recipe"])
        if different or there["material"] != here["material"]:
            what = f"by another recipe ({different})" if different else "on other clips"
            raise DataError(f"{folder} was trained {what} than {self.folder}: remove it and train it again")

    def store(self) -> Store:
        """The material it learns from."""
        return material_of(self.recipe)

    def fold(self, name: str) -> Path:
        """The folder of a fold."""
        return self.folder / "folds" / re.sub(r"[^\w.-]+", "-", name)

    def folds(self) -> list[Path]:
        """Folders of the folds that were begun, by name."""
        return sorted(path.parent for path in (self.folder / "folds").glob("*/fold.json"))


def material_of(recipe: Recipe) -> Store:
    """The prepared material that a recipe names.

    Raises:
        SettingsError: It names none.
        DataError: There is none.
    """
    if recipe.data.store is None:
        raise SettingsError("the recipe names no prepared material: give --data FOLDER")
    return Store(recipe.data.store)


def is_done(fold: Path) -> bool:
    """Whether a fold is complete."""
    return (fold / "done.json").is_file()


def read_fold_json(path: Path) -> dict[str, Any]:
    """What a JSON file in a fold's folder holds.

    Raises:
        DataError: It cannot be read.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read ({error}): remove the fold's folder and train it again"
        ) from error
    return content


def write_json(path: Path, content: Any) -> None:
    """Write JSON, whole or not at all."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all.

    Raises:
        DataError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as draft:
            draft.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error


def _but_store(recipe: Recipe) -> dict[str, Any]:
    """Its settings; where the material lies decides nothing."""
    return recipe.model_dump(mode="json", exclude={"data": {"store"}})


def _first_difference(a: Any, b: Any, at: str = "") -> str:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in {**a, **b}:
            found = _first_difference(a.get(key), b.get(key), f"{at}.{key}" if at else key)
            if found:
                return found
        return ""
    return "" if a == b else f"{at} is {a!r} there and {b!r} here"
