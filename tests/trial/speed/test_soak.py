"""A soak breaks what it says, compares what it should, and comes to an end. Nothing here rests on speed."""

import json
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calm_face import Image
from made_events import mark
from rtme.capture.frames import FramesSource
from rtme.errors import SourceError
from rtme.events import IntervalEvent, StreamHealth
from rtme.settings import Settings
from rtme.trial.speed.breaking import KINDS, BreakingSource, ProcessVictim, draw_faults
from rtme.trial.speed.clip import make_clip
from rtme.trial.speed.pictures import draw
from rtme.trial.speed.soak import Sample, _result, _Run, soak
from rtme.trial.speed.tables import tables

S = 1_000_000_000


@given(seed=st.integers(0, 1000), minutes=st.floats(0.2, 600), every=st.floats(1, 300))
def test_faults_come_one_at_a_time_and_leave_both_ends_alone(seed: int, minutes: float, every: float) -> None:
    seconds = 60 * minutes
    faults = draw_faults(seed, seconds, every)
    assert faults == draw_faults(seed, seconds, every)
    assert faults
    assert all(0.1 * seconds < fault.at_s <= 0.8 * seconds + 0.1 for fault in faults)
    for before, after in pairwise(faults):
        assert before.at_s + before.lasts_s < after.at_s
    counts = [[fault.kind for fault in faults].count(kind) for kind in KINDS]
    assert max(counts) - min(counts) <= 1


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_process_is_really_stopped_and_really_killed(tmp_path: Path) -> None:
    tick = tmp_path / "tick"
    script = f"import time\nwhile 1: open({str(tick)!r}, 'a').write('.'); time.sleep(.01)"
    victim = ProcessVictim([sys.executable, "-c", script])
    victim.kill()
    victim.freeze()
    for _ in range(2):
        tick.unlink(missing_ok=True)
        victim.start()
        wait_for(tick.exists)
        assert victim._process is not None
        process = psutil.Process(victim._process.pid)
        victim.freeze()
        wait_for(lambda process=process: process.status() == psutil.STATUS_STOPPED)
        victim.thaw()
        wait_for(lambda process=process: process.status() != psutil.STATUS_STOPPED)
        victim.kill()
        assert not psutil.pid_exists(process.pid)


def test_a_source_breaks_at_a_word(calm: list[Image]) -> None:
    source = BreakingSource(FramesSource(calm, 30))
    source.open()
    assert source.read() is not None
    source.obey(iter(["kill\n"]))
    with pytest.raises(SourceError, match="cut off"):
        source.read()
    with pytest.raises(SourceError, match="cut off"):
        source.open()
    source.obey(iter(["start\n", "freeze\n"]))
    with pytest.raises(SourceError, match="gave nothing"):
        source.read()
    source.obey(iter(["thaw\n"]))
    assert source.read() is not None
    source.close()


def made(**late: float) -> _Run:
    """Ten minutes; ``late`` is how much more of something there is in the last one."""
    run = _Run(health=StreamHealth(state="live", frames=18_000), exit_code=0, engine="tiny 1", backend="b")
    for second in range(-60, 601):
        more = late if second >= 540 else {}
        run.samples.append(
            Sample(
                second,
                400 * (1 + more.get("rss", 0.0)),
                20 + int(more.get("descriptors", 0)),
                25 + int(more.get("threads", 0)),
                30 * (1 + more.get("p99", 0.0)),
            )
        )
    return run


def missed(run: _Run) -> list[str]:
    result = _result(run, [], "a face", 10, 0, 60)
    return [one["what"] for one in result["verdict"] if not one["met"]]


def test_a_run_that_stays_as_it_is_meets_every_demand() -> None:
    assert missed(made()) == []
    assert missed(made(rss=0.009, p99=0.09)) == []
    assert missed(made(rss=-0.2, p99=-0.5, threads=-2, descriptors=-3)) == []


@pytest.mark.parametrize(
    ("late", "word"),
    [
        ({"rss": 0.011}, "memory"),
        ({"p99": 0.11}, "p99"),
        ({"descriptors": 1}, "descriptor"),
        ({"threads": 1}, "thread"),
    ],
)
def test_what_grows_is_told(late: dict[str, float], word: str) -> None:
    (demand,) = missed(made(**late))
    assert word in demand


def test_what_was_not_measured_or_did_not_come_back_is_no_success() -> None:
    run = made()
    run.samples = run.samples[:300]
    run.health, run.exit_code, run.missed = StreamHealth(state="backoff"), 3, 2
    assert len(missed(run)) == 7


def interval(onset: int, offset: int, at_s: float, type: str = "me") -> IntervalEvent:
    begin = mark(onset, capture_ns=round(at_s * S))
    return IntervalEvent.model_validate(
        {
            "stream": "s",
            "epoch": 1,
            "id": f"{onset}",
            "face": 0,
            "type": type,
            "status": "closed",
            "confidence": 0.9,
        }
        | {"onset": begin, "apex": begin, "offset": mark(offset, capture_ns=round(at_s * S))}
    )


def test_what_was_planted_is_counted_in_the_tenth_in_which_it_was_shown() -> None:
    run = made()
    run.report = {
        "planted": [
            [1, 100, 106, 10 * S],
            [1, 300, 306, 70 * S],
            [1, 900, 906, 590 * S],
            [2, 900, 906, 595 * S],
        ],
        "abandoned": [[1, 500, 504]],
    }
    run.found = [
        interval(100, 107, 10),
        interval(898, 906, 590),
        interval(400, 405, 595),
        interval(501, 506, 595),
        interval(600, 640, 595, "macro"),
    ]
    parts = _result(run, [], "a face", 10, 0, 60)["accuracy"]
    assert parts[0] == {"planted": 1, "found": 1, "false_alarms": 0}
    assert parts[1] == {"planted": 1, "found": 0, "false_alarms": 0}
    # That of another epoch is not found by an interval of this one, and what was abandoned counts neither way.
    assert parts[9] == {"planted": 2, "found": 1, "false_alarms": 1}


@pytest.mark.slow
def test_a_short_soak(engine: str, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", 3, expressions=False)
    assert not clip.truth
    result = soak(
        str(clip.path),
        settings=Settings(engine=engine),
        minutes=0.4,
        fault_every_s=1,
        warm_up_s=1,
        expression_every_s=2,
    )
    assert result["exit_code"] == 0
    assert result["frames"] > 0
    assert result["missed_by_subscriber"] == 0
    assert result["faults"]
    assert {one["met"] for one in result["verdict"]} <= {True, False}
    assert result["points"][0][1] > 50
    assert len(tables("soak", json.loads(json.dumps(result)))) == 3
    draw("soak", result, tmp_path / "soak.png", "here")
    assert (tmp_path / "soak.png").read_bytes().startswith(b"\x89PNG")
