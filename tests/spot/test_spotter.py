"""The spotter, driven as live drives it, with a temporal part that reads its scores from the features."""

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtme.engine.manifest import Manifest
from rtme.errors import SettingsError
from rtme.spot.fusion import ScoreFusion
from rtme.spot.rules import IntervalRules, SpeakerRules, SpotterRules
from rtme.spot.spotter import Spotter, Window
from rtme.spot.updates import IntervalUpdate, SpeakerUpdate, Update

RULES = SpotterRules(
    fps=30,
    window=32,
    hop=4,
    look_ahead=8,
    token_size=2,
    regions=1,
    region_size=1,
    interval=IntervalRules(on=0.5, off=0.3, min_ms=66, me_max_ms=500),
    speaker=SpeakerRules(on=0.6, off=0.4, min_ms=100),
)

Feature = tuple[float, float]
"""What a slot's frame says: its score, and how much the person speaks."""


def feed(spotter: Spotter, slot: int, feature: Feature | None) -> None:
    if feature is not None:
        spotter.push(slot, np.array(feature, np.float32), np.zeros((1, 1), np.float32))


def score(spotter: Spotter, window: Window) -> list[Update]:
    """A temporal part: each frame's own scores."""
    return spotter.take(window, float(window.frame[:, 0].max()), window.frame[:, 1], window.frame[:, 0])


def play(features: list[Feature | None], rules: SpotterRules = RULES, start: int = 0) -> list[Update]:
    """Slot by slot, as a live stream."""
    spotter = Spotter(rules)
    updates: list[Update] = []
    for slot, feature in enumerate(features, start):
        feed(spotter, slot, feature)
        for window in spotter.advance(slot):
            updates += score(spotter, window)
        updates += spotter.decide()
    return updates + end(spotter)


def end(spotter: Spotter) -> list[Update]:
    updates: list[Update] = []
    for window in spotter.drain():
        updates += score(spotter, window)
    return updates + spotter.finish()


def intervals(updates: list[Update]) -> list[IntervalUpdate]:
    return [u for u in updates if isinstance(u, IntervalUpdate)]


def turns(updates: list[Update]) -> list[SpeakerUpdate]:
    return [u for u in updates if isinstance(u, SpeakerUpdate)]


def closed(updates: list[Update]) -> list[tuple[str, int, int, int]]:
    return [(u.type, u.onset, u.apex, u.offset) for u in intervals(updates) if u.status == "closed"]


QUIET: Feature = (0.0, 0.0)
ME: list[Feature | None] = [(0.4, 0.0), (0.7, 0.0), (0.9, 0.0), (0.6, 0.0), (0.3, 0.0)]


@pytest.mark.parametrize("at", [0, 3, 40, 41, 42, 43, 95])
def test_an_expression_is_found_where_it_is(at: int) -> None:
    features: list[Feature | None] = [QUIET] * 100
    features[at : at + 5] = ME
    assert closed(play(features)) == [("me", at, at + 2, at + 4)]


def test_nothing_is_decided_before_the_look_ahead_or_after_it() -> None:
    features: list[Feature | None] = [QUIET] * 100
    features[40:45] = ME
    provisional, confirmed, last = intervals(play(features))
    assert (provisional.status, provisional.decided) == ("provisional", 41 + 8)
    assert (confirmed.status, confirmed.decided) == ("confirmed", 41 + 8)
    assert (last.status, last.decided) == ("closed", 45 + 8)
    spotter = Spotter(RULES)
    assert spotter.delay_ms == pytest.approx(8000 / 30)
    assert spotter.speaker_delay_ms == pytest.approx(8000 / 30)


