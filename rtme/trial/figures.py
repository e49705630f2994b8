"""The figures of a set of clips, with how far each may be off."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rtme.trial.chance import bootstrap, poisson_interval
from rtme.trial.changes import Change
from rtme.trial.tables import SpeakerCount
from rtme.trial.take import Take, Tally, tally, total

ANY_SIZE = (0.0, float("inf"))

_ENOUGH_PEOPLE = 5
_BINS = 10


def scores(takes: Sequence[Take], pixels: tuple[float, float] = ANY_SIZE) -> dict[str, Any]:
    """How well micro-expressions are found in a set of clips.

    Args:
        takes: The clips.
        pixels: Only those of this size count; see :func:`rtme.trial.take.tally`.
    """
    units, unit = _units(takes, pixels)
    whole = total(units)
    return {
        "clips": len(takes),
        "people": len({take.person for take in takes}),
        **counts(whole),
        "f1_interval": bootstrap(units, lambda drawn: total(drawn).f1) if whole.planted else None,
        "recall_interval": bootstrap(units, lambda drawn: total(drawn).recall) if whole.planted else None,
        "drawn": unit,
        "false_interval": poisson_interval(whole.false, whole.minutes) if whole.minutes else None,
        "onset_error": _errors(takes, "onset", pixels),
        "offset_error": _errors(takes, "offset", pixels),
    }


def counts(whole: Tally) -> dict[str, Any]:
    """Counts, and the figures that follow from them."""
    planted = whole.planted > 0
    return {
        "minutes": whole.minutes,
        "planted": whole.planted,
        "found": whole.found,
        "matched": whole.matched,
        "false": whole.false,
        "f1": whole.f1 if planted else None,
        "precision": whole.precision if planted else None,
        "recall": whole.recall if planted else None,
        "false_per_minute": whole.false_per_minute,
    }


def by_state(takes: Sequence[Take]) -> dict[str, Any]:
    """F1 in clips of speaking and of listening people, and the harmonic mean of the two (F1_DR)."""
    people: dict[str, tuple[Tally, Tally]] = {}
    for take in takes:
        speaking, listening = people.get(take.person, (Tally(), Tally()))
        if take.state == "speaking":
            speaking += tally(take)
        else:
            listening += tally(take)
        people[take.person] = speaking, listening
    units = list(people.values())

    def f1_dr(drawn: Sequence[tuple[Tally, Tally]]) -> float:
        f1_s, f1_l = (
            total(speaking for speaking, _ in drawn).f1,
            total(listening for _, listening in drawn).f1,
        )
        return 2 * f1_s * f1_l / (f1_s + f1_l) if f1_s + f1_l else 0.0

    return {
        "people": len(people),
        "f1_dr": f1_dr(units),
        "f1_dr_interval": bootstrap(units, f1_dr),
        "speaking": counts(total(speaking for speaking, _ in units)),
        "listening": counts(total(listening for _, listening in units)),
    }


def drop(takes: Sequence[Take], against: Sequence[Take]) -> dict[str, Any]:
    """How much lower F1 is with one camera than with another on the same performances.

    Args:
        takes: Seen by the one.
        against: Seen by the other.
    """
    pairs = {take.clip: [Tally(), Tally()] for take in takes}
    for side, some in enumerate((takes, against)):
        for take in some:
            if take.clip in pairs:
                pairs[take.clip][side] += tally(take)

    def fall(drawn: Sequence[list[Tally]]) -> float:
        return total(pair[1] for pair in drawn).f1 - total(pair[0] for pair in drawn).f1

    units = list(pairs.values())
    return {"drop": fall(units), "drop_interval": bootstrap(units, fall)}


def speaker(takes: Sequence[Take]) -> dict[str, Any]:
    """How well, and how late, speaking is told from listening, where the truth is known."""
    count = SpeakerCount()
    for take in takes:
        count.add(take.speaking, take.report)
    changed = [change for take in takes for change in take.changes]
    return {
        **count.summary(),
        "changes": {"all": _delays(changed)}
        | {
            state: _delays([change for change in changed if change.to == state])
            for state in ("speaking", "listening")
        },
    }


def reliability(takes: Sequence[Take]) -> list[dict[str, Any]]:
    """How many of the intervals found with such a confidence are right, in tenths; empty tenths are left out."""
    right: list[tuple[float, bool]] = []
    for take in takes:
        hit = {place for _, place in take.pairs}
        right += [(one.confidence, place in hit) for place, one in enumerate(take.found)]
    bins = []
    for tenth in range(_BINS):
        inside = [(said, ok) for said, ok in right if min(int(said * _BINS), _BINS - 1) == tenth]
        if inside:
            bins.append(
                {
                    "from": tenth / _BINS,
                    "to": (tenth + 1) / _BINS,
                    "found": len(inside),
                    "right": sum(ok for _, ok in inside),
                    "confidence": float(np.mean([said for said, _ in inside])),
                }
            )
    return bins


def _units(takes: Sequence[Take], pixels: tuple[float, float]) -> tuple[list[Tally], str]:
    """What is drawn: people, or, where there are few, their clips, which says less about others."""
    of_people = {take.person: Tally() for take in takes}
    if len(of_people) < _ENOUGH_PEOPLE:
        return [tally(take, pixels) for take in takes], "clips"
    for take in takes:
        of_people[take.person] += tally(take, pixels)
    return list(of_people.values()), "people"


def _errors(takes: Sequence[Take], end: str, pixels: tuple[float, float]) -> dict[str, float] | None:
    """Found minus planted frame of matched pairs, in frames of their clips."""
    errors = [
        getattr(take.found[said], end) - getattr(take.planted[truth], end)
        for take in takes
        for truth, said in take.pairs
        if pixels[0] <= take.planted[truth].pixels <= pixels[1]
    ]
    if not errors:
        return None
    size = np.abs(errors)
    return {
        "median": float(np.median(size)),
        "mean": float(size.mean()),
        "p90": float(np.quantile(size, 0.9)),
        "bias": float(np.mean(errors)),
    }


def _delays(changed: Sequence[Change]) -> dict[str, Any]:
    """Quantiles of the delay of changes that were told or missed; a missed one counts as told never."""
    delays = sorted(change.delay_s for change in changed if change.delay_s is not None)
    waits = [change.algorithmic_s for change in changed if change.algorithmic_s is not None]
    missed = sum(change.how == "missed" for change in changed)

    def quantile(share: float) -> float | None:
        """The smallest delay that such a share does not exceed, None where that is never."""
        place = math.ceil(share * (len(delays) + missed)) - 1
        return delays[place] if 0 <= place < len(delays) else None

    return {
        "changes": len(changed),
        "told": len(delays),
        "missed": missed,
        "cut_off": sum(change.how == "cut off" for change in changed),
        "median_s": quantile(0.5),
        "p90_s": quantile(0.9),
        "algorithmic_s": float(np.median(waits)) if waits else None,
    }
