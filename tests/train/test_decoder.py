"""Thresholds chosen on validation clips."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_scores import made_store, me, score_all, scored_as, tiny_recipe
from rtme.engine.manifest import DecoderSettings
from rtme.score import Rules, spotting
from rtme.train.decoder import Decoder, spot, tune
from rtme.train.recipe import Recipe
from rtme.train.replay import ScoredClip
from rtme.train.truth import facts_of, truth_of

SILENT: list[str] = []


def f1(clips: list[ScoredClip], decoder: Decoder, recipe: Recipe) -> float:
    truth = [interval for one in clips for interval in truth_of(one.clip)]
    found = [interval for one in clips for interval in spot(one, decoder, recipe)]
    return spotting(truth, found, [facts_of(one.clip) for one in clips], Rules()).me.f1


def clips_of(
    folder: Path, recipe: Recipe, curves: list[tuple[dict[str, Any], list[tuple[int, int, float]]]]
) -> list[ScoredClip]:
    """Clips of 60 slots that score 0.1 but where the curve says otherwise: ``(first, last, score)``."""
    store = made_store(folder, [(facts, [(1, True, 60)]) for facts, _ in curves])
    scored = []
    for one, (_, bumps) in zip(score_all(store, recipe), curves, strict=True):
        curve = np.full(60, 0.1)
        for first, last, score in bumps:
            curve[first : last + 1] = score
        scored.append(scored_as(one, curve))
    return scored


def test_thresholds_are_found_that_separate_expressions_from_noise(tmp_path: Path) -> None:
    recipe = tiny_recipe(spot__trials=40)
    # Expressions score 0.45, below the default; noise of 0.3 is no expression.
    curves = [({"intervals": [me(20, 28)]}, [(20, 28, 0.45), (45, 50, 0.3)]) for _ in range(4)]
    scored = clips_of(tmp_path, recipe, curves)
    lines: list[str] = []
    decoder = tune(scored, recipe, lines.append)
    assert f1(scored, Decoder(), recipe) == 0
    assert f1(scored, decoder, recipe) == 1
    assert decoder.chosen["f1"] == 1
    assert decoder.chosen["f1_of_defaults"] == 0
    assert any("F1 1.000 on 4 validation clips with 4 micro-expressions" in line for line in lines)


def test_defaults_stay_unless_something_is_better(tmp_path: Path) -> None:
    recipe = tiny_recipe(spot__me_max_ms=400)
    scored = clips_of(tmp_path, recipe, [({"intervals": [me(20, 28)]}, [(20, 28, 0.9)])])
    assert tune(scored, recipe, SILENT.append).intervals == DecoderSettings(me_max_ms=400)


def test_the_same_seed_chooses_the_same(tmp_path: Path) -> None:
    recipe = tiny_recipe(spot__trials=15)
    rng = np.random.default_rng(2)
    curves = [
        ({"intervals": [me(20, 28)]}, [(20, 28, rng.uniform(0.2, 0.6)), (45, 50, rng.uniform(0.1, 0.5))])
        for _ in range(6)
    ]
    scored = clips_of(tmp_path, recipe, curves)
    first = tune(scored, recipe, SILENT.append)
    assert tune(scored, recipe, SILENT.append) == first
    assert f1(scored, first, recipe) == pytest.approx(first.chosen["f1"], abs=1e-4)


def test_without_a_micro_expression_or_a_trial_the_defaults_stay_and_it_is_said(tmp_path: Path) -> None:
    for number, (recipe, intervals, why) in enumerate(
        [
            (tiny_recipe(), [me(20, 50, "mae")], "no micro-expressions in the validation clips"),
            (tiny_recipe(spot__trials=0), [me(20, 28)], "spot.trials is 0"),
        ]
    ):
        lines: list[str] = []
        scored = clips_of(tmp_path / str(number), recipe, [({"intervals": intervals}, [(20, 50, 0.4)])])
        decoder = tune(scored, recipe, lines.append)
        assert decoder.intervals == DecoderSettings()
        assert f"the decoder keeps its defaults: {why}" in lines


def test_with_both_kinds_located_both_are_tuned_for(tmp_path: Path) -> None:
    recipe = tiny_recipe(data__locate="me+mae", spot__trials=40)
    scored = clips_of(
        tmp_path, recipe, [({"intervals": [me(10, 40, "mae")]}, [(10, 40, 0.4)]) for _ in range(3)]
    )
    decoder = tune(scored, recipe, SILENT.append)
    assert [one.type for one in spot(scored[0], decoder, recipe)] == ["mae"]
    assert decoder.chosen["by"].startswith("pooled one-to-one F1 of expressions")


def test_portraits_count_three_quarters_beside_real_clips(tmp_path: Path) -> None:
    recipe = tiny_recipe(spot__trials=40, spot__false_alarms__normal=99, spot__false_alarms__high=99)
    # One portrait's expression at 0.45; ten real clips of which one has an expression, and noise at 0.47 in nine:
    # pooled, finding the portrait's would cost more than it brings.
    portrait = ({"base": "portrait", "intervals": [me(20, 28)]}, [(20, 28, 0.45)])
    planted = ({"base": "clip", "intervals": [me(20, 28)]}, [(20, 28, 0.9)])
    noise = ({"base": "clip"}, [(20, 28, 0.47)])
    decoder = tune(clips_of(tmp_path, recipe, [portrait, planted, *[noise] * 9]), recipe, SILENT.append)
    assert decoder.intervals.on <= 0.45
    # Portrait found: 3/4 * 1 + 1/4 * 2/11; kept at the default: 1/4 * 1.
    assert decoder.chosen["f1"] == pytest.approx(0.75 + 0.25 * 2 / 11, abs=1e-3)
    assert decoder.chosen["f1_of_defaults"] == 0.25


def test_clip_thresholds_tell_most_validation_clips_rightly(tmp_path: Path) -> None:
    recipe = tiny_recipe(spot__trials=0)
    with_me = [({"intervals": [me(20, 28)], "state": "speaking"}, [(20, 28, p)]) for p in (0.3, 0.35, 0.9)]
    without = [({"state": "listening"}, [(20, 28, p)]) for p in (0.15, 0.2)]
    unknown = [({"labelled": False}, [(20, 28, 0.95)])]
    scored = clips_of(tmp_path, recipe, with_me + without + unknown)
    told = [
        scored_as(one, np.full(60, one.p_me), 0.7 if one.clip.state == "speaking" else 0.6) for one in scored
    ]
    decoder = tune(told, recipe, SILENT.append)
    assert decoder.p_me == pytest.approx(0.25)
    assert decoder.p_speaking == pytest.approx(0.65)


def test_clip_thresholds_stay_in_the_middle_where_nothing_can_be_learnt(tmp_path: Path) -> None:
    recipe = tiny_recipe(spot__trials=0)
    lines: list[str] = []
    decoder = tune(
        clips_of(tmp_path, recipe, [({"intervals": [me(20, 28)]}, [(20, 28, 0.2)])]), recipe, lines.append
    )
    assert (decoder.p_me, decoder.p_speaking) == (0.5, 0.5)
    assert sum("stays at 0.5" in line for line in lines) == 2
