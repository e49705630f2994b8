from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtme.synth.action_units import LIMITS
from rtme.synth.chance import GAP, LARGE
from rtme.synth.expression import Expression
from rtme.synth.mix import Mix
from rtme.synth.profile import Profile, visible
from rtme.synth.script import Script
from rtme.synth.truth import ACTION_UNITS

seeds = st.integers(0, 2**32)
rates = st.sampled_from([12.0, 25.0, 30.0, 60.0])


WORDS_ONLY = Mix(brow=0, mouth=0, swallow=0, train=0, step=0, lids=0, gaze=0)
"""Nothing but speech moves skin besides what is planted."""


def script(seed: int, fps: float = 30.0, seconds: float = 3.2, **options: Any) -> Script:
    return Script.random(np.random.default_rng(seed), round(seconds * fps), fps, **options)


@given(seeds, rates, st.floats(0, 1))
@settings(max_examples=30)
def test_the_same_seed_gives_the_same_clip(seed: int, fps: float, interference: float) -> None:
    one, two = (script(seed, fps, interference=interference) for _ in range(2))
    assert one.intervals == two.intervals
    assert one.spans == two.spans
    for name in ("units", "shapes", "jaw", "lids", "pose"):
        assert np.array_equal(getattr(one.motion, name), getattr(two.motion, name))
    assert np.array_equal(one.speaking, two.speaking)
    assert [hand.span for hand in one.hands] == [hand.span for hand in two.hands]
    assert all(np.array_equal(a.place, b.place) for a, b in zip(one.hands, two.hands, strict=True))


@given(seeds, rates, st.floats(0, 1), st.floats(0.5, 8))
@settings(max_examples=30)
def test_everything_lies_inside_the_clip_and_expressions_keep_apart(
    seed: int, fps: float, interference: float, seconds: float
) -> None:
    made = script(seed, fps, seconds, interference=interference)
    for interval in made.intervals:
        assert 0 <= interval.onset <= interval.apex <= interval.offset < made.n_frames
    for span in made.spans:
        assert 0 <= span.start <= span.end < made.n_frames
    for one, two in zip(made.intervals, made.intervals[1:], strict=False):
        assert two.onset - one.offset > GAP
    for array in (made.motion.units, made.motion.jaw, made.motion.lids, made.motion.pose, made.motion.shapes):
        assert np.isfinite(array).all()
    assert made.motion.lids.min() >= 0
    assert made.motion.lids.max() <= 1


@given(seeds, st.sampled_from([25.0, 30.0, 60.0]))
@settings(max_examples=30)
def test_micro_expressions_last_as_long_at_any_frame_rate(seed: int, fps: float) -> None:
    made = script(seed, fps, me_per_clip=3)
    for me in (i for i in made.intervals if i.type == "me"):
        frames = me.offset - me.onset + 1
        assert frames >= 2
        assert (frames - 1) / fps <= 0.5
        assert 0.5 <= me.pixels <= 3.3
        assert 1 <= len(me.action_units) <= 3


@given(seeds)
@settings(max_examples=30)
def test_what_is_short_and_not_an_me_is_large(seed: int) -> None:
    made = script(seed, interference=1.0, large=4.0, me_per_clip=0)
    assert all(i.pixels >= LARGE - 0.1 for i in made.intervals if i.type == "large")
    assert all(i.offset - i.onset > 0.5 * made.fps for i in made.intervals if i.type == "macro")


def test_durations_in_ms_do_not_depend_on_the_frame_rate() -> None:
    medians = []
    for fps in (25.0, 60.0):
        drawn = [i for seed in range(150) for i in script(seed, fps).intervals if i.type == "me"]
        medians.append(np.median([(i.offset - i.onset + 1) / fps for i in drawn]))
    assert medians[0] == pytest.approx(medians[1], abs=0.04)
    assert 0.15 < medians[0] < 0.4


@given(seeds, rates)
@settings(max_examples=30)
def test_ends_are_where_motion_is_first_and_last_seen(seed: int, fps: float) -> None:
    made = script(seed, fps, interference=0.0, speech=0.0)
    moved = made.truth("someone").action_units
    for interval in (i for i in made.intervals if i.action_units):
        columns = [ACTION_UNITS.index(unit) for unit in interval.action_units]
        course = moved[:, columns].max(1)
        least = 0.1 * course[interval.apex]
        assert course[interval.apex] == pytest.approx(course[interval.onset : interval.offset + 1].max())
        assert course[interval.onset] > least
        assert course[interval.offset] > least
        before, after = interval.onset - 1, interval.offset + 1
        assert before < 0 or course[before] < 0.3 * course[interval.apex]
        assert after >= len(course) or course[after] < 0.3 * course[interval.apex]


@given(seeds)
@settings(max_examples=30)
def test_outside_planted_expressions_and_speech_no_unit_moves_far(seed: int) -> None:
    made = script(seed, speech=0.0, mix=WORDS_ONLY)
    inside = np.zeros(made.n_frames, bool)
    for interval in made.intervals:
        inside[interval.onset : interval.offset + 1] = True
    moved = made.truth("someone").action_units
    assert moved[~inside].max(initial=0) <= 0.5 + 0.15 * moved.max()


