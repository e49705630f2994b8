"""Counts in parts: by what was planted, by what happened at the time, by whose clip it was."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rtme.synth.truth import TruthInterval
from rtme.trial.signs import SIGNS
from rtme.trial.take import Take, Tally
from rtme.view.report import Interval as Found

Rows = dict[str, Tally]
"""Counts by the name of their part. A part by what was planted has no false alarms and no time: nobody can say which
movement a false alarm would have been."""

_PIXELS = (1.0, 1.5, 2.0, 2.5)
_MS = (100, 200, 300, 400)
_EYES = (40, 55, 75)
_HEAD = (5.0, 20.0)

HEAD = ("still", "slow", "fast", "not seen")
SPEECH = ("silent", "speaking", "unknown")


def by_unit(takes: Iterable[Take]) -> Rows:
    """By action unit. One in which several units move counts for each, so the parts come to more than the whole."""
    rows: Rows = {}
    for take in takes:
        hit = {place for place, _ in take.pairs}
        for place, one in enumerate(take.planted):
            for unit in one.action_units:
                name = f"AU{unit}"
                rows[name] = rows.get(name, Tally()) + Tally(place in hit, place not in hit)
    return dict(sorted(rows.items(), key=lambda row: int(row[0][2:])))


def by_pixels(takes: Iterable[Take]) -> Rows:
    """By the largest displacement, in pixels of a 112-pixel face."""
    return _by_planted(
        takes, _names(_PIXELS, "px"), lambda _, one: int(np.searchsorted(_PIXELS, one.pixels, "right"))
    )


def by_duration(takes: Iterable[Take]) -> Rows:
    """By how long it lasts."""

    def place(take: Take, one: TruthInterval) -> int:
        ms = 1000 * (one.offset - one.onset + 1) / take.fps
        return int(np.searchsorted(_MS, round(ms), "left"))

    return _by_planted(
        takes, [f"to {_MS[0]} ms", *(f"to {ms} ms" for ms in _MS[1:]), f"over {_MS[-1]} ms"], place
    )


def by_head(takes: Iterable[Take]) -> Rows:
    """By how fast the head turned, as the landmarks show it: below 5, below 20 degrees a second, faster."""

    def places(take: Take) -> NDArray[np.int64]:
        if take.signs is None:
            return np.full(take.n_frames, 3)
        speed = take.signs.head
        return np.where(np.isnan(speed), 3, np.searchsorted(_HEAD, speed, "right").clip(0, 2))

    return _by_time(takes, HEAD, places)


def by_speech(takes: Iterable[Take]) -> Rows:
    """By whether the person spoke at the time."""
    return _by_time(
        takes, SPEECH, lambda take: np.where(take.speaking > 1, 2, take.speaking).astype(np.int64)
    )


def by_eyes(takes: Iterable[Take]) -> Rows:
    """By the size of the face: distance of the outer eye corners in pixels of the picture."""
    names = [*_names(_EYES, "px"), "not seen"]

    def places(take: Take) -> NDArray[np.int64]:
        eyes = None if take.signs is None else take.signs.eye_px
        place = len(names) - 1 if eyes is None else int(np.searchsorted(_EYES, eyes, "right"))
        return np.full(take.n_frames, place)

    return _by_time(takes, names, places)


def causes(takes: Iterable[Take]) -> dict[str, dict[str, float]]:
    """What else happened in the middle frame of each false alarm, and how often that happens anyway.

    Several may happen at once. Where a sign is seen in an alarm no more often than at any time, it explains nothing.

    Returns:
        For each sign, "speech" (by the sound) and "none of these": ``alarms`` in which it was seen, and its
        ``share_of_time``.
    """
    names = (*SIGNS, "speech")
    alarms = dict.fromkeys((*names, "none of these"), 0)
    frames = dict.fromkeys((*names, "none of these"), 0)
    n_frames = 0
    for take in takes:
        table = np.zeros((len(names) + 1, take.n_frames), bool)
        for row, name in enumerate(SIGNS):
            if take.signs is not None:
                table[row] = take.signs.present[name]
        table[len(SIGNS)] = take.speaking == 1
        table[-1] = ~table[:-1].any(0)
        n_frames += take.n_frames
        middles = [(alarm.onset + alarm.offset) // 2 for alarm in false_alarms(take)]
        for row, name in enumerate(alarms):
            alarms[name] += int(table[row, middles].sum())
            frames[name] += int(table[row].sum())
    return {
        name: {"alarms": count, "share_of_time": frames[name] / max(n_frames, 1)}
        for name, count in alarms.items()
    }


def false_alarms(take: Take) -> list[Found]:
    """Found intervals that match none."""
    right = {place for _, place in take.pairs}
    return [one for place, one in enumerate(take.found) if place not in right]


def _by_planted(
    takes: Iterable[Take], names: Sequence[str], place_of: Callable[[Take, TruthInterval], int]
) -> Rows:
    rows = dict.fromkeys(names, Tally())
    for take in takes:
        hit = {place for place, _ in take.pairs}
        for place, one in enumerate(take.planted):
            rows[names[place_of(take, one)]] += Tally(place in hit, place not in hit)
    return rows


def _by_time(
    takes: Iterable[Take], names: Sequence[str], places_of: Callable[[Take], NDArray[np.int64]]
) -> Rows:
    """Planted ones by their apex, false alarms by their middle, and the time itself."""
    rows = dict.fromkeys(names, Tally())
    for take in takes:
        places = places_of(take)
        hit = {place for place, _ in take.pairs}
        for number, one in enumerate(take.planted):
            rows[names[places[one.apex]]] += Tally(number in hit, number not in hit)
        for alarm in false_alarms(take):
            rows[names[places[(alarm.onset + alarm.offset) // 2]]] += Tally(false=1)
        for place, frames in enumerate(np.bincount(places, minlength=len(names))):
            rows[names[place]] += Tally(minutes=float(frames) / take.fps / 60)
    return rows


def _names(edges: Sequence[float], unit: str) -> list[str]:
    inner = [f"{low:g} to {high:g} {unit}" for low, high in pairwise(edges)]
    return [f"below {edges[0]:g} {unit}", *inner, f"from {edges[-1]:g} {unit}"]
