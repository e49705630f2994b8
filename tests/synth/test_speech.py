"""Speech: smooth, and told from everything else that a mouth does."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rtme.synth import action_units as au
from rtme.synth.mix import Mix
from rtme.synth.script import Script

seeds = st.integers(0, 2**32)

WORDS_ONLY = Mix(brow=0, mouth=0, swallow=0, train=0, step=0, lids=0, gaze=0, hand=0)

MOST_PX_S = 700.0
"""No jaw or lip is faster, in pixels at 112 a second. A pixel is about 1.7 mm of a grown-up's face; one clip in thousands,
of the loudest speaker, comes near."""

MOST_JUMP_PX = 3.5
"""How much farther a step between two frames of 1/120 s may go than both steps beside it; a jaw goes up to 9 pixels."""


def script(seed: int, fps: float, **options: Any) -> Script:
    return Script.random(
        np.random.default_rng(seed), round(3 * fps), fps, me_per_clip=0, macro=0, large=0, **options
    )


@given(seeds, st.floats(0, 1))
@settings(max_examples=25)
def test_jaw_and_lips_do_not_jump(seed: int, interference: float) -> None:
    fps = 120.0
    motion = script(seed, fps, speech=1.0, interference=interference, mix=WORDS_ONLY).motion
    mouth = np.column_stack([motion.jaw, motion.shapes[:, au.PUCKER : au.PRESS + 1]])
    steps = np.abs(np.diff(mouth, axis=0))
    assert steps.max() * fps < MOST_PX_S
    assert (steps[1:-1] - np.maximum(steps[:-2], steps[2:])).max() < MOST_JUMP_PX


@given(seeds, st.sampled_from([15.0, 30.0, 60.0]), st.floats(0, 1))
@settings(max_examples=25)
def test_the_state_is_speaking_in_the_turns_and_in_no_other_frame(
    seed: int, fps: float, interference: float
) -> None:
    made = script(seed, fps, speech=1.0, interference=interference)
    turns = np.zeros(made.n_frames, np.uint8)
    for span in (one for one in made.spans if one.what == "speech"):
        turns[span.start : span.end + 1] = 1
    assert turns.any()
    assert np.array_equal(made.speaking, turns)


@given(seeds)
@settings(max_examples=25)
def test_a_mouth_that_moves_without_words_is_listening(seed: int) -> None:
    made = script(seed, 30.0, speech=0.0, interference=1.0, mix=Mix(mouth=10, swallow=10, train=10))
    assert any(span.what in ("mouth", "swallow", "train") for span in made.spans)
    assert max(np.abs(made.motion.jaw).max(), np.abs(made.motion.shapes).max(), made.motion.units.max()) > 0.3
    assert not made.speaking.any()


def test_gestures_of_the_mouth_leave_the_state_of_a_talker() -> None:
    for seed in range(10):
        calm, busy = (
            script(seed, 30.0, speech=1.0, interference=1.0, mix=mix) for mix in (WORDS_ONLY, Mix(mouth=10))
        )
        assert np.array_equal(calm.speaking, busy.speaking)
        assert any(span.what == "mouth" for span in busy.spans)
