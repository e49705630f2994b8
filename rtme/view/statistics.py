"""How often and how long: counts of a recording, by face and by what the person was doing."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rtme.view.curves import FaceCurve, Floats
from rtme.view.report import Interval
from rtme.view.result import Result
from rtme.view.words import GAPS

STATES = ("speaking", "listening", "not told")
FEW_S = 6.0
"""A rate over less than this says nothing and is not given."""

_USUAL_S = 1 / 30
_SETTLE_S = 0.5  # a face event is told this late at most
_BRIEF = "unfit for moments"
_AROUND = "too little judged around it for a score"


@dataclass(frozen=True, slots=True)
class Count:
    """Expressions of one type.

    Attributes:
        number: How many.
        per_minute: Of judged time; None where that is too short to say.
        mean_ms: How long they last, onset to offset; None where there is none.
    """

    number: int
    per_minute: float | None
    mean_ms: float | None


@dataclass(frozen=True, slots=True)
class StateCount:
    """A face in one state: ``speaking``, ``listening``, ``not told``, or ``all``."""

    state: str
    judged_s: float
    me: Count
    macro: Count


@dataclass(frozen=True, slots=True)
class FaceCount:
    """One face of one epoch.

    Attributes:
        epoch: Of the recording.
        face: Identity.
        seen_s: Seconds in which it was there.
        judged_s: Of these, seconds with a score.
        why_not: Reason to seconds that were not judged, the longest first.
        states: Counts over all, then by state.
    """

    epoch: int
    face: int
    seen_s: float
    judged_s: float
    why_not: dict[str, float] = field(default_factory=dict)
    states: list[StateCount] = field(default_factory=list)

    @property
    def not_judged(self) -> float | None:
        """Share of the time it was there, 0..1; None where it was never seen."""
        return 1 - self.judged_s / self.seen_s if self.seen_s > 0 else None


def seconds_of(curve: FaceCurve) -> Floats:
    """How long each point of a curve stands for, seconds; a stretch without points belongs to none."""
    if not len(curve.time_s):
        return np.zeros(0)
    steps = np.diff(curve.time_s)
    usual = float(np.median(steps)) if len(steps) else _USUAL_S
    return np.append(np.clip(steps, 0, 3 * usual), usual)


def judged_of(curve: FaceCurve) -> NDArray[np.bool_]:
    """Whether each point of a curve has a score that counts."""
    judged: NDArray[np.bool_] = curve.judged & np.isfinite(curve.score)
    return judged


def count_faces(result: Result) -> list[FaceCount]:
    """Counts of each face."""
    return [_face(result, epoch, face) for epoch, face in result.faces]


def absent(result: Result) -> dict[str, int]:
    """Frames (``skipped``: windows) that were not judged for all faces, by cause in words."""
    lost: Counter[str] = Counter()
    for gap in result.report.gaps:
        lost[GAPS.get(gap.cause, gap.cause)] += gap.count
    return dict(lost.most_common())


def _face(result: Result, epoch: int, face: int) -> FaceCount:
    found = [one for one in result.report.intervals if (one.epoch, one.face) == (epoch, face)]
    curve = result.curve(epoch, face)
    if curve is None:
        states = [_count("all", found, 0.0)]
        return FaceCount(epoch, face, 0.0, 0.0, states=states)
    seconds, judged = seconds_of(curve), judged_of(curve)
    state = np.full(len(curve.time_s), len(STATES) - 1)
    for turn in result.report.speaker:
        if (turn.epoch, turn.face) == (epoch, face):
            state[(curve.time_s >= turn.start_s) & (curve.time_s <= turn.end_s)] = STATES.index(turn.state)
    judged_s = float(seconds[judged].sum())
    states = [_count("all", found, judged_s)]
    for number, name in enumerate(STATES):
        here = [one for one in found if _state(result, one) == name]
        lasted = float(seconds[judged & (state == number)].sum())
        if here or lasted > 0:
            states.append(_count(name, here, lasted))
    return FaceCount(
        epoch, face, float(seconds.sum()), judged_s, _why_not(result, curve, seconds, judged), states
    )


def _state(result: Result, interval: Interval) -> str:
    turn = result.state_of(interval)
    return STATES[-1] if turn is None else turn.state


def _count(state: str, found: Iterable[Interval], judged_s: float) -> StateCount:
    found = list(found)
    me, macro = (_one(found, kind, judged_s) for kind in ("me", "macro"))
    return StateCount(state, judged_s, me, macro)


def _one(found: list[Interval], kind: str, judged_s: float) -> Count:
    lasted = [1000 * (one.offset_s - one.onset_s) for one in found if one.type == kind]
    rate = 60 * len(lasted) / judged_s if judged_s >= FEW_S else None
    return Count(len(lasted), rate, float(np.mean(lasted)) if lasted else None)


def _why_not(
    result: Result, curve: FaceCurve, seconds: Floats, judged: NDArray[np.bool_]
) -> dict[str, float]:
    why = np.where(curve.judged, _AROUND, _BRIEF).astype(object)
    for one in result.report.unjudged:
        if (one.epoch, one.face) == (curve.epoch, curve.face):
            end_s = np.inf if one.end_s is None else one.end_s
            within = (curve.time_s >= one.start_s - _SETTLE_S) & (curve.time_s <= end_s)
            # The value differs from frame to frame, the kind of reason does not.
            why[within & ~curve.judged] = one.reason.partition(":")[0] or _BRIEF
    reasons: Counter[str] = Counter()
    for reason, lasted in zip(why[~judged], seconds[~judged], strict=True):
        reasons[str(reason)] += lasted
    return {reason: float(lasted) for reason, lasted in reasons.most_common()}