def test_each_update_comes_out_when_the_stream_reaches_the_slot_it_names() -> None:
    features: list[Feature | None] = [(0.0, 0.9)] * 100
    features[40:45] = [(s, 0.9) for s in (0.4, 0.7, 0.9, 0.6, 0.3)]
    spotter = Spotter(RULES)
    seen: list[Update] = []
    for slot, feature in enumerate(features):
        feed(spotter, slot, feature)
        now = [u for window in spotter.advance(slot) for u in score(spotter, window)] + spotter.decide()
        assert all(u.decided == slot for u in now)
        seen += now
    assert len(seen) == 4
    assert seen + end(spotter) == play(features)


def test_windows_end_at_multiples_of_the_hop_and_hold_what_was_pushed() -> None:
    spotter = Spotter(RULES)
    windows: list[Window] = []
    for slot in range(50, 90):
        if slot % 3:
            feed(spotter, slot, (slot / 100, 0.0))
        windows += spotter.advance(slot)
    assert [w.end for w in windows] == list(range(52, 90, 4))
    for w in windows:
        assert (w.start, w.frame.shape, w.regions.shape) == (w.end - 31, (32, 2), (32, 1, 1))
        slots = np.arange(w.start, w.end + 1)
        held = (slots >= 50) & (slots % 3 > 0)
        np.testing.assert_array_equal(w.valid, held.astype(np.float32))
        np.testing.assert_allclose(w.frame[:, 0], np.where(held, slots / 100, 0), rtol=1e-6)
    assert [w.end for w in spotter.drain()] == [89]


def test_advance_can_be_called_again() -> None:
    spotter = Spotter(RULES)
    feed(spotter, 8, QUIET)
    assert len(spotter.advance(8)) == 1
    assert spotter.advance(8) == []
    assert spotter.advance(3) == []


def test_a_gap_of_any_length_gives_only_windows_that_see_something() -> None:
    spotter = Spotter(RULES)
    feed(spotter, 0, QUIET)
    far = 10**12
    feed(spotter, far, QUIET)
    ends = [w.end for w in spotter.advance(far)]
    assert ends == [*range(0, 32, 4), far]


def test_a_stream_without_a_face_says_nothing() -> None:
    spotter = Spotter(RULES)
    for slot in range(200):
        assert spotter.advance(slot) == []
        assert spotter.decide() == []
    assert spotter.drain() == []
    assert spotter.finish() == []


def test_a_face_that_vanishes_in_an_expression_closes_it_near_its_last_slot() -> None:
    features: list[Feature | None] = [QUIET] * 40 + [(0.9, 0.0)] * 5 + [None] * 60
    assert closed(play(features)) == [("me", 40, 40, 44)]


def test_a_face_missing_for_two_slots_does_not_split_an_expression_that_the_engine_sees_whole() -> None:
    features: list[Feature | None] = (
        [QUIET] * 40 + [(0.9, 0.0)] * 3 + [None] * 2 + [(0.9, 0.0)] * 3 + [QUIET] * 40
    )

    def whole(window: Window) -> np.ndarray:
        return np.isin(np.arange(window.start, window.end + 1), range(40, 48)).astype(np.float32)

    assert closed(play_with(features, whole)) == [("me", 40, 40, 47)]


def play_with(features: list[Feature | None], scores: Callable[[Window], np.ndarray]) -> list[Update]:
    spotter = Spotter(RULES)
    updates: list[Update] = []
    for slot, feature in enumerate(features):
        feed(spotter, slot, feature)
        for window in spotter.advance(slot):
            updates += spotter.take(window, 1.0, np.zeros(32, np.float32), scores(window))
    return updates + end(spotter)


def test_where_no_feature_is_near_the_engine_is_not_believed() -> None:
    features: list[Feature | None] = [QUIET] * 40 + [None] * 20 + [QUIET] * 40

    def wild(window: Window) -> np.ndarray:
        return 1 - window.valid

    found = closed(play_with(features, wild))
    # Three slots beside a feature are believed, a face that is gone for longer is not.
    assert found == [("me", 40, 40, 42), ("me", 57, 57, 59)]


