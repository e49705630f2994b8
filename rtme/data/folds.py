"""Who is trained on, who chooses the epoch and threshold, and who is tested."""

import random
from collections.abc import Collection
from dataclasses import dataclass

from rtme.data.manifest import Manifest, Person, Video
from rtme.errors import DataError


@dataclass(frozen=True)
class Fold:
    """One subject left out.

    Attributes:
        name: Dataset and subject, such as ``casme2sq/s15``.
        test: The person left out.
        validation: Training people on whom epoch and threshold are chosen, never the tested one.
        train: The others, those without any micro-expression too.
    """

    name: str
    test: Person
    validation: tuple[Person, ...]
    train: tuple[Person, ...]


def loso(manifest: Manifest, *, validation: float = 0.2, seed: int = 0) -> list[Fold]:
    """Leave one subject out, one fold for each subject with a micro-expression.

    Args:
        manifest: Of one or more datasets; equal subject names of two datasets are two people.
        validation: Share of the remaining people with micro-expressions that chooses epoch and threshold, 0 to 1;
            at least one of them unless 0, and at least one is left to train on.
        seed: Of the choice of validation people.

    Raises:
        DataError: Fewer than two people have micro-expressions, or fewer than three with a validation share.
    """
    everyone = sorted(
        {video.person for video in manifest.videos} | {one.person for one in manifest.intervals}
    )
    with_me = sorted({one.person for one in manifest.intervals if one.type == "me"})
    needed = 3 if validation else 2
    if len(with_me) < needed:
        raise DataError(
            f"{len(with_me)} of {len(everyone)} subjects have micro-expressions and folds need {needed}: "
            "add subjects, or split by hand"
        )
    return [_fold(person, everyone, with_me, validation, seed) for person in with_me]


def videos_of(manifest: Manifest, people: Collection[Person]) -> list[Video]:
    """Videos of some people, those without any interval too."""
    return [video for video in manifest.videos if video.person in people]


def _fold(test: Person, everyone: list[Person], with_me: list[Person], validation: float, seed: int) -> Fold:
    others = [person for person in with_me if person != test]
    name = "/".join(test)
    n_chosen = min(max(round(validation * len(others)), 1), len(others) - 1) if validation else 0
    # Text seeds do not depend on the hash seed of the process, nor on how many folds there are.
    chosen = sorted(random.Random(f"{seed} {name}").sample(others, n_chosen))
    train = tuple(person for person in everyone if person != test and person not in chosen)
    return Fold(name, test, tuple(chosen), train)
