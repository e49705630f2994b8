"""The thresholds of the speaker's state, chosen on people who are not trained on."""

from collections.abc import Callable, Sequence
from itertools import groupby, product

import numpy as np
from numpy.typing import NDArray

from rtme.data.store import UNKNOWN
from rtme.engine.manifest import SpeakerSettings
from rtme.spot.fusion import ScoreFusion, Scores
from rtme.spot.rules import SpeakerRules
from rtme.spot.speaker import SpeakerDecoder
from rtme.spot.spotter import known_slots
from rtme.train.recipe import Recipe
from rtme.train.replay import ScoredClip

_ON = tuple(round(0.3 + 0.05 * step, 2) for step in range(12))
_APART = (0.0, 0.1, 0.2)
_MIN_SLOTS = (3, 4, 5, 6, 7)
"""Thresholds at which speaking begins, how far below each it ends, and how many slots a change must last."""

_FEWEST = 30
"""Slots of either state without which there is nothing to choose by."""


def tune_speaker(
    scored: Sequence[ScoredClip], recipe: Recipe, tell: Callable[[str], None]
) -> tuple[SpeakerSettings, dict[str, float]]:
    """The settings of the best balanced accuracy by slot, undecided slots counting as wrong.

    Real clips and animated portraits count alike where both are there, so that neither is bought with the other.

    Args:
        scored: Clips; those of which nobody knows the state are left out.
        recipe: Says how windows were cut.
        tell: Gets lines for people.

    Returns:
        The settings, and the balanced accuracy by material; the defaults and nothing where no material has both states.
    """
    defaults = SpeakerSettings()
    material = {
        name: tracks
        for name, bases in (("portraits", ("portrait",)), ("real", ("clip", "video")))
        if _has_both(
            tracks := [track for one in scored if one.clip.base in bases for track in _tracks(one, recipe)]
        )
    }
    if not material:
        tell("the speaker's thresholds keep their defaults: the validation clips do not show both states")
        return defaults, {}
    fps = scored[0].plan.fps
    best, reached = (
        defaults,
        {name: balanced_accuracy(tracks, defaults, fps) for name, tracks in material.items()},
    )
    for on, apart, slots in product(_ON, _APART, _MIN_SLOTS):
        if on - apart <= 0:
            continue
        tried = defaults.model_copy(
            update={"on": on, "off": round(on - apart, 2), "min_ms": round(slots * 1000 / fps, 4)}
        )
        told = {name: balanced_accuracy(tracks, tried, fps) for name, tracks in material.items()}
        if np.mean(list(told.values())) > np.mean(list(reached.values())) + 1e-9:
            best, reached = tried, told
    said = ", ".join(f"{value:.3f} ({name})" for name, value in reached.items())
    tell(f"speaker: balanced accuracy {said} on {len(scored)} validation clips")
    return best, {name: round(value, 4) for name, value in reached.items()}


Track = tuple[NDArray[np.uint8], list[tuple[int, Scores]]]
"""The true state of each slot of a clip, and the fused probabilities of one face, as runs from a first slot on."""


def balanced_accuracy(tracks: Sequence[Track], settings: SpeakerSettings, fps: float) -> float:
    """Mean recall of speaking and listening over all slots whose state is known, 0..1.

    Args:
        tracks: At least one slot of each state.
        settings: Of the decoder.
        fps: Slots per second.
    """
    rules = SpeakerRules(on=settings.on, off=settings.off, min_ms=settings.min_ms)
    right, total = np.zeros(2), np.zeros(2)
    for truth, runs in tracks:
        told = np.full(len(truth), UNKNOWN, np.uint8)
        decoder = SpeakerDecoder(rules, fps)
        updates = [update for first, scores in runs for update in decoder.push(first, scores)]
        for turn in [*updates, *decoder.finish()]:
            if turn.end is not None:
                told[turn.start : turn.end + 1] = turn.state == "speaking"
        for state in (0, 1):
            total[state] += (truth == state).sum()
            right[state] += ((truth == state) & (told == state)).sum()
    return float((right / total).mean())


def _has_both(tracks: Sequence[Track]) -> bool:
    return all(sum(int((truth == state).sum()) for truth, _ in tracks) >= _FEWEST for state in (0, 1))


def _tracks(one: ScoredClip, recipe: Recipe) -> list[Track]:
    """One for each appearance of a face; only the longest is asked about, since one person's state is known."""
    speaking = np.where(one.rows["valid"] > 0, one.rows["speaking"], UNKNOWN).astype(np.uint8)
    if not (speaking != UNKNOWN).any():
        return []
    windows = sorted(one.windows, key=lambda window: (window.face, window.first))
    runs = [list(run) for _, run in groupby(windows, lambda window: (window.face, window.first))]
    if not runs:
        return []
    length, hop = recipe.model.window, recipe.spot.hop
    fusion = ScoreFusion(length, min(max(SpeakerSettings().look_ahead, hop - 1), length - 1))
    for window in max(runs, key=len):
        known = known_slots(window.valid, window.first - window.end + length - 1)
        fusion.add(window.end, np.where(known, window.p_speaking, np.nan), extra=window.end % hop != 0)
    return [(speaking, list(fusion.final(len(speaking))))]
