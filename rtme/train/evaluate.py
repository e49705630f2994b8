"""Clips through the live spotter, from cached features: what training is measured by, and thresholds chosen by."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from rtme.data.corpus import Clip, Corpus
from rtme.model.meldae import Probabilities
from rtme.spot.rules import IntervalRules, SpotterRules
from rtme.spot.spotter import Spotter, Window
from rtme.spot.updates import IntervalUpdate, Update
from rtme.train.features import FeatureCache
from rtme.train.metrics import Interval, SpottingScore
from rtme.train.recipe import Recipe

_BATCH = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """What the temporal part said of one window."""

    p_me: float
    p_speaking: float
    frames: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ScoredClip:
    """A clip whose windows have been scored once, to be decoded with many thresholds.

    Attributes:
        clip: Which.
        valid: ``(n,)`` where a slot has a crop.
        answers: By the window's last slot.
    """

    clip: Clip
    valid: NDArray[np.bool_]
    answers: dict[int, Answer]


def rules_of(recipe: Recipe, interval: IntervalRules | None = None, me_weight: float = 0.0) -> SpotterRules:
    """The live spotter's rules. Features are scored beforehand, so that its ring holds single numbers."""
    return SpotterRules(
        fps=recipe.corpus.fps,
        window=recipe.model.window,
        hop=recipe.hop,
        look_ahead=recipe.look_ahead,
        frame_size=1,
        regions=1,
        region_size=1,
        me_weight=me_weight,
        interval=interval or IntervalRules(),
    )


def score(
    corpus: Corpus, features: FeatureCache, clips: list[Clip], temporal: Probabilities, recipe: Recipe
) -> list[ScoredClip]:
    """Score every window that the live spotter would cut of some clips."""
    temporal.eval()
    scored = []
    for clip in clips:
        first, length = corpus.rows(clip).start, recipe.model.window
        valid = np.asarray(corpus.valid[first : first + clip.slots]) > 0
        windows = _walk(valid, rules_of(recipe), {})[1]
        answers: dict[int, Answer] = {}
        for start in range(0, len(windows), _BATCH):
            ends = windows[start : start + _BATCH]
            slots = np.array(ends)[:, None] + np.arange(1 - length, 1)
            mask = (slots >= 0) & valid[np.maximum(slots, 0)]
            rows = first + np.maximum(slots, 0)
            with torch.inference_mode():
                p_me, p_speaking, frames = temporal(
                    torch.from_numpy(features.frame[rows].astype(np.float32)),
                    torch.from_numpy(features.regions[rows].astype(np.float32)),
                    torch.from_numpy(mask.astype(np.float32)),
                )
            for row, end in enumerate(ends):
                answers[end] = Answer(float(p_me[row]), float(p_speaking[row]), frames[row].numpy())
        scored.append(ScoredClip(clip, valid, answers))
    return scored


def spot(scored: ScoredClip, rules: SpotterRules) -> list[Interval]:
    """The micro-expressions that the live spotter closes in a clip."""
    updates, _ = _walk(scored.valid, rules, scored.answers)
    return [
        (update.onset, update.offset)
        for update in updates
        if isinstance(update, IntervalUpdate) and update.status == "closed" and update.type == "me"
    ]


def measure(clips: Iterable[ScoredClip], rules: SpotterRules) -> SpottingScore:
    """Pooled one-to-one score at IoU 0.5 over clips."""
    total = SpottingScore(fps=rules.fps)
    for scored in clips:
        truth = [(p.onset, p.offset) for p in scored.clip.intervals if p.type == "me"]
        total.add(truth, spot(scored, rules), frames=len(scored.valid))
    return total


def speaking_accuracy(corpus: Corpus, clips: Iterable[ScoredClip], recipe: Recipe) -> float:
    """Share of windows, of those wholly speaking or wholly listening, whose state is told rightly."""
    right = count = 0
    for scored in clips:
        state = np.asarray(corpus.speaking[corpus.rows(scored.clip)])
        for end, answer in scored.answers.items():
            seen = state[max(0, end - recipe.model.window + 1) : end + 1]
            if end >= recipe.model.window // 2 and (seen == seen[0]).all() and seen[0] <= 1:
                right += (answer.p_speaking >= 0.5) == bool(seen[0])
                count += 1
    return right / count if count else 0.0


def choose(clips: list[ScoredClip], recipe: Recipe) -> SpotterRules:
    """The decoder settings that are best for these (validation) clips, found in two sweeps.

    Best is the F1 of animated portraits and of real clips alike, so that neither is bought with the other; real
    clips count a third, for they are few and what their people did by themselves is not known.
    """
    bases = {base: [scored for scored in clips if scored.clip.base == base] for base in ("portrait", "clip")}

    def merit(rules: SpotterRules) -> float:
        f1 = {base: measure(part, rules).f1 for base, part in bases.items() if part}
        return (3 * f1["portrait"] + f1["clip"]) / 4 if len(f1) == 2 else sum(f1.values())

    def best(candidates: Iterable[SpotterRules]) -> SpotterRules:
        return max(candidates, key=merit)

    start = rules_of(recipe)
    coarse = best(
        rules_of(recipe, replace(start.interval, on=on, off=on * share), weight)
        for on, share, weight in product((0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), (0.4, 0.6, 0.8), (0.0, 0.3))
    )
    finer = best(
        replace(coarse, interval=replace(coarse.interval, min_ms=min_ms, merge_ms=merge_ms, off=off))
        for min_ms, merge_ms, off in product(
            (40.0, 66.0, 100.0),
            (0.0, 34.0, 67.0),
            {coarse.interval.off, max(0.05, coarse.interval.off - 0.08), coarse.interval.off + 0.08},
        )
        if off <= coarse.interval.on
    )
    return replace(
        finer,
        interval=replace(finer.interval, on=round(finer.interval.on, 3), off=round(finer.interval.off, 3)),
    )


def _walk(
    valid: NDArray[np.bool_], rules: SpotterRules, answers: dict[int, Answer]
) -> tuple[list[Update], list[int]]:
    """One clip through the spotter; windows without an answer are skipped.

    Returns:
        The updates, and the last slot of each window that the spotter asked to have scored.
    """
    spotter = Spotter(rules)
    updates: list[Update] = []
    ends: list[int] = []
    frame, regions = np.zeros(1, np.float32), np.zeros((1, 1), np.float32)

    def answer(windows: list[Window]) -> None:
        for window in windows:
            ends.append(window.end)
            known = answers.get(window.end)
            if known is None:
                spotter.skip(window)
            else:
                updates.extend(spotter.take(window, known.p_me, known.p_speaking, known.frames))

    for slot in range(len(valid)):
        if valid[slot]:
            spotter.push(slot, frame, regions)
        answer(spotter.advance(slot))
        updates.extend(spotter.decide())
    answer(spotter.drain())
    updates.extend(spotter.finish())
    return updates, ends
