"""Interval and speaker decoders: examples a person can check, then properties."""

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtme.spot.calibration import calibrated
from rtme.spot.intervals import UNKNOWN_SLOTS, IntervalDecoder
from rtme.spot.rules import IntervalRules, SpeakerRules
from rtme.spot.speaker import SpeakerDecoder
from rtme.spot.updates import IntervalUpdate, SpeakerUpdate

NAN = math.nan
FPS = 30.0
RULES = IntervalRules(on=0.5, off=0.3, min_ms=66, me_max_ms=500)


def decode(scores: list[float], rules: IntervalRules = RULES, start: int = 0) -> list[IntervalUpdate]:
    decoder = IntervalDecoder(rules, FPS)
    return decoder.push(start, scores) + decoder.finish()


def spans(updates: list[IntervalUpdate]) -> list[tuple[str, str, int, int, int]]:
    return [
        (u.status, u.type, u.onset, u.apex, u.offset) for u in updates if u.status in ("closed", "retracted")
    ]


def test_the_life_of_an_interval() -> None:
    decoder = IntervalDecoder(RULES, FPS, look_ahead=8)
    updates = decoder.push(100, [0.1, 0.4, 0.6, 0.9, 0.4, 0.2, 0.0])
    assert [(u.status, u.decided) for u in updates] == [
        ("provisional", 110),
        ("confirmed", 110),
        ("closed", 113),
    ]
    assert {u.id for u in updates} == {1}
    last = updates[-1]
    assert (last.type, last.onset, last.apex, last.offset) == ("me", 101, 103, 104)
    assert [u.confidence for u in updates] == [0.6, 0.6, 0.9]


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        ([], []),
        ([0.0] * 9, []),
        ([0.49] * 9, []),
        ([0.1, 0.9, 0.1], [("retracted", "me", 1, 1, 1)]),
        ([0.9, 0.9], [("closed", "me", 0, 0, 1)]),
        ([0.4, 0.5, 0.4], [("closed", "me", 0, 1, 2)]),
        ([0.5] * 15 + [0.0], [("closed", "me", 0, 0, 14)]),
        ([0.5] * 16 + [0.0], [("closed", "macro", 0, 0, 15)]),
        ([0.9, 0.9, 0.2, 0.9, 0.9], [("closed", "me", 0, 0, 1), ("closed", "me", 3, 3, 4)]),
        ([0.9, NAN, NAN, NAN, 0.95, 0.0], [("closed", "me", 0, 4, 4)]),
        ([0.9, 0.9, NAN, NAN, NAN, NAN, 0.9, 0.9], [("closed", "me", 0, 0, 1), ("closed", "me", 6, 6, 7)]),
        ([NAN] * 9 + [0.9] * 3 + [NAN] * 9, [("closed", "me", 9, 9, 11)]),
    ],
)
def test_intervals(scores: list[float], wanted: list[tuple[str, str, int, int, int]]) -> None:
    assert spans(decode(scores)) == wanted


def test_a_short_dip_can_be_merged() -> None:
    dip = [0.9, 0.9, 0.1, 0.1, 0.9, 0.9, 0.1, 0.1, 0.1, 0.9, 0.9]
    rules = IntervalRules(on=0.5, off=0.3, merge_ms=67)
    assert spans(decode(dip, rules)) == [("closed", "me", 0, 0, 5), ("closed", "me", 9, 9, 10)]


def test_slots_that_are_left_out_are_unknown() -> None:
    decoder = IntervalDecoder(RULES, FPS)
    updates = decoder.push(0, [0.9, 0.9]) + decoder.push(10**12, [0.9, 0.9]) + decoder.finish()
    assert spans(updates) == [("closed", "me", 0, 0, 1), ("closed", "me", 10**12, 10**12, 10**12 + 1)]
    assert updates[2].decided == 1 + UNKNOWN_SLOTS + 1


def test_a_slot_cannot_be_decoded_twice() -> None:
    decoder = IntervalDecoder(RULES, FPS)
    decoder.push(5, [0.1, 0.1])
    with pytest.raises(ValueError, match="slot 6 was decoded before"):
        decoder.push(6, [0.1])


some_scores = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([0.0, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, NAN]), st.integers(1, 6)),
        st.tuples(st.floats(0, 1), st.integers(1, 3)),
    ),
    max_size=25,
).map(lambda runs: [score for score, times in runs for _ in range(times)])

