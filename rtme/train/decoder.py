"""Thresholds, chosen on the validation subjects, and what a clip's windows are with them."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from rtme.engine.manifest import DecoderSettings, SpeakerSettings
from rtme.score import Interval
from rtme.spot.calibration import Knots
from rtme.train.calibrate import FEWEST, fit, reliability, trials_of
from rtme.train.operating import choose
from rtme.train.ranking import Material
from rtme.train.recipe import Recipe
from rtme.train.replay import ScoredClip, replay
from rtme.train.speaking import tune_speaker


class Decoder(BaseModel):
    """Every threshold between the network's scores and an answer.

    Attributes:
        intervals: How slot scores become intervals at normal sensitivity, live and in evaluation.
        sensitivity: The same at low and at high; none where these could not be chosen.
        calibration: From an interval's highest score to how often such intervals are right.
        speaker: How the probability of speaking becomes turns, live.
        p_me: A clip whose highest window reaches this holds a micro-expression.
        p_speaking: A clip whose windows reach this on average is one of speaking.
        chosen: By what these were chosen.
        measured: On the same clips: ``operating`` points, ``curve`` and ``reliability``, where there are such.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    intervals: DecoderSettings = DecoderSettings()
    sensitivity: dict[Literal["low", "high"], DecoderSettings] = Field(default_factory=dict)
    calibration: Knots = ()
    speaker: SpeakerSettings = SpeakerSettings()
    p_me: float = Field(0.5, ge=0, le=1)
    p_speaking: float = Field(0.5, ge=0, le=1)
    chosen: dict[str, Any] = Field(default_factory=dict)
    measured: dict[str, Any] = Field(default_factory=dict)


def spot(scored: ScoredClip, decoder: Decoder, recipe: Recipe) -> list[Interval]:
    """What ``rtme analyze`` finds in a clip with the exported engine, in the source's frames.

    Where few frames fell on the grid, two intervals may come out alike: they are one here, as tables want it.
    """
    intervals = [
        Interval(
            video=scored.clip.key,
            onset=found.onset,
            offset=found.offset,
            type="me" if found.type == "me" else "mae",
            apex=found.apex,
            score=found.confidence,
            state=scored.clip.state,
        )
        for found in replay(scored, recipe, decoder.intervals, decoder.speaker, decoder.calibration).intervals
    ]
    return list({(one.onset, one.offset, one.type): one for one in intervals}.values())


def tune(scored: Sequence[ScoredClip], recipe: Recipe, tell: Callable[[str], None]) -> Decoder:
    """Choose thresholds on validation clips.

    Intervals: see :func:`rtme.train.operating.choose` and :mod:`rtme.train.calibrate`. Turns: see
    :func:`rtme.train.speaking.tune_speaker`. Clips: the thresholds of the best
    accuracy, of equal ones the nearest to 0.5.

    Args:
        scored: Clips of people who are neither trained on nor tested.
        recipe: Trials, seed, and what is located.
        tell: Gets lines for people.
    """
    decoder = _tune_intervals(Material(scored, recipe), recipe, tell)
    speaker, reached = tune_speaker(scored, recipe, tell)
    decoder = decoder.model_copy(
        update={"speaker": speaker, "measured": decoder.measured | ({"speaker": reached} if reached else {})}
    )
    known = [one for one in scored if one.clip.labelled]
    p_me = _threshold([(one.p_me, bool(one.clip.of_type("me"))) for one in known])
    p_speaking = _threshold(
        [
            (p, one.clip.state == "speaking")
            for one in scored
            if one.clip.state is not None and (p := one.p_speaking) is not None
        ]
    )
    for name, value in (("p_me", p_me), ("p_speaking", p_speaking)):
        if value is None:
            tell(f"{name} of a clip stays at 0.5: the validation clips are not of both kinds")
        else:
            decoder = decoder.model_copy(update={name: round(value, 6)})
    return decoder


def _tune_intervals(material: Material, recipe: Recipe, tell: Callable[[str], None]) -> Decoder:
    choice = choose(material, recipe, tell)
    normal, measured = choice.points["normal"], choice.measured
    if not measured:
        return Decoder(intervals=normal, chosen=choice.chosen)
    trials = trials_of(material, material.rank(normal))
    calibration = fit(trials)
    if not calibration:
        tell(
            f"confidence stays the highest score: {len(trials.raw)} intervals in the validation clips are too few to "
            f"calibrate it, {FEWEST} are needed"
        )
    elif trust := reliability(trials, choice.points, recipe.seed):
        measured = {**measured, "reliability": trust}
        errors = ", ".join(f"{error:.3f} at {name}" for name, error in trust["error"].items())
        tell(f"confidence is calibrated; on people held out it is off by {errors} sensitivity, on average")
    return Decoder(
        intervals=normal,
        sensitivity={name: choice.points[name] for name in get_args(Literal["low", "high"])},
        calibration=calibration,
        chosen=choice.chosen,
        measured=measured,
    )


def _threshold(clips: Sequence[tuple[float, bool]]) -> float | None:
    """The threshold that tells most clips rightly, of equal ones the nearest to 0.5; None without both kinds."""
    if len({true for _, true in clips}) < 2:
        return None
    told = np.array([p for p, _ in clips])
    true = np.array([true for _, true in clips])
    values = np.unique(told)
    candidates = np.array([0.5, *(values[1:] + values[:-1]) / 2])
    right = ((told[None] >= candidates[:, None]) == true[None]).sum(1)
    best = candidates[right == right.max()]
    return float(best[np.abs(best - 0.5).argmin()])
