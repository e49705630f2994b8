"""A hand covers the half of the face that it says, no other one, and no micro-expression."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rtme.face.template import CANONICAL
from rtme.synth.hand import Hand
from rtme.synth.mix import Mix
from rtme.synth.script import Script

N, FPS = 90, 30.0
EDGE = 60
VIEW = np.array([[1.0, 0.0, EDGE], [0.0, 1.0, EDGE]])
UPPER = (107, 66, 105, 336, 296, 334, 159, 145, 386, 374)
"""Landmarks of brows and lids."""

HANDS = Mix(hand=10)


def covered(hand: Hand, frame: int) -> NDArray[np.bool_]:
    """Where a hand is in the canonical crop and around it."""
    image = np.zeros((112 + 2 * EDGE, 112 + 2 * EDGE, 3), np.uint8)
    hand.draw(image, frame, VIEW, np.full(3, 255, np.float32))
    return image.any(-1)


def lie_under(hand: Hand, frame: int, landmarks: tuple[int, ...]) -> int:
    x, y = np.rint(CANONICAL[list(landmarks)] + EDGE).astype(int).T
    return int(covered(hand, frame)[y, x].sum())


@given(st.integers(0, 2**32))
@settings(max_examples=25)
def test_a_hand_covers_the_place_it_goes_to_and_no_brow_or_lid_that_it_does_not_hide(seed: int) -> None:
    hand = Hand.random(np.random.default_rng(seed), N, FPS, 0.8)
    assert hand is not None
    span = hand.span
    assert (span.what, span.start, span.end) == ("hand", hand.first, hand.last)
    middle = (hand.first + hand.last) // 2
    x, y = np.rint(hand.place[middle] + EDGE).astype(int)
    assert covered(hand, middle)[y - 4 : y + 5, x - 4 : x + 5].any()
    assert "lower" in hand.hides
    # A low hand hides the mouth only, so that brows may be read above it, however it rubs.
    if "upper" not in hand.hides:
        assert not any(lie_under(hand, frame, UPPER) for frame in range(0, N, 5))
    assert hand.covers((12,), middle, middle)
    assert hand.covers((1,), middle, middle) == ("upper" in hand.hides)
    assert not hand.covers((1, 12), hand.last + 1, N)


@given(st.integers(0, 2**32))
@settings(max_examples=25)
def test_a_hand_that_is_not_there_covers_nothing_of_a_face(seed: int) -> None:
    hand = Hand.random(np.random.default_rng(seed), N, FPS, 0.8)
    assert hand is not None
    whole = (*UPPER, 61, 291, 0, 17, 205, 425)
    for frame in (0, hand.first - 8, hand.first - 2, min(N - 1, hand.last + 2), N - 1):
        if 0 <= frame < N and not hand.first <= frame <= hand.last:
            assert not lie_under(hand, frame, whole)


@given(st.integers(0, 2**32))
@settings(max_examples=40)
def test_no_micro_expression_lies_under_a_hand(seed: int) -> None:
    made = Script.random(np.random.default_rng(seed), N, FPS, interference=1.0, mix=HANDS)
    assume(made.hands)
    spans = [span for span in made.spans if span.what == "hand"]
    assert sorted((hand.first, hand.last) for hand in made.hands) == [(s.start, s.end) for s in spans]
    for me in (one for one in made.intervals if one.type == "me"):
        for hand in made.hands:
            assert not hand.covers(me.action_units, me.onset, me.offset)
