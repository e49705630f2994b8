"""Which found interval belongs to which labelled one. Published scorers disagree, so the rule is a named option.

IoU of two ranges of frames that contain both their ends (``inclusive``, the default)::

    (min offset - max onset + 1) / (max offset - min onset + 1),

0 where they share no frame. Some released code forgets both +1 (``inclusive=False``): then ranges that share one frame
have IoU 0, and every other pair a lower one than it should. The same single frame twice, which would be 0 / 0, is 1.

A pair *fits* if its IoU reaches (``>=``) or exceeds (``>``) the threshold. Of the pairs that fit, a rule keeps some:

``one_to_one``
    Each prediction, in order of falling score, then of onset, takes its best-IoU labelled interval among those that are
    still free. Predictions without a score come last.
``ground_truth_centric``
    Each labelled interval keeps its best-IoU prediction. One prediction may serve several labelled intervals.
``many_to_many``
    All of them.

Under every rule **TP is the number of pairs kept, FP the number of predictions in none of them, FN the number of labelled
intervals in none of them**. So P = TP / (TP + FP), R = TP / (TP + FN) and F1 = 2 TP / (2 TP + FP + FN) lie between 0
and 1 always. One to one they are P = a/n, R = a/m, F1 = 2a / (m + n) of the challenges (MEGC), a matches among m labelled
intervals and n predictions. Under the other two rules some released code takes n - a for FP, which falls below 0 when
one prediction serves several labelled intervals; where none does, ``ground_truth_centric`` gives the same number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rtme.errors import SettingsError
from rtme.score.interval import Interval

MatchRule = Literal["one_to_one", "ground_truth_centric", "many_to_many"]
Comparator = Literal[">=", ">"]
_Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rules:
    """When a found interval counts as right; the module's text defines each.

    Attributes:
        match: Which of the pairs that fit are kept.
        iou: Threshold.
        comparator: Whether the threshold itself is enough.
        inclusive: Whether IoU counts both ends of a range (+1).

    Raises:
        SettingsError: A name that is none of these, or a threshold that everything or nothing can pass.
    """

    match: MatchRule = "one_to_one"
    iou: float = 0.5
    comparator: Comparator = ">="
    inclusive: bool = True

    def __post_init__(self) -> None:
        if self.match not in get_args(MatchRule):
            raise SettingsError(f"match is {self.match!r}: choose of {', '.join(get_args(MatchRule))}")
        if self.comparator not in get_args(Comparator):
            raise SettingsError(f"comparator is {self.comparator!r}: choose >= or >")
        if not 0 <= self.iou <= 1 or self.iou == (0 if self.comparator == ">=" else 1):
            raise SettingsError(f"IoU {self.comparator} {self.iou} tells nothing: choose one such as 0.5")

    def __str__(self) -> str:
        ends = "inclusive frames" if self.inclusive else "frames without +1"
        return f"{self.match}, IoU {self.comparator} {self.iou:g}, {ends}"


def iou(a: tuple[int, int], b: tuple[int, int], inclusive: bool = True) -> float:
    """Intersection over union of two ranges of frames (first, last), 0..1."""
    ends = np.array([[*a], [*b]])
    return float(_iou(ends[:1, 0], ends[:1, 1], ends[1:, 0], ends[1:, 1], inclusive)[0])


def match(
    truth: Sequence[Interval], found: Sequence[Interval], rules: Rules | None = None
) -> list[tuple[int, int]]:
    """Pairs (index in ``truth``, index in ``found``) that the rules keep, of intervals in the same video.

    Types are not looked at. The result does not depend on the order of either list, but for equal intervals.
    """
    rules = rules or Rules()
    if not truth or not found:
        return []
    # Ties go to what begins first, whatever order the tables are in.
    truth_order = sorted(range(len(truth)), key=lambda i: _place(truth[i]))
    found_order = sorted(range(len(found)), key=lambda i: (-_score(found[i]), _place(found[i])))
    t, f = _fitting([truth[i] for i in truth_order], [found[i] for i in found_order], rules)
    return [(truth_order[i], found_order[j]) for i, j in zip(t, f, strict=True)]


def _fitting(truth: list[Interval], found: list[Interval], rules: Rules) -> tuple[list[int], list[int]]:
    videos: dict[str, int] = {}
    for interval in truth:
        videos.setdefault(interval.video, len(videos))
    # Videos laid end to end, so that one pass over numbers does for all of them.
    stride = 2 + max(max(i.offset for i in truth), max(i.offset for i in found))
    place = {video: index * stride for video, index in videos.items()}
    rows = [j for j, interval in enumerate(found) if interval.video in place]
    onset, offset = _ends(truth, place)
    f_onset, f_offset = _ends([found[j] for j in rows], place)
    t, f = _touching(onset, offset, f_onset, f_offset)
    overlap = _iou(onset[t], offset[t], f_onset[f], f_offset[f], rules.inclusive)
    fits = overlap >= rules.iou if rules.comparator == ">=" else overlap > rules.iou
    t, f, overlap = t[fits], np.array(rows, np.int64)[f[fits]], overlap[fits]
    match rules.match:
        case "one_to_one":
            return _one_to_one(t, f, overlap)
        case "ground_truth_centric":
            order = np.lexsort((f, -overlap, t))
            first = np.unique(t[order], return_index=True)[1]
            return t[order][first].tolist(), f[order][first].tolist()
        case "many_to_many":
            return t.tolist(), f.tolist()


def _one_to_one(t: _Indices, f: _Indices, overlap: NDArray[np.float64]) -> tuple[list[int], list[int]]:
    order = np.lexsort((t, -overlap, f))
    taken: dict[int, int] = {}
    served: set[int] = set()
    for i, j in zip(t[order].tolist(), f[order].tolist(), strict=True):
        if i not in taken and j not in served:
            taken[i] = j
            served.add(j)
    return list(taken), list(taken.values())


def _touching(
    onset: _Indices, offset: _Indices, f_onset: _Indices, f_offset: _Indices
) -> tuple[_Indices, _Indices]:
    """All pairs that share a frame, and a few more."""
    order = np.argsort(onset, kind="stable")
    # Of the labels in order of onset, those that one found interval can meet lie side by side.
    first = np.searchsorted(np.maximum.accumulate(offset[order]), f_onset, "left")
    count = np.maximum(np.searchsorted(onset[order], f_offset, "right") - first, 0)
    f = np.repeat(np.arange(len(f_onset)), count)
    within = np.arange(len(f)) - np.repeat(np.cumsum(count) - count, count)
    return order[first[f] + within], f


def _iou(
    onset: _Indices, offset: _Indices, f_onset: _Indices, f_offset: _Indices, inclusive: bool
) -> NDArray[np.float64]:
    shared = np.minimum(offset, f_offset) - np.maximum(onset, f_onset) + inclusive
    whole = np.maximum(offset, f_offset) - np.minimum(onset, f_onset) + inclusive
    return np.where(whole == 0, 1.0, np.maximum(shared, 0) / np.maximum(whole, 1))


def _ends(intervals: Sequence[Interval], place: dict[str, int]) -> tuple[_Indices, _Indices]:
    onset = np.array([place[i.video] + i.onset for i in intervals], np.int64)
    return onset, onset + np.array([i.offset - i.onset for i in intervals], np.int64)


def _score(interval: Interval) -> float:
    return float("-inf") if interval.score is None else interval.score


def _place(interval: Interval) -> tuple[int, int, str]:
    return interval.onset, interval.offset, interval.emotion or ""