some_rules = st.builds(
    IntervalRules,
    on=st.sampled_from([0.5, 0.7]),
    off=st.sampled_from([0.3, 0.5]),
    min_ms=st.sampled_from([1, 66, 100, 200]),
    me_max_ms=st.sampled_from([100, 500]),
    merge_ms=st.sampled_from([0, 34, 100]),
)


def cut(length: int, cuts: list[int]) -> list[tuple[int, int]]:
    edges = sorted({0, length, *(c for c in cuts if c < length)})
    return list(itertools.pairwise(edges))


@given(some_scores, some_rules, st.lists(st.integers(0, 150)), st.integers(0, 9))
def test_any_chunking_gives_the_same_intervals(
    scores: list[float], rules: IntervalRules, cuts: list[int], look_ahead: int
) -> None:
    whole = IntervalDecoder(rules, FPS, look_ahead)
    wanted = whole.push(7, scores) + whole.finish()
    parts = IntervalDecoder(rules, FPS, look_ahead)
    got: list[IntervalUpdate] = []
    for a, b in cut(len(scores), cuts):
        if not all(math.isnan(s) for s in scores[a:b]):
            got += parts.push(7 + a, scores[a:b])
    got += parts.push(7 + len(scores), []) + parts.finish()
    assert got == wanted


def plain_runs(scores: list[float], rules: IntervalRules) -> list[tuple[int, int]]:
    """The definition, read off the whole record: runs at or above off, short holes filled, that reach on."""
    merge = math.floor(rules.merge_ms * FPS / 1000 + 1e-6)
    above = [i for i, s in enumerate(scores) if s >= rules.off]
    runs: list[list[int]] = []
    for i in above:
        hole = scores[runs[-1][-1] + 1 : i] if runs else []
        unknown = sum(math.isnan(s) for s in hole)
        if runs and unknown <= UNKNOWN_SLOTS and len(hole) - unknown <= merge:
            runs[-1].append(i)
        else:
            runs.append([i])
    return [(run[0], run[-1]) for run in runs if max(scores[i] for i in run) >= rules.on]


@given(some_scores, some_rules)
def test_intervals_are_what_the_definition_says(scores: list[float], rules: IntervalRules) -> None:
    updates = decode(scores, rules)
    ended = [u for u in updates if u.status in ("closed", "retracted")]
    assert [(u.onset, u.offset) for u in ended] == plain_runs(scores, rules)
    for u in ended:
        ms = (u.offset - u.onset + 1) * 1000 / FPS
        assert (u.status == "closed") == (ms >= rules.min_ms - 1e-3)
        assert (u.type == "macro") == (ms > rules.me_max_ms + 1e-3)
        inside = [s for s in scores[u.onset : u.offset + 1] if s >= rules.off]
        assert u.confidence == scores[u.apex] == max(inside) >= rules.on


@given(some_scores, some_rules, st.floats(0.3, 1))
def test_a_higher_threshold_leaves_intervals_out_and_changes_none(
    scores: list[float], rules: IntervalRules, on: float
) -> None:
    least = [u for u in decode(scores, replace(rules, on=rules.off)) if u.status == "closed"]
    fewer = [u for u in decode(scores, replace(rules, on=max(on, rules.off))) if u.status == "closed"]
    assert [(u.type, u.onset, u.apex, u.offset, u.confidence) for u in fewer] == [
        (u.type, u.onset, u.apex, u.offset, u.confidence) for u in least if u.confidence >= on
    ]


@given(some_scores, some_rules)
def test_confidence_is_calibrated_and_never_falls(scores: list[float], rules: IntervalRules) -> None:
    knots = ((0.4, 0.1), (0.6, 0.5), (1.0, 0.9))
    raw, told = decode(scores, rules), decode(scores, replace(rules, calibration=knots))
    assert told == [replace(u, confidence=calibrated(u.confidence, knots)) for u in raw]
    for id_ in {u.id for u in told}:
        life = [u.confidence for u in told if u.id == id_]
        assert life == sorted(life)


@given(some_scores, some_rules)
def test_every_interval_has_one_orderly_life(scores: list[float], rules: IntervalRules) -> None:
    lives: dict[int, list[IntervalUpdate]] = {}
    last_decided = 0
    for u in decode(scores, rules):
        assert u.onset <= u.apex <= u.offset <= u.decided
        assert last_decided <= u.decided
        last_decided = u.decided
        lives.setdefault(u.id, []).append(u)
    allowed = {
        ("provisional", "retracted"),
        ("provisional", "confirmed", "closed"),
    }
    assert list(lives) == list(range(1, len(lives) + 1))
    for life in lives.values():
        assert tuple(u.status for u in life) in allowed
        assert len({u.onset for u in life}) == 1