def test_nan_from_the_engine_is_no_knowledge() -> None:
    features: list[Feature | None] = [QUIET] * 100
    assert intervals(play_with(features, lambda w: np.full(32, np.nan, np.float32))) == []


def test_skipped_windows_leave_slots_unknown_and_never_stall() -> None:
    features: list[Feature | None] = [QUIET] * 100
    features[40:45] = ME
    spotter = Spotter(RULES)
    updates: list[Update] = []
    for slot, feature in enumerate(features):
        feed(spotter, slot, feature)
        for window in spotter.advance(slot):
            if 40 <= window.end <= 60:
                spotter.skip(window)
            else:
                updates += score(spotter, window)
        updates += spotter.decide()
    updates += end(spotter)
    assert closed(updates) == []
    assert closed(play(features)) != []


def test_one_skipped_window_is_covered_by_its_neighbours() -> None:
    features: list[Feature | None] = [QUIET] * 100
    features[40:45] = ME
    for skipped in range(0, 100, 4):
        spotter = Spotter(RULES)
        updates: list[Update] = []
        for slot, feature in enumerate(features):
            feed(spotter, slot, feature)
            for window in spotter.advance(slot):
                if window.end == skipped:
                    spotter.skip(window)
                else:
                    updates += score(spotter, window)
        assert closed(updates + end(spotter)) == [("me", 40, 42, 44)]


def test_me_weight_lets_the_window_veto() -> None:
    features: list[Feature | None] = [QUIET] * 100
    features[40:45] = ME
    rules = SpotterRules(
        fps=30, window=32, hop=4, look_ahead=8, token_size=2, regions=1, region_size=1, me_weight=0.5
    )
    spotter = Spotter(rules)
    updates: list[Update] = []
    for slot, feature in enumerate(features):
        feed(spotter, slot, feature)
        for window in spotter.advance(slot):
            updates += spotter.take(window, 0.04, window.frame[:, 1], window.frame[:, 0])
    assert closed(updates + spotter.finish()) == []
    assert closed(play(features, rules)) != []


def test_turns_follow_the_speech() -> None:
    features: list[Feature | None] = [(0.0, 0.0)] * 120 + [(0.0, 1.0)] * 120
    found = [(u.state, u.start, u.end) for u in turns(play(features)) if u.end is not None]
    assert [state for state, _, _ in found] == ["listening", "speaking"]
    assert found[0][1] == 0
    assert 120 <= found[1][1] <= 120 + 32 / 3
    assert found[0][2] == found[1][1] - 1
    assert found[1][2] == 239


def test_a_clip_shorter_than_a_window_has_intervals_and_a_turn() -> None:
    features: list[Feature | None] = [(0.0, 1.0), (0.9, 1.0), (0.9, 1.0), *[(0.0, 1.0)] * 7]
    updates = play(features)
    assert closed(updates) == [("me", 1, 1, 2)]
    assert [(u.state, u.start, u.end) for u in turns(updates)] == [("speaking", 0, None), ("speaking", 0, 9)]


some_features = st.lists(
    st.tuples(
        st.one_of(
            st.none(),
            st.tuples(st.sampled_from([0.0, 0.3, 0.5, 0.9, math.nan]), st.sampled_from([0.0, 0.5, 1.0])),
        ),
        st.integers(1, 12),
    ),
    max_size=20,
).map(lambda runs: [feature for feature, times in runs for _ in range(times)])

some_spotter_rules = st.builds(
    lambda hop, extra, window, interval, speaker, weight: SpotterRules(
        fps=30,
        window=window,
        hop=hop,
        look_ahead=min(hop - 1 + extra, window - 1),
        token_size=2,
        regions=1,
        region_size=1,
        me_weight=weight,
        interval=interval,
        speaker=speaker,
    ),
    hop=st.integers(1, 5),
    extra=st.integers(0, 12),
    window=st.integers(5, 24),
    interval=st.builds(IntervalRules, min_ms=st.sampled_from([1, 66]), merge_ms=st.sampled_from([0, 67])),
    speaker=st.builds(SpeakerRules, min_ms=st.sampled_from([1, 100])),
    weight=st.sampled_from([0.0, 0.3, 1.0]),
)


