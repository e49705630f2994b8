"""Who is trained on, who chooses the epoch and threshold, and who is tested."""

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from rtme.data.manifest import Person
from rtme.errors import DataError


@dataclass(frozen=True)
class Fold:
    """One subject left out, or nobody.

    Attributes:
        name: Dataset and subject, such as ``casme2sq/s15``; ``all`` when nobody is left out.
        test: The people left out.
        validation: Training people on whom epoch and threshold are chosen, never a tested one.
        train: The others, those without any micro-expression too.
    """

    name: str
    test: tuple[Person, ...]
    validation: tuple[Person, ...]
    train: tuple[Person, ...]


def loso(
    people: Iterable[Person],
    with_me: Collection[Person],
    *,
    validation: float = 0.2,
    seed: int = 0,
    all_subjects: bool = False,
) -> list[Fold]:
    """Leave one subject out, one fold for each subject with a micro-expression.

    Args:
        people: Everyone, as dataset and subject: equal subject names of two datasets are two people.
        with_me: Those who have a micro-expression.
        validation: Share of the remaining people with micro-expressions that chooses epoch and threshold, 0 to 1;
            at least one of them unless 0, and at least one is left to train on.
        seed: Of the choice of validation people.
        all_subjects: One fold for each of the others too.

    Raises:
        DataError: Fewer than two people have micro-expressions, or fewer than three with a validation share.
    """
    everyone, having = sorted(set(people)), sorted(set(with_me))
    _need(3 if validation else 2, having, everyone)
    left_out = everyone if all_subjects else having
    return [_fold("/".join(person), (person,), everyone, having, validation, seed) for person in left_out]


def nobody_out(
    people: Iterable[Person], with_me: Collection[Person], *, validation: float = 0.2, seed: int = 0
) -> Fold:
    """The fold ``all``: everyone is trained on, but those who choose epoch and threshold.

    Raises:
        DataError: Fewer than two people have micro-expressions.
    """
    everyone, having = sorted(set(people)), sorted(set(with_me))
    _need(2, having, everyone)
    return _fold("all", (), everyone, having, validation, seed)


def _need(needed: int, having: list[Person], everyone: list[Person]) -> None:
    if len(having) < needed:
        raise DataError(
            f"{len(having)} of {len(everyone)} subjects have micro-expressions and folds need {needed}: "
            "add subjects, or split by hand"
        )


def _fold(
    name: str,
    test: tuple[Person, ...],
    everyone: list[Person],
    with_me: list[Person],
    validation: float,
    seed: int,
) -> Fold:
    others = [person for person in with_me if person not in test]
    n_chosen = min(max(round(validation * len(others)), 1), len(others) - 1) if validation else 0
    # Text seeds do not depend on the hash seed of the process, nor on how many folds there are.
    chosen = tuple(sorted(random.Random(f"{seed} {name}").sample(others, n_chosen)))
    train = tuple(person for person in everyone if person not in (*test, *chosen))
    return Fold(name, test, chosen, train)
