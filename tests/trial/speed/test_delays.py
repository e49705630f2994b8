"""The arithmetic of the latency bench, on runs made by hand."""

from pathlib import Path

import pytest

from rtme.events import IntervalEvent, Mark
from rtme.synth.truth import TruthInterval
from rtme.trial.speed.clip import Clip
from rtme.trial.speed.feed import FileFeed
from rtme.trial.speed.latency import _delays, _sent_to_decoded
from rtme.trial.speed.service import Counts, Watched

MS = 1_000_000
FRAME = 1e9 / 30
N = 300
CLIP = Clip(Path("clip.mp4"), 30, N, [TruthInterval("me", 100, 103, 107, (4,), 2.0)])


def counts(first: int, n: int, late_ms: float = 5.0) -> Counts:
    """A stream that was joined at picture ``first``; every picture is decoded ``late_ms`` after it was sent."""
    rows = [(0, frame, first + frame, round((first + frame) * FRAME + late_ms * MS)) for frame in range(n)]
    return Counts(0, 0, 0, [(epoch, frame, number, capture) for epoch, frame, number, capture in rows])


def mark(frame: int, first: int) -> Mark:
    return Mark(frame=frame, time_s=frame / 30, capture_ns=round((first + frame) * FRAME + 5 * MS), wall_ns=0)


def event(
    status: str, onset: int, offset: int, first: int, *, id: str = "e1", type: str = "me"
) -> IntervalEvent:
    return IntervalEvent.model_validate(
        {
            "stream": "s1",
            "id": id,
            "face": 0,
            "type": type,
            "status": status,
            "onset": mark(onset, first),
            "apex": mark(onset, first),
            "offset": mark(offset, first),
            "confidence": 0.9,
        }
    )


def test_how_long_a_picture_was_on_its_way() -> None:
    late = _sent_to_decoded(FileFeed(CLIP), counts(50, 700, late_ms=48.0), since_ns=0)
    assert len(late) == 700
    assert late == pytest.approx([48.0] * 700, abs=0.01)


@pytest.mark.parametrize("first", [0, 50])
def test_delays_run_from_the_frames_that_showed_it_to_the_events(first: int) -> None:
    # Both laps show it; the engine found the one of the second, a frame late, and something that was never there.
    onset, offset = N + 101 - first, N + 107 - first
    shown_ns, gone_ns = (round(number * FRAME + 5 * MS) for number in (N + 100, N + 107))
    watched = Watched(
        events=[
            (event("provisional", onset, onset + 2, first), shown_ns + 400 * MS),
            (event("confirmed", onset, onset + 3, first), shown_ns + 450 * MS),
            (event("closed", onset, offset, first), gone_ns + 380 * MS),
            (event("closed", 30, 36, first, id="e2"), gone_ns),
            (event("closed", N + 101 - first, N + 107 - first, first, id="e3", type="macro"), gone_ns),
        ]
    )
    planted, delays = _delays(watched, counts(first, 700), FileFeed(CLIP))
    assert planted == 2
    (delay,) = delays
    assert delay["onset"]["provisional"] == pytest.approx(400)
    assert delay["onset"]["confirmed"] == pytest.approx(450)
    assert delay["offset"]["closed"] == pytest.approx(380)
    assert delay["offset"]["provisional"] == pytest.approx(400 - 7 * FRAME / MS, abs=0.01)
    assert delay["duration"] == pytest.approx(7 * FRAME / MS, abs=0.01)


def test_nothing_seen_is_nothing_found() -> None:
    assert _delays(Watched(), Counts(0, 0, 0, []), FileFeed(CLIP)) == (0, [])