TALK = SpeakerRules(on=0.6, off=0.4, min_ms=100)


def turns(ps: list[float], rules: SpeakerRules = TALK) -> list[SpeakerUpdate]:
    decoder = SpeakerDecoder(rules, FPS)
    return decoder.push(0, ps) + decoder.finish()


def ended(updates: list[SpeakerUpdate]) -> list[tuple[str, int, int]]:
    return [(u.state, u.start, u.end) for u in updates if u.end is not None]


def test_a_turn_begins_and_ends_under_one_id() -> None:
    decoder = SpeakerDecoder(TALK, FPS, look_ahead=16)
    updates = decoder.push(50, [0.1] * 5 + [0.9] * 5) + decoder.finish()
    assert [(u.id, u.state, u.start, u.end, u.decided) for u in updates] == [
        (1, "listening", 50, None, 68),
        (1, "listening", 50, 54, 73),
        (2, "speaking", 55, None, 73),
        (2, "speaking", 55, 59, 75),
    ]
    assert [round(u.confidence, 6) for u in updates] == [0.9] * 4


@pytest.mark.parametrize(
    ("ps", "wanted"),
    [
        ([], []),
        ([0.5] * 20, []),
        ([0.9, 0.9], []),
        ([0.9] * 5 + [0.1] * 2 + [0.9] * 5, [("speaking", 0, 11)]),
        ([0.9] * 5 + [0.5] * 20 + [0.1] * 3, [("speaking", 0, 24), ("listening", 25, 27)]),
        ([0.9] * 5 + [NAN] * 3 + [0.9] * 5, [("speaking", 0, 12)]),
        ([0.9] * 5 + [NAN] * 4 + [0.9] * 5, [("speaking", 0, 4), ("speaking", 9, 13)]),
        ([0.9] * 5 + [0.1] * 2 + [NAN] * 9, [("speaking", 0, 6)]),
        ([NAN] * 40, []),
    ],
)
def test_turns(ps: list[float], wanted: list[tuple[str, int, int]]) -> None:
    assert ended(turns(ps)) == wanted


some_speaker_rules = st.builds(
    SpeakerRules,
    on=st.sampled_from([0.5, 0.7]),
    off=st.sampled_from([0.3, 0.5]),
    min_ms=st.sampled_from([1, 100, 300]),
)


@given(some_scores, some_speaker_rules, st.lists(st.integers(0, 150)), st.integers(0, 9))
def test_any_chunking_gives_the_same_turns(
    ps: list[float], rules: SpeakerRules, cuts: list[int], look_ahead: int
) -> None:
    whole = SpeakerDecoder(rules, FPS, look_ahead)
    wanted = whole.push(7, ps) + whole.finish()
    parts = SpeakerDecoder(rules, FPS, look_ahead)
    got: list[SpeakerUpdate] = []
    for a, b in cut(len(ps), cuts):
        if not all(math.isnan(p) for p in ps[a:b]):
            got += parts.push(7 + a, ps[a:b])
    got += parts.push(7 + len(ps), []) + parts.finish()
    assert got == wanted


@given(some_scores, some_speaker_rules)
def test_turns_are_orderly(ps: list[float], rules: SpeakerRules) -> None:
    open_turn: SpeakerUpdate | None = None
    last_end, last_id = -1, 0
    for u in turns(ps, rules):
        assert 0 <= u.confidence <= 1
        if u.end is None:
            assert open_turn is None
            assert u.id == last_id + 1
            assert u.start > last_end
            hits = [
                p >= rules.on if u.state == "speaking" else p < rules.off for p in ps[u.start : u.decided + 1]
            ]
            assert hits[0]
            assert len(hits) * 1000 / FPS >= rules.min_ms - 1e-3
            open_turn, last_id = u, u.id
        else:
            assert open_turn is not None
            assert (u.id, u.state, u.start) == (open_turn.id, open_turn.state, open_turn.start)
            assert (u.end - u.start + 1) * 1000 / FPS >= rules.min_ms - 1e-3
            last_end, open_turn = u.end, None
    assert open_turn is None
