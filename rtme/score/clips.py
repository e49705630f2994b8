"""Whole clips: whether a micro-expression is in one (Acc_ME), and whether the person speaks (Acc_State)."""

from collections.abc import Iterable
from typing import TypeVar

_T = TypeVar("_T")


def accuracy(clips: Iterable[tuple[_T | None, _T | None]]) -> float | None:
    """Share of right answers among the clips whose truth is known; no answer is a wrong one.

    Args:
        clips: (truth, answer) of each clip, None where not known.

    Returns:
        0..1, None where the truth of no clip is known.
    """
    known = [truth == said for truth, said in clips if truth is not None]
    return sum(known) / len(known) if known else None