@given(seeds, rates)
@settings(max_examples=30)
def test_the_jaw_moves_only_in_speaking_turns_and_large_movements(seed: int, fps: float) -> None:
    made = script(seed, fps, interference=1.0, speech=1.0, mix=WORDS_ONLY)
    allowed = made.speaking == 1
    for interval in (i for i in made.intervals if i.type == "large"):
        allowed[max(0, interval.onset - 4) : interval.offset + 5] = True
    assert made.motion.jaw[~allowed].max(initial=0) < 0.6
    assert (made.speaking == 1).any()
    turns = np.zeros(made.n_frames, bool)
    for span in (s for s in made.spans if s.what == "speech"):
        turns[span.start : span.end + 1] = True
    assert np.array_equal(turns, made.speaking == 1)


def test_speech_moves_the_mouth_most_of_the_time() -> None:
    opened = [
        (np.abs(np.diff(made.motion.jaw))[made.speaking[1:] == 1] > 0.05).mean()
        for made in (script(seed, seconds=6, speech=1.0) for seed in range(20))
    ]
    assert np.mean(opened) > 0.5


@given(seeds, st.floats(0, 1))
@settings(max_examples=30)
def test_no_unit_goes_beyond_what_a_face_can_show(seed: int, interference: float) -> None:
    moved = script(seed, interference=interference).motion.units.max((0, 2))
    assert (moved <= np.array([LIMITS[unit] for unit in ACTION_UNITS]) + 1e-3).all()


def test_the_training_mix_has_clips_without_any_and_half_with_speech() -> None:
    made = [script(seed) for seed in range(300)]
    counts = np.array([sum(i.type == "me" for i in one.intervals) for one in made])
    assert 0.08 < (counts == 0).mean() < 0.35
    assert counts.max() <= 4
    assert 0.35 < np.mean([(one.speaking == 1).any() for one in made]) < 0.6


def test_more_interference_puts_more_micro_expressions_beside_other_things() -> None:
    def shared(interference: float) -> float:
        hits = []
        for seed in range(200):
            made = script(seed, interference=interference, macro=0, large=0, speech=1.0)
            busy = np.zeros(made.n_frames, bool)
            for span in made.spans:
                busy[span.start : span.end + 1] = True
            hits += [busy[i.onset : i.offset + 1].any() for i in made.intervals]
        return float(np.mean(hits))

    assert shared(1.0) > shared(0.1) + 0.1


def test_a_given_timeline_is_kept() -> None:
    brow = Expression("me", {1: (1.0, 0.5)}, Profile(1.0, 0.1, 0.05, 0.15))
    smile = Expression("macro", {12: (4.0, 4.0)}, Profile(2.0, 0.4, 0.5, 0.5))
    made = Script.of([smile, brow], n_frames=120)
    assert [i.type for i in made.intervals] == ["me", "macro"]
    assert made.intervals[0].action_units == (1,)
    assert 30 <= made.intervals[0].onset <= 32
    assert made.intervals[0].offset <= 39
    assert made.intervals[0].pixels == pytest.approx(1.0, abs=0.05)
    assert made.spans == []
    assert not made.speaking.any()


def test_units_that_share_skin_add_up() -> None:
    both = Script.of([Expression("me", {6: (1, 1), 12: (1, 1)}, Profile(0.2, 0.1, 0.1, 0.2))], n_frames=30)
    assert both.intervals[0].pixels > 1.2


@given(st.floats(0, 5), st.floats(0.02, 1), st.floats(0, 1), st.floats(0.02, 1))
@settings(max_examples=30)
def test_a_movement_rises_holds_and_falls(start: float, rise: float, hold: float, fall: float) -> None:
    profile = Profile(start, rise, hold, fall)
    times = np.arange(0, 9, 0.01)
    course = profile.at(times)
    assert course.min() >= -1e-12
    assert course.max() <= 1 + 1e-12
    assert course[times <= start].max(initial=0) == 0
    assert course[times >= profile.end_s + 1e-9].max(initial=0) < 1e-9
    top = course.argmax()
    assert (np.diff(course[: top + 1]) >= -1e-12).all()
    held = np.searchsorted(times, start + rise + hold)
    assert (np.diff(course[held:]) <= 1e-12).all()


def test_what_is_too_small_to_see_is_not_seen() -> None:
    assert visible(np.array([0, 0.1, 0.14, 0.1, 0])) is None
    assert visible(np.array([0, 0.1, 0.5, 2.0, 1.0, 0.2, 0])) == (2, 3, 4)


@given(
    seeds, st.sampled_from([25.0, 30.0, 60.0]), st.sampled_from(["speaking", "listening"]), st.integers(0, 2)
)
@settings(max_examples=30)
def test_a_conversational_clip_has_one_state_and_as_many_as_asked_for(
    seed: int, fps: float, state: Literal["speaking", "listening"], n_me: int
) -> None:
    made = Script.random(
        np.random.default_rng(seed), round(4 * fps), fps, large=0, n_me=n_me, state=state, mix=WORDS_ONLY
    )
    assert sum(one.type == "me" for one in made.intervals) == n_me
    assert set(made.speaking.tolist()) == {1 if state == "speaking" else 0}
    # Some speak softly: a tenth of a pixel is still no pause.
    opened = made.motion.jaw > 0.1
    assert opened.any() == (state == "speaking")
    if state == "speaking":
        longest_pause = max(len(run) for run in "".join("01"[int(o)] for o in opened).split("1"))
        assert longest_pause / fps < 1.0