@settings(max_examples=150)
@given(some_features, some_spotter_rules, st.randoms(use_true_random=False), st.sampled_from([0, 7, 10**9]))
def test_the_order_of_calls_does_not_change_the_events(
    features: list[Feature | None], rules: SpotterRules, random: Random, start: int
) -> None:
    wanted = play(features, rules, start)
    spotter = Spotter(rules)
    got: list[Update] = []
    waiting: list[Window] = []
    for slot, feature in enumerate(features, start):
        feed(spotter, slot, feature)
        if random.random() < 0.4:
            waiting += spotter.advance(slot)
        if random.random() < 0.3:
            for window in waiting:
                got += score(spotter, window)
            waiting.clear()
        if random.random() < 0.3:
            got += spotter.decide()
    if features:
        waiting += spotter.advance(start + len(features) - 1)
    for window in itertools.chain(waiting, spotter.drain()):
        got += score(spotter, window)
    got += spotter.finish()
    assert got == wanted


@settings(max_examples=150)
@given(some_features, some_spotter_rules)
def test_what_holds_of_all_events(features: list[Feature | None], rules: SpotterRules) -> None:
    updates = play(features, rules)
    assert [u.decided for u in updates] == sorted(u.decided for u in updates)
    assert all(u.decided < len(features) for u in updates)
    states: dict[int, list[str]] = {}
    last_offset = -1
    for u in intervals(updates):
        states.setdefault(u.id, []).append(u.status)
        assert 0 <= u.onset <= u.apex <= u.offset < len(features)
        assert 0 <= u.confidence <= 1
        assert any(f is not None for f in features[max(0, u.apex - 3) : u.apex + 4])
        if u.status in ("closed", "retracted"):
            assert u.onset > last_offset
            last_offset = u.offset
    assert all(
        s in (["provisional", "retracted"], ["provisional", "confirmed", "closed"]) for s in states.values()
    )
    if not any(f is not None and f[0] >= rules.interval.on for f in features):
        assert not states
    spoken = turns(updates)
    assert [u.end is None for u in spoken] == [True, False] * (len(spoken) // 2)
    assert len({u.id for u in spoken}) * 2 == len(spoken)


def size(spotter: Spotter) -> int:
    """Everything that is kept and could grow."""
    return sum(
        len(x) for x in (spotter._scores._sums, spotter._speaking._sums, spotter._unscored, spotter._due)
    )


def test_a_long_run_keeps_no_more_than_a_short_one() -> None:
    spotter = Spotter(RULES)
    largest: list[int] = []
    for slot in range(20_000):
        if slot % 7:
            feed(spotter, slot, (0.9 if slot % 50 < 10 else 0.0, 0.5))
        for window in spotter.advance(slot):
            score(spotter, window)
        spotter.decide()
        largest.append(size(spotter))
    assert max(largest[10_000:]) <= max(largest[:1_000]) <= 3 * RULES.window


def test_fusion_trusts_the_middle_of_a_window_more() -> None:
    fusion = ScoreFusion(window=8, look_ahead=7)
    fusion.add(10, np.full(8, 0.0))
    fusion.add(14, np.full(8, 1.0))
    runs = list(fusion.final(10))
    assert runs[0][0] == 3
    np.testing.assert_allclose(runs[0][1], [0, 0, 0, 0, 1 / 5, 2 / 5, 3 / 5, 4 / 5])
    assert list(fusion.final(10)) == []
    assert [start for start, _ in fusion.final(100)] == [11]


def test_fusion_ignores_what_is_not_known() -> None:
    fusion = ScoreFusion(window=4, look_ahead=3)
    fusion.add(3, np.array([0.2, np.nan, np.nan, 0.4]))
    fusion.add(4, np.array([np.nan, np.nan, np.nan, np.nan]))
    assert [(start, list(scores)) for start, scores in fusion.final(9)] == [(0, [0.2]), (3, [0.4])]


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ({"window": -3}, "window is -3"),
        ({"hop": 0}, "hop is 0"),
        ({"look_ahead": 2}, "look_ahead is 2 slots: with a hop of 4 and a window of 32 give 3 to 31"),
        ({"look_ahead": 32}, "give 3 to 31"),
        ({"fps": 0}, "fps is 0"),
        ({"me_weight": 1.5}, "me_weight is 1.5"),
    ],
)
def test_numbers_that_cannot_work_are_refused(numbers: dict[str, float], sentence: str) -> None:
    right = {
        "fps": 30,
        "window": 32,
        "hop": 4,
        "look_ahead": 8,
        "token_size": 2,
        "regions": 1,
        "region_size": 1,
    }
    with pytest.raises(SettingsError, match=sentence):
        SpotterRules(**(right | numbers))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rules", "numbers", "sentence"),
    [
        (IntervalRules, {"on": 0.2, "off": 0.5}, "interval thresholds are on 0.2 and off 0.5"),
        (IntervalRules, {"min_ms": 0}, "min_ms is 0"),
        (IntervalRules, {"me_max_ms": -1}, "me_max_ms is -1"),
        (IntervalRules, {"merge_ms": -1}, "merge_ms is -1"),
        (SpeakerRules, {"on": 2.0}, "speaker thresholds are on 2.0"),
        (SpeakerRules, {"min_ms": 0}, "min_ms is 0"),
    ],
)
def test_decoder_numbers_that_cannot_work_are_refused(
    rules: type, numbers: dict[str, float], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        rules(**numbers)


def test_rules_come_from_a_manifest() -> None:
    manifest = Manifest.model_validate(
        {
            "name": "x",
            "version": "1",
            "licence": "Apache-2.0",
            "summary": "A test.",
            "input": "motion",
            "size": 112,
            "fps": 25,
            "window": 24,
            "hop": 3,
            "look_ahead": 9,
            "frame_size": 5,
            "regions": 6,
            "region_size": 7,
            "decoder": {
                "on": 0.6,
                "off": 0.2,
                "me_weight": 0.25,
                "min_ms": 80,
                "me_max_ms": 400,
                "merge_ms": 40,
            },
            "sensitivity": {"high": {"on": 0.4, "off": 0.2, "me_weight": 0.25}},
            "calibration": [[0.3, 0.1], [0.9, 0.8]],
            "speaker": {"on": 0.7, "off": 0.5, "min_ms": 250},
            "encoder": {"file": "encoder.onnx", "sha256": "0" * 64},
            "temporal": {"file": "temporal.onnx", "sha256": "0" * 64},
        }
    )
    knots = ((0.3, 0.1), (0.9, 0.8))
    normal = SpotterRules(
        25, 24, 3, 9, 5, 6, 7, 0.25, IntervalRules(0.6, 0.2, 80, 400, 40, knots), SpeakerRules(0.7, 0.5, 250)
    )
    assert SpotterRules.of(manifest) == normal
    assert SpotterRules.of(manifest, sensitivity="high") == replace(
        normal, interval=IntervalRules(0.4, 0.2, calibration=knots)
    )
    with pytest.raises(
        SettingsError, match=r"has no sensitivity 'low', only normal, high: .*train and export"
    ):
        SpotterRules.of(manifest, sensitivity="low")
    assert SpotterRules.of(manifest, look_ahead=4).look_ahead == 4
    with pytest.raises(SettingsError, match="look_ahead is 1"):
        SpotterRules.of(manifest, look_ahead=1)
