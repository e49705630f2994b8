"""Thresholds, chosen on the validation subjects, and what a clip's windows are with them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optuna
from pydantic import BaseModel, ConfigDict, Field

from rtme.data.store import Clip
from rtme.engine.manifest import DecoderSettings, SpeakerSettings
from rtme.score import Interval, Rules, VideoFacts, spotting
from rtme.train.fused import FusedClip
from rtme.train.recipe import Recipe
from rtme.train.replay import ScoredClip, replay

_PORTRAITS = 3 / 4
"""What animated portraits count beside real clips with planted movements: those are few, and what their people did
by themselves is not known."""

_MIN_MS, _MERGE_MS = 140.0, 100.0
"""Longest minimum duration and longest bridged dip that are tried: micro-expressions last from 40 ms."""


class Decoder(BaseModel):
    """Every threshold between the network's scores and an answer.

    Attributes:
        intervals: How slot scores become intervals, live and in evaluation.
        speaker: How the probability of speaking becomes turns, live.
        p_me: A clip whose highest window reaches this holds a micro-expression.
        p_speaking: A clip whose windows reach this on average is one of speaking.
        chosen: By what these were chosen.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    intervals: DecoderSettings = DecoderSettings()
    speaker: SpeakerSettings = SpeakerSettings()
    p_me: float = Field(0.5, ge=0, le=1)
    p_speaking: float = Field(0.5, ge=0, le=1)
    chosen: dict[str, Any] = Field(default_factory=dict)


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
        for found in replay(scored, recipe, decoder.intervals, decoder.speaker).intervals
    ]
    return list({(one.onset, one.offset, one.type): one for one in intervals}.values())


def truth_of(clip: Clip) -> list[Interval]:
    """The labelled micro- and macro-expressions of a clip."""
    return [
        Interval(
            video=clip.key,
            onset=one.onset,
            offset=one.offset,
            type=one.type,
            apex=one.apex,
            emotion=one.emotion,
            state=clip.state,
        )
        for one in clip.intervals
        if one.type != "large"
    ]


def facts_of(clip: Clip) -> VideoFacts:
    """What scoring needs to know of a clip."""
    return VideoFacts(clip.key, clip.fps, clip.n_frames, clip.state)


def tune(scored: Sequence[ScoredClip], recipe: Recipe, tell: Callable[[str], None]) -> Decoder:
    """Choose thresholds on validation clips.

    Intervals: the settings of the best pooled one-to-one F1 at IoU 0.5 of micro-expressions (of all expressions where
    the locator learned both), found by optuna's TPE from the recipe's seed; the defaults are tried first and stay
    unless something is better. Where there are animated portraits and real clips, both count, so that neither is
    bought with the other. Clips: the thresholds of the best accuracy, of equal ones the nearest to 0.5.

    Args:
        scored: Clips of people who are neither trained on nor tested.
        recipe: Trials, seed, and what is located.
        tell: Gets lines for people.
    """
    intervals, chosen = _tune_intervals(scored, recipe, tell)
    decoder = Decoder(intervals=intervals, chosen=chosen)
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


def _tune_intervals(
    scored: Sequence[ScoredClip], recipe: Recipe, tell: Callable[[str], None]
) -> tuple[DecoderSettings, dict[str, Any]]:
    defaults = DecoderSettings(me_max_ms=recipe.spot.me_max_ms)
    what = "micro-expressions" if recipe.data.locate == "me" else "expressions"
    merit = _Merit(scored, recipe)
    if not merit.n_truth or not recipe.spot.trials:
        why = f"no {what} in the validation clips" if not merit.n_truth else "spot.trials is 0"
        tell(f"the decoder keeps its defaults: {why}")
        return defaults, {"kept": why}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=recipe.seed))
    best, best_f1 = defaults, merit(defaults)
    default_f1 = best_f1
    fps = scored[0].plan.fps
    for _ in range(recipe.spot.trials):
        trial = study.ask()
        settings = _suggest(trial, defaults, fps)
        f1 = merit(settings)
        study.tell(trial, f1)
        if f1 > best_f1:
            best, best_f1 = settings, f1
    tell(
        f"decoder: F1 {best_f1:.3f} on {len(scored)} validation clips with {merit.n_truth} {what}, "
        f"{default_f1:.3f} with its defaults ({recipe.spot.trials} trials)"
    )
    return best, {
        "by": f"pooled one-to-one F1 of {what} at IoU >= 0.5",
        "f1": round(best_f1, 4),
        "f1_of_defaults": round(default_f1, 4),
        "clips": len(scored),
        "truths": merit.n_truth,
        "trials": recipe.spot.trials,
    }


def _suggest(trial: Any, defaults: DecoderSettings, fps: float) -> DecoderSettings:
    slot_ms = 1000 / fps
    on = round(trial.suggest_float("on", 0.05, 0.95), 4)
    off = round(on * trial.suggest_float("off_share", 0.3, 1.0), 4)
    # Durations are whole slots in the end; other values would only be the same settings again.
    min_slots = trial.suggest_int("min_slots", 1, max(1, int(_MIN_MS / slot_ms)))
    merge_slots = trial.suggest_int("merge_slots", 0, int(_MERGE_MS / slot_ms))
    return defaults.model_copy(
        update={
            "on": on,
            "off": min(on, off),
            "me_weight": round(trial.suggest_float("me_weight", 0.0, 0.6, step=0.1), 1),
            "min_ms": round(min_slots * slot_ms, 6),
            "merge_ms": round(merge_slots * slot_ms, 6),
        }
    )


class _Merit:
    """How good decoder settings are on some clips, 0..1.

    Attributes:
        n_truth: Labelled expressions of the kind that is looked for.
    """

    def __init__(self, scored: Sequence[ScoredClip], recipe: Recipe) -> None:
        self._only_me = recipe.data.locate == "me"
        groups = {base: [one for one in scored if one.clip.base == base] for base in ("portrait", "clip")}
        if all(self._count(group) for group in groups.values()) and not any(
            one.clip.base == "video" for one in scored
        ):
            shares = [(_PORTRAITS, groups["portrait"]), (1 - _PORTRAITS, groups["clip"])]
        else:
            shares = [(1.0, list(scored))]
        self._parts = [
            (
                share,
                [FusedClip(one, recipe) for one in group],
                [interval for one in group for interval in truth_of(one.clip)],
                [facts_of(one.clip) for one in group],
            )
            for share, group in shares
        ]
        self.n_truth = self._count(scored)

    def __call__(self, settings: DecoderSettings) -> float:
        f1 = 0.0
        for share, clips, truth, facts in self._parts:
            found = [
                Interval(one.clip.key, onset, offset, "me" if kind == "me" else "mae", score=confidence)
                for one in clips
                for kind, onset, offset, confidence in one.spot(settings)
            ]
            counts = spotting(truth, found, facts, Rules())
            f1 += share * (counts.me.f1 if self._only_me else counts.overall.f1)
        return f1

    def _count(self, scored: Sequence[ScoredClip]) -> int:
        found = [one.type for clip in scored for one in truth_of(clip.clip)]
        return found.count("me") if self._only_me else len(found)


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
