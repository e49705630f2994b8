"""Operating points: what is reported at low, normal and high sensitivity, and how many false alarms each costs.

All three share how intervals are cut (``off``, durations, the weight of ``p_me``) and differ in ``on`` alone. So a higher
sensitivity finds all that a lower one finds, with the same onsets and offsets, one calibration of the highest score
serves all, and there is little to choose: the search over the shared settings tries every ``on`` exactly.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import optuna

from rtme.engine.manifest import DecoderSettings
from rtme.spot.rules import Sensitivity
from rtme.train.ranking import Bools, Floats, Material, Ranked
from rtme.train.recipe import Recipe

BETA: Mapping[Sensitivity, float] = {"low": 0.5, "normal": 1.0, "high": 2.0}
"""Of F_beta: at low a false one costs more than a missed one, at high the other way round. Without it the three would
coincide wherever the best F1 keeps within the smallest budget."""

KINDS = {"portrait": "portraits", "clip": "real clips", "video": "videos"}
"""What clips were made from, in words."""

CURVE = 40
"""Points of a curve, at most."""

ENOUGH_MIN = 1.0
"""Minutes of real clips with nothing planted by which alone false alarms are counted: in less, one decides all."""

_PORTRAITS = 3 / 4
"""What animated portraits count beside real clips with planted movements: those are few, and what their people did
by themselves is not known."""

_MIN_MS, _MERGE_MS = 70.0, 100.0
"""Longest minimum duration and longest bridged dip that are tried. Micro-expressions last from 40 ms: a longer minimum
wins a little precision on a few validation clips and can never find the shortest."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The decoder's settings at each sensitivity.

    Attributes:
        points: Settings of all three; of normal alone where nothing could be chosen.
        chosen: By what, for people.
        measured: Under ``operating`` what each finds and costs, under ``curve`` the same of every threshold; empty where
            nothing could be chosen.
    """

    points: dict[Sensitivity, DecoderSettings]
    chosen: dict[str, Any]
    measured: dict[str, Any]


def choose(material: Material, recipe: Recipe, tell: Callable[[str], None]) -> Choice:
    """Choose the settings of each sensitivity on validation clips.

    Each is to have the best F_beta of what was planted (or labelled) while its false alarms a minute keep within the
    recipe's budget. False alarms are micro-expressions found in real clips in which nothing was planted; where
    these are shorter than ``ENOUGH_MIN``, those found wrongly in any real clip, and without real clips in any at all. One
    false alarm is always allowed: a single one says nothing of a rate. Where no threshold that finds anything keeps
    within the budget, the one with the fewest false alarms is taken.

    The shared settings are those of the best mean over the three, found by optuna's TPE from the recipe's seed; in that
    mean a budget that is exceeded costs its share of the false alarms that are too many. The defaults are tried
    first and stay unless something is better.

    Args:
        material: Clips of people who are neither trained on nor tested.
        recipe: Trials, seed, budgets, and what is located.
        tell: Gets lines for people.
    """
    defaults = DecoderSettings(me_max_ms=recipe.spot.me_max_ms)
    what = "micro-expressions" if material.only_me else "expressions"
    n_truth = int(material.truths.sum())
    if not n_truth or not recipe.spot.trials:
        why = f"no {what} in the validation clips" if not n_truth else "spot.trials is 0"
        tell(f"the decoder keeps its defaults: {why}")
        return Choice({"normal": defaults}, {"kept": why}, {})
    search = _Search(material, recipe, defaults)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=recipe.seed))
    best = search.at(defaults)
    for _ in range(recipe.spot.trials):
        trial = study.ask()
        tried = search.at(_suggest(trial, defaults, material.fps))
        study.tell(trial, tried.merit)
        if tried.merit > best.merit:
            best = tried
    f1, f1_of_defaults = search.f1(best.points["normal"]), search.f1(defaults)
    tell(
        f"decoder: F1 {f1:.3f} on {len(material.clips)} validation clips with {n_truth} {what}, "
        f"{f1_of_defaults:.3f} with its defaults ({recipe.spot.trials} trials)"
    )
    measured = search.measure(best)
    for name, point in measured["operating"].items():
        tell(f"sensitivity {name}: {in_words(point)}")
    chosen = {
        "by": f"pooled one-to-one F1 of {what} at IoU >= 0.5, within {recipe.spot.false_alarms.normal:g} false alarms "
        "a minute",
        "f1": round(f1, 4),
        "f1_of_defaults": round(f1_of_defaults, 4),
        "clips": len(material.clips),
        "truths": n_truth,
        "trials": recipe.spot.trials,
    }
    return Choice(best.points, chosen, measured)


@dataclass(frozen=True, slots=True)
class _Tried:
    ranked: Ranked
    ons: Floats
    points: dict[Sensitivity, DecoderSettings]
    merit: float


class _Search:
    """The validation clips, and what is wanted of settings."""

    def __init__(self, material: Material, recipe: Recipe, defaults: DecoderSettings) -> None:
        self._material, self._defaults = material, defaults
        self._budgets: dict[Sensitivity, float] = {
            name: getattr(recipe.spot.false_alarms, name) for name in get_args(Sensitivity)
        }
        self._planted = {
            base: clips for base in KINDS if material.truths[clips := material.of(base, labelled=True)].any()
        }
        self._shares: list[tuple[float, Bools]] = [
            (1.0, np.array([clip.labelled for clip in material.clips]))
        ]
        if set(self._planted) == {"portrait", "clip"} and not material.of("video").any():
            self._shares = [(_PORTRAITS, self._planted["portrait"]), (1 - _PORTRAITS, self._planted["clip"])]
        self._false_in, self._false_name = _false_alarms_in(material)
        self._minutes = float(material.minutes[self._false_in].sum())

    def at(self, settings: DecoderSettings) -> _Tried:
        """The best `on` of each sensitivity with these settings."""
        ranked = self._material.rank(settings)
        ons = _thresholds(ranked.raw, settings.off, self._defaults.on)
        rate = self._false(ranked, ons) / self._minutes
        usable = ranked.count(ranked.right, ons) > 0
        if not usable.any():
            usable[:] = True
        places: dict[Sensitivity, int] = {}
        merits = []
        # Normal first: the others lie on either side of it.
        for name in ("normal", "low", "high"):
            if name != "normal":
                side = ons - ons[places["normal"]]
                usable_here = usable & ((side >= 0) if name == "low" else (side <= 0))
            else:
                usable_here = usable
            f, budget = self._f(ranked, ons, BETA[name]), max(self._budgets[name], 1 / self._minutes)
            place = places[name] = self._best(f, rate, ons, usable_here, budget)
            # How far a budget is missed must show, or the search would have nothing to go by.
            merits.append(f[place] - max(0.0, 1 - budget / max(rate[place], budget)))
        points = {
            name: settings.model_copy(update={"on": float(ons[places[name]])})
            for name in get_args(Sensitivity)
        }
        return _Tried(ranked, ons, points, float(np.mean(merits)))

    def f1(self, settings: DecoderSettings) -> float:
        """F1 of the settings as they are."""
        return float(self._f(self._material.rank(settings), np.array([settings.on]), 1.0)[0])

    def measure(self, tried: _Tried) -> dict[str, Any]:
        """What is found at each sensitivity and at every threshold, and how much of it is false."""
        operating = {
            name: {"budget": self._budgets[name], **self._measured(tried.ranked, settings.on)}
            for name, settings in tried.points.items()
        }
        rest = np.linspace(0, len(tried.ons) - 1, min(len(tried.ons), CURVE - len(operating))).astype(int)
        ons = {*tried.ons[rest].tolist(), *(settings.on for settings in tried.points.values())}
        points = [self._measured(tried.ranked, on) for on in sorted(ons)]
        curve = {
            "false_alarms_in": self._false_name,
            "minutes": round(self._minutes, 2),
            "points": [
                {
                    "on": point["on"],
                    "false_per_minute": point["false_alarms"]["per_minute"],
                    **{kind: planted["recall"] for kind, planted in point["planted"].items()},
                }
                for point in points
            ],
        }
        return {"operating": operating, "curve": curve}

    def _measured(self, ranked: Ranked, on: float) -> dict[str, Any]:
        at = np.array([on])
        planted = {}
        for base, clips in self._planted.items():
            counts, rights, truths = self._counts(ranked, at, clips)
            found, right = int(counts[0]), int(rights[0])
            planted[KINDS[base]] = {
                "recall": round(right / truths, 4),
                "precision": round(right / max(found, 1), 4),
                "right": right,
                "found": found,
                "truths": truths,
            }
        count = int(self._false(ranked, at)[0])
        false = {"count": count, "minutes": round(self._minutes, 2), "in": self._false_name}
        return {
            "on": on,
            "planted": planted,
            "false_alarms": {"per_minute": round(count / self._minutes, 2), **false},
        }

    def _f(self, ranked: Ranked, ons: Floats, beta: float) -> Floats:
        total = np.zeros(len(ons))
        for share, clips in self._shares:
            found, right, truths = self._counts(ranked, ons, clips)
            total += share * (1 + beta**2) * right / np.maximum(beta**2 * truths + found, 1)
        return total

    def _counts(self, ranked: Ranked, ons: Floats, clips: Bools) -> tuple[Any, Any, int]:
        """Found and right at each threshold, and labelled, in some clips."""
        here = clips[ranked.clip]
        if self._material.only_me:
            here = here & ranked.me
        truths = int(self._material.truths[clips].sum())
        return ranked.count(here, ons), ranked.count(here & ranked.right, ons), truths

    def _false(self, ranked: Ranked, ons: Floats) -> Any:
        return ranked.count(self._false_in[ranked.clip] & ranked.me & ~ranked.right, ons)

    def _best(self, f: Floats, rate: Floats, ons: Floats, usable: Bools, budget: float) -> int:
        within = usable & (rate <= budget)
        pool = within if within.any() else usable & (rate == rate[usable].min())
        best = np.flatnonzero(pool & (f >= f[pool].max() - 1e-9))
        return int(best[np.abs(ons[best] - self._defaults.on).argmin()])


def _false_alarms_in(material: Material) -> tuple[Bools, str]:
    """The clips in which false alarms are counted, and what they are."""
    untouched, real = material.of("clip", labelled=False), material.of("clip")
    if material.minutes[untouched].sum() >= ENOUGH_MIN:
        return untouched, "real clips with nothing planted"
    if real.any():
        return real, "real clips, with and without planted expressions"
    return np.ones_like(real), "all validation clips"


def in_words(point: Mapping[str, Any]) -> str:
    """What one sensitivity finds and costs, in a line."""
    recalls = ", ".join(
        f"{p['recall']:.2f} of {p['truths']} ({kind})" for kind, p in point["planted"].items()
    )
    false = point["false_alarms"]
    over = f", over the budget of {point['budget']:g}" if false["per_minute"] > point["budget"] else ""
    return (
        f"recall {recalls}; {false['per_minute']:.1f} false alarms a minute ({false['count']} in "
        f"{false['minutes']:.1f} min of {false['in']}){over}"
    )


def _suggest(trial: Any, defaults: DecoderSettings, fps: float) -> DecoderSettings:
    slot_ms = 1000 / fps
    # Durations are whole slots in the end; other values would only be the same settings again.
    min_slots = trial.suggest_int("min_slots", 1, max(1, int(_MIN_MS / slot_ms)))
    merge_slots = trial.suggest_int("merge_slots", 0, int(_MERGE_MS / slot_ms))
    return defaults.model_copy(
        update={
            "off": round(trial.suggest_float("off", 0.02, 0.95), 4),
            "me_weight": round(trial.suggest_float("me_weight", 0.0, 0.9, step=0.1), 1),
            "min_ms": round(min_slots * slot_ms, 6),
            "merge_ms": round(merge_slots * slot_ms, 6),
        }
    )


def _thresholds(raw: Floats, off: float, default: float) -> Floats:
    """Every `on` that makes a difference, rising: the lowest, halfway between any two scores, and the default."""
    scores = np.unique(raw)
    ons: Floats = np.concatenate([[off, default], (scores[1:] + scores[:-1]) / 2])
    return np.asarray(np.unique(np.clip(np.round(ons[ons >= off], 6), off, 1 - 1e-6)))
