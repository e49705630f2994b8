"""What is planted happens, as far as the truth says, at the labelled frames and at no other."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rtme.synth.expression import Expression
from rtme.synth.portrait import Portrait
from rtme.synth.profile import VISIBLE_PIXELS, VISIBLE_SHARE, Profile
from rtme.synth.render import render
from rtme.synth.script import Script

EYE_PX = 78.0
BROWS = Expression("me", {1: (2.0, 2.0), 2: (2.0, 2.0)}, Profile(0.3, 0.1, 0.05, 0.15))
CORNER = Expression("me", {12: (0.0, 1.6)}, Profile(1.0, 0.08, 0.05, 0.12))


def moved(rest: NDArray[np.uint8], image: NDArray[np.uint8]) -> float:
    """How far skin is from rest, in pixels at 112, by a method that synth does not use."""
    if np.array_equal(rest, image):
        return 0.0
    one, two = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in (rest, image))
    flow = cv2.calcOpticalFlowFarneback(one, two, None, 0.5, 3, 13, 5, 7, 1.5, 0) * (52 / EYE_PX)
    return float(np.percentile(np.linalg.norm(flow, axis=-1), 99.8))


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_skin_moves_at_the_labelled_frames_and_nowhere_else(astronaut: Portrait, fps: float) -> None:
    script = Script.of([BROWS, CORNER], n_frames=round(1.5 * fps), fps=fps)
    shown, truth = render(astronaut, script, (200, 200), eye_px=EYE_PX, camera=None)
    frames = list(shown)
    course = np.array([moved(frames[0], image) for image in frames])
    labelled = np.zeros(len(frames), bool)
    assert [one.action_units for one in truth.intervals] == [(1, 2), (12,)]
    for one in truth.intervals:
        inside = slice(one.onset, one.offset + 1)
        labelled[inside] = True
        # What is labelled is seen at both ends, and is largest where the apex is.
        assert course[inside].min() > 0.4 * max(VISIBLE_PIXELS, VISIBLE_SHARE * one.pixels)
        assert course[one.apex] == pytest.approx(one.pixels, rel=0.3)
        assert course[one.apex] > 0.9 * course[inside].max()
    # A frame beside an interval may show what is too little to be seen; two beside it there is nothing at all.
    largest = max(one.pixels for one in truth.intervals)
    assert course[~labelled].max() < 1.5 * max(VISIBLE_PIXELS, VISIBLE_SHARE * largest)
    reach = round(0.1 * fps)
    near = np.convolve(labelled, np.ones(2 * reach + 1), "same") > 0
    assert not course[~near].any()
    assert (~near).sum() > len(frames) / 4
