"""Calibration of confidence on validation clips."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_scores import made_store, me, score_all, scored_as, tiny_recipe
from rtme.engine.manifest import DecoderSettings
from rtme.spot.calibration import calibrated, fault_of
from rtme.train.calibrate import FEWEST, KNOTS, MOST_WEIGHT, Step, Trials, fit, pool, reliability, trials_of
from rtme.train.ranking import Material

ALL = {"normal": DecoderSettings(on=1e-9, off=1e-9)}

shares = st.lists(st.tuples(st.integers(1, 9), st.floats(0, 1)), min_size=1, max_size=12)


def made(raw: np.ndarray, right: np.ndarray, group: np.ndarray | None = None) -> Trials:
    return Trials(raw, right, np.ones(len(raw)), np.arange(len(raw)) if group is None else group)


@given(shares)
def test_pooled_steps_are_the_isotonic_regression(parts: list[tuple[int, float]]) -> None:
    weight = np.array([weight for weight, _ in parts], float)
    right = weight * np.array([share for _, share in parts])
    pooled = pool(Step(w, r, float(at)) for at, (w, r) in enumerate(zip(weight, right, strict=True)))
    probabilities = [step.probability for step in pooled]
    assert probabilities == sorted(set(probabilities))
    assert sum(step.weight for step in pooled) == weight.sum()
    # Brunk's formula, which needs no pooling: at each place the greatest least mean of what surrounds it.
    fitted = np.repeat(probabilities, _lengths(pooled, weight))
    for at in range(len(weight)):
        least = [
            min(right[a : b + 1].sum() / weight[a : b + 1].sum() for b in range(at, len(weight)))
            for a in range(at + 1)
        ]
        assert fitted[at] == pytest.approx(max(least), abs=1e-9)


def _lengths(pooled: list[Step], weight: np.ndarray) -> list[int]:
    ends = [
        int(np.searchsorted(np.cumsum(weight), end - 1e-9)) + 1
        for end in np.cumsum([s.weight for s in pooled])
    ]
    return np.diff([0, *ends]).tolist()


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=FEWEST, max_size=200))
def test_a_map_rises_and_is_never_certain(found: list[tuple[float, bool]]) -> None:
    raw, right = np.array([one[0] for one in found]), np.array([one[1] for one in found])
    knots = fit(made(raw, right))
    assert fault_of(knots) is None
    assert 1 <= len(knots) <= KNOTS
    assert all(0 < probability < 1 for _, probability in knots)


def test_too_few_intervals_are_not_calibrated() -> None:
    raw = np.linspace(0, 1, FEWEST - 1)
    assert fit(made(raw, raw > 0.5)) == ()
    assert fit(made(np.append(raw, 0.5), np.append(raw, 0.5) > 0.5)) != ()


def test_confidence_becomes_how_often_it_is_right() -> None:
    rng = np.random.default_rng(1)
    raw = rng.random(4000)
    knots = fit(made(raw, rng.random(4000) < raw**3))
    for one in (0.1, 0.3, 0.5, 0.7, 0.9):
        assert calibrated(one, knots) == pytest.approx(one**3, abs=0.06)
    told = reliability(made(raw, rng.random(4000) < raw**3), ALL, seed=0)
    assert told["error"]["normal"] < 0.05
    assert sum(one["count"] for one in told["bins"]) == 4000


def test_reliability_is_that_of_people_held_out() -> None:
    # All that is found in one half of the people is right and nothing in the others: nobody tells of anybody else.
    raw, group = np.tile(np.linspace(0.6, 1, 50), 2), np.repeat([0, 1], 50)
    told = reliability(made(raw, group == 0, group), ALL, seed=0)
    assert told["error"]["normal"] > 0.9
    assert reliability(made(raw, group == 0, np.zeros(100, int)), ALL, seed=0) == {}


def test_a_minute_of_portraits_and_one_of_real_clips_count_alike(tmp_path: Path) -> None:
    recipe = tiny_recipe()
    kinds = [{"base": "portrait", "intervals": [me(20, 28)]}] * 3 + [{"base": "clip", "labelled": False}]
    store = made_store(tmp_path, [(facts, [(1, True, 60)]) for facts in kinds])
    curve = np.full(60, 0.1)
    curve[20:29] = 0.9
    scored = [scored_as(one, curve) for one in score_all(store, recipe)]

    def trials(count: int) -> Trials:
        some = [*scored[:3], scored[3]] if count == 3 else [scored[0], scored[3]]
        material = Material(some, recipe)
        return trials_of(material, material.rank(DecoderSettings()))

    assert trials(3).weight.tolist() == [1, 1, 1, 3]
    assert trials(3).right.tolist() == [True, True, True, False]
    assert trials(1).weight.tolist() == [1, 1]
    longer = replace(scored[0], clip=scored[0].clip.model_copy(update={"n_frames": 60 * 100}))
    material = Material([longer, scored[3]], recipe)
    assert trials_of(material, material.rank(DecoderSettings())).weight.tolist() == [1, MOST_WEIGHT]
