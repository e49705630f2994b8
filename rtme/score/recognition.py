"""Recognition: which class an expression was said to be of, alone (UF1, UAR) and after spotting (STRS)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rtme.errors import SettingsError
from rtme.score.interval import Interval
from rtme.score.spotting import Counts

Absent = Literal["zero", "skip"]
_Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Recognition:
    """Answers by true class.

    A class is *absent* when no answer is right or wrong in it: nothing is of it and nothing was said to be.

    Attributes:
        classes: Names, in the order of rows and columns.
        confusion: (C, C) counts; rows are what is true, columns what was said.
        unanswered: (C,) counts of those to which no class, or none of these, was said; they count as wrong.
        absent: Whether an absent class counts 0 ("zero") or is left out of the means ("skip").
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    unanswered: NDArray[np.int64]
    absent: Absent = "zero"

    @property
    def precision(self) -> _Float:
        """(C,) right answers of those that said the class, 0 where nobody said it."""
        return _share(self._right, self.confusion.sum(0))

    @property
    def recall(self) -> _Float:
        """(C,) right answers of what truly is of the class, 0 where nothing is."""
        return _share(self._right, self.confusion.sum(1) + self.unanswered)

    @property
    def f1(self) -> _Float:
        """(C,) 2 TP / (2 TP + FP + FN), 0 where the class is absent."""
        both = self.confusion.sum(0) + self.confusion.sum(1) + self.unanswered
        return _share(2 * self._right, both)

    @property
    def macro_precision(self) -> float:
        """Mean over classes."""
        return self._mean(self.precision)

    @property
    def macro_recall(self) -> float:
        """Mean over classes."""
        return self._mean(self.recall)

    @property
    def macro_harmonic(self) -> float:
        """Harmonic mean of macro-precision and macro-recall (MEGC's F1 of recognition), 0 if either is 0."""
        p, r = self.macro_precision, self.macro_recall
        return 2 * p * r / (p + r) if p + r else 0.0

    @property
    def uf1(self) -> float:
        """Unweighted F1: mean of the classes' F1."""
        return self._mean(self.f1)

    @property
    def uar(self) -> float:
        """Unweighted average recall: mean of the classes' recall, each over what truly is of the class."""
        return self.macro_recall

    def summary(self) -> dict[str, Any]:
        """Every figure by name, for reports and JSON."""
        return {
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
            "unanswered": self.unanswered.tolist(),
            "absent": self.absent,
            "macro_precision": self.macro_precision,
            "macro_recall": self.macro_recall,
            "uf1": self.uf1,
            "uar": self.uar,
        }

    @property
    def _right(self) -> NDArray[np.int64]:
        return np.diagonal(self.confusion)

    def _mean(self, of_classes: _Float) -> float:
        if self.absent == "skip":
            seen = self.confusion.sum(0) + self.confusion.sum(1) + self.unanswered > 0
            of_classes = of_classes[seen]
        return float(of_classes.mean()) if of_classes.size else 0.0


def recognition(
    answers: Iterable[tuple[str, str | None]], classes: Sequence[str] | None = None, absent: Absent = "zero"
) -> Recognition:
    """Count answers.

    Args:
        answers: (true class, said class) of each expression; None where nothing was said. Upper and lower case are
            the same.
        classes: All that there are; those that are true of an answer where not given. To say another one is wrong.
        absent: Whether a class that no answer is of or says counts 0 or is left out.

    Raises:
        SettingsError: ``absent`` is neither, or a true class is not among ``classes``.
    """
    if absent not in ("zero", "skip"):
        raise SettingsError(f"absent classes are to count {absent!r}: choose zero or skip")
    pairs = [(true.lower(), said and said.lower()) for true, said in answers]
    names = sorted(
        {name.lower() for name in (classes if classes is not None else [true for true, _ in pairs])}
    )
    place = {name: index for index, name in enumerate(names)}
    confusion, unanswered = np.zeros((len(names), len(names)), np.int64), np.zeros(len(names), np.int64)
    for true, said in pairs:
        if true not in place:
            raise SettingsError(f"class {true} is not among {', '.join(names)}: add it")
        if said in place:
            confusion[place[true], place[said]] += 1
        else:
            unanswered[place[true]] += 1
    return Recognition(tuple(names), confusion, unanswered, absent)


@dataclass(frozen=True, slots=True, eq=False)
class SpotThenRecognise:
    """The two tasks in a row.

    Attributes:
        f1_spot: Of spotting.
        recognition: Of the matched pairs alone.
        unlabelled: Matched pairs without a true class, which recognition leaves out.
    """

    f1_spot: float
    recognition: Recognition
    unlabelled: int

    @property
    def f1_rec(self) -> float:
        """Harmonic mean of macro-precision and macro-recall over matched pairs (not the mean of the classes' F1)."""
        return self.recognition.macro_harmonic

    @property
    def strs(self) -> float:
        """STRS = F1_spot * F1_rec (MEGC's spot-then-recognise score)."""
        return self.f1_spot * self.f1_rec


def strs(counts: Counts, truth: Sequence[Interval], absent: Absent = "zero") -> SpotThenRecognise:
    """Score the classes of what was spotted.

    Args:
        counts: Of spotting, such as ``spotting(...).me``.
        truth: The labelled intervals that were scored: their classes are those that there are, matched or not.
        absent: Whether a class that no matched pair is of or says counts 0 or is left out.

    Raises:
        SettingsError: ``absent`` is neither.
    """
    classes = sorted({one.emotion for one in truth if one.emotion is not None})
    answers = [(pair.truth.emotion, pair.found.emotion) for pair in counts.pairs]
    named = [(true, said) for true, said in answers if true is not None]
    return SpotThenRecognise(counts.f1, recognition(named, classes, absent), len(answers) - len(named))


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> _Float:
    return np.where(whole > 0, part / np.maximum(whole, 1), 0.0)
