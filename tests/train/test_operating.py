"""Operating points chosen on validation clips."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_scores import made_store, me, score_all, scored_as, scored_noise, tiny_recipe
from rtme.engine.manifest import DecoderSettings
from rtme.errors import SettingsError
from rtme.score import Interval, spotting
from rtme.train.decoder import Decoder, spot, tune
from rtme.train.fused import FusedClip
from rtme.train.operating import CURVE
from rtme.train.ranking import Material
from rtme.train.recipe import Recipe
from rtme.train.replay import ScoredClip
from rtme.train.truth import facts_of, truth_of

PLANTED = {"base": "clip", "intervals": [me(20, 28)]}
UNTOUCHED = {"base": "clip", "labelled": False}


def clips_of(folder: Path, recipe: Recipe, bumps: list[tuple[dict[str, Any], float]]) -> list[ScoredClip]:
    """Clips of two seconds that score 0.1 but in slots 20 to 28, where they score as said."""
    store = made_store(folder, [(facts, [(1, True, 60)]) for facts, _ in bumps])
    curve = np.full(60, 0.1)
    scored = []
    for one, (_, score) in zip(score_all(store, recipe), bumps, strict=True):
        curve[20:29] = score
        scored.append(scored_as(one, curve))
    return scored


def noise(folder: Path, recipe: Recipe, seed: int) -> list[ScoredClip]:
    """Portraits with micro-expressions and random scores, and as many real clips as they are."""
    kinds = [{"base": "portrait", "intervals": [me(20, 28), me(50, 58)]}, UNTOUCHED]
    store = made_store(folder, [(kinds[number % 2], [(1, True, 80)]) for number in range(12)])
    return [scored_noise(one, seed + number) for number, one in enumerate(score_all(store, recipe))]


def test_each_sensitivity_keeps_within_its_budget_and_finds_what_it_can(tmp_path: Path) -> None:
    recipe = tiny_recipe(spot__trials=20)
    # A good minute in which nothing was planted: 1 interval at 0.9, 3 from 0.7 on, 10 from 0.5 on, 31 from 0.3 on.
    false = [0.9, *[0.7] * 2, *[0.5] * 7, *[0.3] * 21]
    clips = [(PLANTED, score) for score in (0.95, 0.8, 0.6, 0.4)] + [(UNTOUCHED, score) for score in false]
    lines: list[str] = []
    decoder = tune(clips_of(tmp_path, recipe, clips), recipe, lines.append)
    operating = decoder.measured["operating"]
    told = {
        name: (point["planted"]["real clips"]["recall"], point["false_alarms"]["count"])
        for name, point in operating.items()
    }
    assert told == {"low": (0.5, 1), "normal": (0.75, 3), "high": (1.0, 10)}
    for point in operating.values():
        false_alarms = point["false_alarms"]
        assert (false_alarms["minutes"], false_alarms["in"]) == (1.03, "real clips with nothing planted")
        assert false_alarms["per_minute"] == pytest.approx(false_alarms["count"] * 30 / 31, abs=0.01)
    assert decoder.sensitivity["low"].on > decoder.intervals.on > decoder.sensitivity["high"].on
    assert any("sensitivity high: recall 1.00 of 4 (real clips); 9.7 false" in line for line in lines)


def test_where_no_threshold_keeps_within_the_budget_the_fewest_false_alarms_are_taken(tmp_path: Path) -> None:
    recipe = tiny_recipe(spot__trials=10)
    # No threshold finds the planted one without two of those that nobody planted.
    clips = [(PLANTED, 0.9), (UNTOUCHED, 0.9), (UNTOUCHED, 0.9), (UNTOUCHED, 0.6)]
    lines: list[str] = []
    decoder = tune(clips_of(tmp_path, recipe, clips), recipe, lines.append)
    for point in decoder.measured["operating"].values():
        assert (point["planted"]["real clips"]["right"], point["false_alarms"]["count"]) == (1, 2)
        assert point["false_alarms"]["per_minute"] > point["budget"]
    assert sum("over the budget of" in line for line in lines) == 3


def test_where_clips_as_they_are_are_short_planted_ones_count_too_and_one_false_alarm_is_allowed(
    tmp_path: Path,
) -> None:
    recipe = tiny_recipe(spot__trials=10)
    clips = [*[(PLANTED, 0.6)] * 4, ({"base": "clip"}, 0.6), (UNTOUCHED, 0.3)]
    low = tune(clips_of(tmp_path, recipe, clips), recipe, lambda line: None).measured["operating"]["low"]
    assert low["false_alarms"] == {
        "count": 1, "minutes": 0.2, "per_minute": 5.0, "in": "real clips, with and without planted expressions",
    }  # fmt: skip
    assert low["planted"]["real clips"]["recall"] == 1.0


def test_without_clips_as_they_are_false_alarms_are_counted_everywhere(tmp_path: Path) -> None:
    recipe = tiny_recipe(spot__trials=10)
    clips = [({"intervals": [me(20, 28)]}, 0.9)] * 3 + [({}, 0.6)] * 3
    decoder = tune(clips_of(tmp_path, recipe, clips), recipe, lambda line: None)
    normal = decoder.measured["operating"]["normal"]
    assert normal["false_alarms"]["in"] == "all validation clips"
    assert normal["false_alarms"]["minutes"] == pytest.approx(0.2)
    assert (normal["planted"]["videos"]["recall"], normal["false_alarms"]["count"]) == (1.0, 0)


def test_a_higher_sensitivity_finds_all_that_a_lower_one_finds(tmp_path: Path) -> None:
    recipe = tiny_recipe(spot__trials=10)
    scored = noise(tmp_path, recipe, 1)
    decoder = tune(scored, recipe, lambda line: None)

    def found(settings: DecoderSettings) -> set[Interval]:
        chosen = decoder.model_copy(update={"intervals": settings})
        return {one for clip in scored for one in spot(clip, chosen, recipe)}

    low, normal, high = map(
        found, (decoder.sensitivity["low"], decoder.intervals, decoder.sensitivity["high"])
    )
    assert low <= normal <= high
    assert low < high


def test_one_pass_answers_for_every_threshold(tmp_path: Path) -> None:
    recipe = tiny_recipe()
    scored = noise(tmp_path, recipe, 5)
    ranked = Material(scored, recipe).rank(DecoderSettings(on=0.3, off=0.3, min_ms=33))
    truth = [one for clip in scored for one in truth_of(clip.clip)]
    for on in np.linspace(0.3, 0.9, 13):
        settings = DecoderSettings(on=on, off=0.3, min_ms=33)
        found = [
            Interval(clip.clip.key, one.onset, one.offset, "me", score=one.confidence)
            for clip in scored
            for one in FusedClip(clip, recipe).spot(settings)
            if one.type == "me"
        ]
        counts = spotting(truth, found, [facts_of(clip.clip) for clip in scored]).me
        at = np.array([on])
        assert ranked.count(ranked.me, at)[0] == counts.found
        assert ranked.count(ranked.me & ranked.right, at)[0] == counts.tp
    assert ranked.right.any()
    assert not ranked.right.all()


def test_the_curve_holds_the_points_and_falls(tmp_path: Path) -> None:
    recipe = tiny_recipe(spot__trials=10)
    measured = tune(noise(tmp_path, recipe, 3), recipe, lambda line: None).measured
    points = measured["curve"]["points"]
    assert 3 < len(points) <= CURVE
    assert {point["on"] for point in measured["operating"].values()} <= {point["on"] for point in points}
    for name in ("on", "portraits", "false_per_minute"):
        values = [point[name] for point in points]
        assert values == sorted(values, reverse=name != "on")
        assert values[0] != values[-1]


def test_where_nothing_is_chosen_there_are_no_points(tmp_path: Path) -> None:
    recipe = tiny_recipe(spot__trials=0)
    decoder = tune(clips_of(tmp_path, recipe, [(PLANTED, 0.9)]), recipe, lambda line: None)
    assert decoder == Decoder(chosen=decoder.chosen)


def test_budgets_rise_with_sensitivity() -> None:
    with pytest.raises(SettingsError, match=r"spot\.false_alarms: low is 5, normal 3 and high 10"):
        tiny_recipe(spot__false_alarms__low=5)
