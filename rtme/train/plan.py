"""What a run is going to do, and everything that can be checked before the first step is taken."""

from collections.abc import Sequence

from rtme.data.folds import Fold, loso, nobody_out
from rtme.data.manifest import Person
from rtme.data.store import LABELS, Clip, Store
from rtme.errors import DataError, SettingsError
from rtme.train.recipe import Recipe
from rtme.train.runs import FoldClips


def folds_of(store: Store, recipe: Recipe, names: Sequence[str] | None = None) -> list[FoldClips]:
    """The folds of a run, checked.

    Args:
        store: What is learnt from.
        recipe: How it is split.
        names: Only these; a subject's own name will do where only one dataset has it.

    Raises:
        DataError: The material cannot be split so, or a fold would have nothing to learn from or to choose by.
        SettingsError: The material was prepared for another model, or there is no such fold.
    """
    _check_plan(store, recipe)
    everyone = _all_folds(store, recipe)
    _check_names(everyone)
    folds = _named(everyone, names)
    for fold in folds:
        _check_fold(fold)
    _check_crops(store, folds)
    return folds


def _check_plan(store: Store, recipe: Recipe) -> None:
    for name in ("input", "size"):
        prepared, wanted = getattr(store.plan, name), getattr(recipe.model, name)
        if prepared != wanted:
            raise SettingsError(
                f"model.{name} is {wanted} and {store.folder} was prepared with {name} {prepared}: "
                "change the recipe or prepare again"
            )
    if not store.clips:
        raise DataError(f"{store.folder} has no clip that is complete: prepare it to the end")
    if recipe.encoder.pretrain_steps and not any(clip.units_known for clip in store.clips):
        raise SettingsError(
            f"encoder.pretrain_steps is {recipe.encoder.pretrain_steps}, and no clip in {store.folder} says how far its "
            "action units move (only synthetic ones do): set it to 0 and give encoder.start"
        )


def _all_folds(store: Store, recipe: Recipe) -> list[FoldClips]:
    data, clips = recipe.data, store.clips
    if data.split == "fixed":
        loose = [clip for clip in clips if clip.split is None]
        if loose:
            raise DataError(
                f"data.split is fixed, and {len(loose)} of {len(clips)} clips have no split ({loose[0].key}): "
                "use loso or all"
            )
        of = {
            split: [clip for clip in clips if clip.split == split]
            for split in ("train", "validation", "test")
        }
        return [FoldClips("fixed", of["train"], of["validation"], of["test"])]
    return [
        FoldClips(f.name, _of(clips, f.train), _of(clips, f.validation), _of(clips, f.test))
        for f in subject_folds(clips, recipe)
    ]


def subject_folds(clips: Sequence[Clip], recipe: Recipe) -> list[Fold]:
    """Who does what in each fold of a run that is split by subject.

    Raises:
        DataError: Too few subjects have a micro-expression.
    """
    data = recipe.data
    people = {clip.person for clip in clips}
    with_me = {clip.person for clip in clips if clip.of_type("me")}
    if data.split == "all":
        return [nobody_out(people, with_me, validation=data.validation, seed=recipe.seed)]
    return loso(
        people,
        with_me,
        validation=data.validation,
        seed=recipe.seed,
        all_subjects=data.leave_out == "everyone",
    )


def _of(clips: list[Clip], people: Sequence[Person]) -> list[Clip]:
    wanted = set(people)
    return [clip for clip in clips if clip.person in wanted]


def _named(folds: list[FoldClips], names: Sequence[str] | None) -> list[FoldClips]:
    if not names:
        return folds
    chosen = []
    for name in names:
        found = [fold for fold in folds if name in (fold.name, fold.name.split("/")[-1], fold.folder_name)]
        if len(found) != 1:
            raise SettingsError(
                f"{'no' if not found else 'more than one'} fold is called {name}: "
                f"choose of {', '.join(fold.name for fold in folds)}"
            )
        chosen += found
    return chosen


def _check_names(folds: list[FoldClips]) -> None:
    """A second fold in the folder of a first would pass for done."""
    named: dict[str, str] = {}
    for fold in folds:
        other = named.setdefault(fold.folder_name, fold.name)
        if other != fold.name:
            raise DataError(
                f"the folds {other} and {fold.name} would both lie in the folder {fold.folder_name}: "
                "rename one of the subjects in the manifest and prepare again"
            )


def _check_fold(fold: FoldClips) -> None:
    for part, clips in (
        ("to train on", fold.train),
        ("to choose the epoch and thresholds by", fold.validation),
    ):
        n_me = sum(len(clip.of_type("me")) for clip in clips)
        if not n_me:
            raise DataError(
                f"fold {fold.name} has no micro-expression {part} ({len(clips)} clips): add subjects or split otherwise"
            )


def _check_crops(store: Store, folds: list[FoldClips]) -> None:
    """Each subject needs a crop: one without, and a file that is gone, would only be noticed in a later fold."""
    used = {clip.index: clip for fold in folds for clip in (*fold.train, *fold.validation, *fold.test)}
    seen: dict[Person, bool] = {}
    for clip in used.values():
        store.crops(clip)
        seen[clip.person] = seen.get(clip.person, False) or bool(store.rows(clip)["valid"].any())
    empty = sorted("/".join(person) for person, has in seen.items() if not has)
    if empty:
        raise DataError(
            f"no face that may be judged was seen of {', '.join(empty)} in {store.folder}: "
            "look at their videos, or leave these subjects out of the manifest and prepare again"
        )
    shown = {index for index, clip in used.items() if _shows_me(store, clip)}
    for fold in folds:
        for part, clips in (("training", fold.train), ("validation", fold.validation)):
            if not any(clip.index in shown for clip in clips):
                raise DataError(
                    f"none of the micro-expressions labelled in fold {fold.name}'s {part} clips is to be seen: where they "
                    f"lie no face could be judged, or the clips' frame rate or frame numbers are wrong ({clips[0].key})"
                )


def _shows_me(store: Store, clip: Clip) -> bool:
    rows = store.rows(clip)
    return bool((((rows["label"] & LABELS["me"]) > 0) & (rows["valid"] > 0)).any())
