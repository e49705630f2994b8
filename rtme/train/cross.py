"""Real people answered by models that never saw them, where real validation people are few.

Thresholds and calibration are chosen on people who are not trained on. Of real footage there may be so little that the
validation people give a minute of it, too little to count false alarms. So the real training people are parted, a model
is fitted without each part, and tells what it finds in it.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rtme.data.alone import alone
from rtme.data.manifest import Person
from rtme.data.store import Clip, Store
from rtme.model.encoder import Encoder
from rtme.train.features import FeatureCache
from rtme.train.fit import fit_meldae
from rtme.train.recipe import Recipe
from rtme.train.replay import ScoredClip, score_clips
from rtme.train.runs import FoldClips


def cross_scored(
    store: Store,
    fold: FoldClips,
    recipe: Recipe,
    encoder: Encoder,
    features: FeatureCache | None,
    folder: Path,
    tell: Callable[[str], None],
    accelerator: str = "auto",
    devices: int = 1,
) -> list[ScoredClip]:
    """Score the real clips of a fold's training people, each by a model fitted without its people.

    Args:
        store: Where the clips are.
        fold: Its validation clips choose the epoch of each of these models too.
        recipe: ``data.cross_fit`` parts, at most as many as there are such people; below 2 nothing is scored.
        encoder: What each model's encoder begins with. Pretraining sees animated portraits alone, never these people.
        features: As for :func:`rtme.train.fit.fit_meldae`.
        folder: The fold's; each part has a folder ``cross-<number>`` in it, and goes on where it was stopped.
        tell: Gets lines for people.
        accelerator: As Lightning names them.
        devices: How many.
    """
    wanted = recipe.data.cross_fit
    real = {clip.person for clip in fold.train if clip.base == "clip"}
    count = min(wanted, len(real))
    if wanted and count < 2:
        tell(f"no cross-fit: real clips show {len(real)} of those to train on, and it takes 2")
    if count < 2:
        return []
    scored: list[ScoredClip] = []
    for number, people in enumerate(parts_of(fold.train, count)):
        held = [clip for clip in fold.train if clip.person in people]
        rest = [clip for clip in fold.train if clip.person not in people]
        where = folder / f"cross-{number}"
        tell(f"without {', '.join(name for _, name in sorted(people))} ({number + 1} of {count}):")
        with alone(where):
            fitted = fit_meldae(
                store,
                replace(fold, name=f"{fold.name}-{where.name}", train=rest, test=[]),
                recipe,
                encoder,
                features,
                where,
                tell,
                accelerator,
                devices,
            )
        scored += score_clips(store, held, fitted.model, recipe, features)
    return scored


def parts_of(clips: list[Clip], count: int) -> list[set[Person]]:
    """The people of real clips in parts of about equal length: the longest first, each to the shortest part.

    Args:
        clips: Of training people.
        count: How many parts, at most as many as there are such people.
    """
    length: dict[Person, float] = {}
    for clip in clips:
        if clip.base == "clip":
            length[clip.person] = length.get(clip.person, 0.0) + clip.n_frames / clip.fps
    parts: list[tuple[float, set[Person]]] = [(0.0, set()) for _ in range(count)]
    for person in sorted(length, key=lambda one: (-length[one], one)):
        place = min(range(count), key=lambda at: parts[at][0])
        total, people = parts[place]
        parts[place] = (total + length[person], people | {person})
    return [people for _, people in parts]
