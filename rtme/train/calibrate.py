"""How sure an engine may be: from an interval's highest score to how often such intervals are right.

Every interval at or above the lowest threshold is a trial, right if it was matched one to one at IoU >= 0.5 with a
labelled one; in clips as they are nothing is labelled, so all that is found there is wrong. Pooling adjacent violators
(isotonic regression) gives the rising steps that fit these trials best, and the map goes through the steps' middles.

**Weights.** How often an interval is right depends on how much there is to be found. Where there are animated
portraits and real clips, an interval of the rarer material weighs more, up to ``MOST_WEIGHT`` times, so that a minute of
the one and a minute of the other count alike. Otherwise all weigh the same.

**Never certain.** The faintest interval counts as right once more, and the surest as wrong once more: so no probability
is 0 or 1, and n right ones without a wrong one give n / (n + 1).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtme.engine.manifest import DecoderSettings
from rtme.spot.calibration import Knots, calibrated
from rtme.spot.rules import Sensitivity
from rtme.train.ranking import Bools, Floats, Material, Ranked

KNOTS = 16
"""Of a map, at most."""

MOST_WEIGHT = 5.0

FEWEST = 20
"""Intervals without which there is no calibration."""

_LEAST = 10.0
"""Intervals a step rests on, at least: fewer would be chance."""

_PARTS, _BINS = 5, 10


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Found intervals; arrays of one entry each.

    Attributes:
        raw: Highest score, 0..1.
        right: Whether there was such an expression.
        weight: What it counts.
        group: Number of who is seen, or of the clip where all are of one person: what is held out together.
    """

    raw: Floats
    right: Bools
    weight: Floats
    group: Any

    def part(self, which: Bools) -> "Trials":
        """Some of them."""
        return Trials(self.raw[which], self.right[which], self.weight[which], self.group[which])


@dataclass(frozen=True, slots=True)
class Step:
    """Trials of neighbouring scores, taken together.

    Attributes:
        weight: What they count together, above 0.
        right: What those that are right count.
        raw: Their mean score.
    """

    weight: float
    right: float
    raw: float

    @property
    def probability(self) -> float:
        """The share that is right."""
        return self.right / self.weight

    def with_next(self, other: "Step") -> "Step":
        """Both as one."""
        weight = self.weight + other.weight
        raw = (self.weight * self.raw + other.weight * other.raw) / weight
        return Step(weight, self.right + other.right, raw)


def pool(steps: Iterable[Step]) -> list[Step]:
    """Pool adjacent violators: the rising steps nearest to these, which come in order of their scores."""
    pooled: list[Step] = []
    for step in steps:
        while pooled and pooled[-1].probability >= step.probability:
            step = pooled.pop().with_next(step)
        pooled.append(step)
    return pooled


def fit(trials: Trials) -> Knots:
    """The calibration of some trials; none of fewer than ``FEWEST``."""
    if len(trials.raw) < FEWEST:
        return ()
    faintest, surest = trials.raw.min(), trials.raw.max()
    raw = np.concatenate([trials.raw, [faintest, surest]])
    weight = np.concatenate([trials.weight, [1.0, 1.0]])
    right = np.concatenate([trials.weight * trials.right, [1.0, 0.0]])
    scores, place = np.unique(raw, return_inverse=True)
    weights, rights = np.bincount(place, weight), np.bincount(place, right)
    steps = pool(map(Step, weights.tolist(), rights.tolist(), scores.tolist()))
    return tuple((round(step.raw, 6), round(step.probability, 4)) for step in _thinned(steps))


def trials_of(material: Material, ranked: Ranked) -> Trials:
    """Intervals of the kinds that are looked for, with their weights."""
    clips = material.clips
    names = ["/".join(clip.person) for clip in clips]
    if len(set(names)) == 1:
        names = [clip.key for clip in clips]
    number = {name: place for place, name in enumerate(sorted(set(names)))}
    group = np.array([number[name] for name in names])
    weight = np.ones(len(clips))
    portraits, real = material.of("portrait"), material.of("clip")
    if portraits.any() and real.any():
        minutes = [material.minutes[kind].sum() for kind in (portraits, real)]
        for kind, own in zip((portraits, real), minutes, strict=True):
            weight[kind] = min(max(minutes) / own, MOST_WEIGHT)
    which = ranked.me if material.only_me else np.ones_like(ranked.me)
    clip = ranked.clip[which]
    return Trials(ranked.raw[which], ranked.right[which], weight[clip], group[clip])


def reliability(trials: Trials, points: Mapping[Sensitivity, DecoderSettings], seed: int) -> dict[str, Any]:
    """How far calibrated confidence can be trusted: each interval is told by a map that never saw its person.

    Args:
        trials: All intervals.
        points: The settings of each sensitivity.
        seed: Of who is held out with whom.

    Returns:
        Under ``error`` the expected calibration error of what each sensitivity reports: the mean distance between what
        is said and how often it is right, over ten bins. Under ``bins`` those of the most sensitive, each with what was
        said, the share that was right and the count. Empty where there are too few people or intervals.
    """
    groups = np.unique(trials.group)
    part = dict(
        zip(np.random.default_rng(seed).permutation(groups).tolist(), range(len(groups)), strict=True)
    )
    held = np.array([part[one] for one in trials.group.tolist()], np.int64) % _PARTS
    told = np.full(len(trials.raw), np.nan)
    for number in np.unique(held):
        out = held == number
        knots = fit(trials.part(~out))
        if not knots:
            return {}
        told[out] = [calibrated(raw, knots) for raw in trials.raw[out].tolist()]
    reported = {name: _bins(trials, told, trials.raw >= one.on) for name, one in points.items()}
    if not all(reported.values()):
        return {}
    weight = "as in the fit: a minute of portraits and a minute of real clips alike, up to a factor"
    return {
        "held_out_by": f"{len(groups)} people or clips, a fifth at a time",
        "weights": f"{weight} of {MOST_WEIGHT:g}",
        "error": {name: _error(bins) for name, bins in reported.items()},
        "bins": max(reported.values(), key=lambda bins: sum(one["count"] for one in bins)),
    }


def _thinned(steps: list[Step]) -> list[Step]:
    """Few enough steps, each of enough trials: the lightest joins the neighbour whose probability is nearer."""
    steps = list(steps)
    while len(steps) > 1:
        place = min(range(len(steps)), key=lambda at: steps[at].weight)
        if len(steps) <= KNOTS and steps[place].weight >= _LEAST:
            break
        here = steps[place].probability
        sides = [at for at in (place - 1, place + 1) if 0 <= at < len(steps)]
        first = min(place, min(sides, key=lambda at: abs(steps[at].probability - here)))
        steps[first : first + 2] = [steps[first].with_next(steps[first + 1])]
    return steps


def _bins(trials: Trials, told: Floats, which: Bools) -> list[dict[str, Any]]:
    bins = []
    number = np.minimum((told * _BINS).astype(int), _BINS - 1)
    for place in range(_BINS):
        here = which & (number == place)
        if here.any():
            weight = trials.weight[here]
            bins.append(
                {
                    "said": round(float(np.average(told[here], weights=weight)), 4),
                    "right": round(float(np.average(trials.right[here], weights=weight)), 4),
                    "count": int(here.sum()),
                    "weight": round(float(weight.sum()), 2),
                }
            )
    return bins


def _error(bins: list[dict[str, Any]]) -> float:
    total = float(sum(one["weight"] for one in bins))
    apart = float(sum(one["weight"] * abs(one["said"] - one["right"]) for one in bins))
    return round(apart / total, 4)
