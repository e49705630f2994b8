import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clips import write_clip
from rtme.capture.file import FileSource
from rtme.capture.frame import Frame
from rtme.capture.reader import Reader, StateChange
from rtme.capture.source import PermanentSourceError
from rtme.capture.stamps import Stamper
from rtme.errors import SourceError

SILENCE = object()


class ScriptedSource:
    """Plays a list: "open"/"refuse"/"forbid" for open(), "frame"/"break"/"end"/SILENCE for read()."""

    name = "scripted"
    live = True
    corrupt = 0
    fps = None

    def __init__(self, script: list, clock: "Clock", frames_expected: int | None = None) -> None:
        self.script = list(script)
        self.frames_expected = frames_expected
        self.clock = clock
        self.is_open = False
        self.stamper = Stamper(self.name)

    def open(self) -> None:
        assert not self.is_open
        match self.script.pop(0) if self.script else "refuse":
            case "refuse":
                raise SourceError("nobody there")
            case "forbid":
                raise PermanentSourceError("wrong password")
        self.is_open = True
        self.stamper.opened()

    def read(self) -> Frame | None:
        assert self.is_open
        step = self.script.pop(0) if self.script else "end"
        if step == "frame":
            return Frame(self.stamper.stamp(None), np.zeros((2, 2, 3), np.uint8))
        if step is SILENCE:
            self.clock.now += 2.0
            raise SourceError("silence")
        if step == "break":
            raise SourceError("broken")
        return None

    def close(self) -> None:
        self.is_open = False


class Clock:
    now = 0.0

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def reader_of(script: list, **options: object) -> tuple[Reader, Clock]:
    clock = Clock()
    source = ScriptedSource(script, clock, options.pop("frames_expected", None))
    return Reader(source, clock=lambda: clock.now, sleep=clock.sleep, jitter=lambda: 0.0, **options), clock


def told(reader: Reader, steps: int) -> list[str]:
    items = [reader.step(100.0) for _ in range(steps)]
    return [i.state if isinstance(i, StateChange) else "frame" for i in items if i is not None]


def test_states_in_order_through_a_silence_and_a_return():
    reader, _ = reader_of(["open", "frame", "frame", SILENCE, "open", "frame"])
    assert told(reader, 9) == [
        "connecting", "live", "frame", "frame", "stalled", "backoff", "connecting", "live", "frame",
    ]  # fmt: skip


def test_a_break_without_silence_is_no_stall():
    reader, _ = reader_of(["open", "frame", "break"])
    assert told(reader, 4) == ["connecting", "live", "frame", "backoff"]


def test_the_epoch_rises_with_each_successful_open_only():
    reader, _ = reader_of(["open", "frame", "break", "refuse", "refuse", "open", "frame", "frame"])
    items = [reader.step(100.0) for _ in range(12)]
    stamps = [i.stamp for i in items if isinstance(i, Frame)]
    assert [(s.epoch, s.frame) for s in stamps] == [(0, 0), (1, 0), (1, 1)]
    assert next(i for i in reversed(items) if isinstance(i, StateChange)).epoch == 1


def test_the_wait_doubles_from_half_a_second_to_ten_and_starts_anew_after_a_frame():
    reader, clock = reader_of(["refuse"] * 8 + ["open", "frame", "break"])
    waits = []
    for _ in range(30):
        before = clock.now
        item = reader.step(100.0)
        if clock.now > before:
            waits.append(clock.now - before)
            assert item.state == "connecting"
        if len(waits) == 9:
            break
    assert waits == pytest.approx([0.5, 1, 2, 4, 8, 10, 10, 10, 0.5])


def waits_of(script: list, steps: int) -> list[float]:
    reader, clock = reader_of(script)
    waits = []
    for _ in range(steps):
        before = clock.now
        reader.step(100.0)
        if clock.now > before:
            waits.append(clock.now - before)
    return waits


def test_a_source_that_was_live_is_tried_again_each_second():
    assert waits_of(["open", "frame", "break", *["refuse"] * 8], 20)[:5] == pytest.approx([0.5, 1, 1, 1, 1])


def test_a_password_that_is_refused_later_is_not_tried_each_second():
    assert waits_of(["open", "frame", "break", *["forbid"] * 8], 20)[:5] == pytest.approx([0.5, 1, 2, 4, 8])


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=15))
def test_whatever_the_jitter_a_wait_stays_between_half_a_second_and_ten(jitters):
    clock = Clock()
    dice = iter([0.0, *jitters])
    source = ScriptedSource([], clock)
    reader = Reader(source, clock=lambda: clock.now, sleep=clock.sleep, jitter=lambda: next(dice))
    assert told(reader, 2) == ["connecting", "backoff"]
    for _ in jitters:
        before = clock.now
        assert told(reader, 2) == ["connecting", "backoff"]
        assert 0.5 - 1e-9 <= clock.now - before <= 10.0 + 1e-9


def test_a_step_waits_no_longer_than_it_may():
    reader, clock = reader_of(["refuse", "open"])
    assert told(reader, 2) == ["connecting", "backoff"]
    assert reader.step(0.2) is None
    assert clock.now == pytest.approx(0.2)


def test_a_wrong_password_ends_at_once_but_not_once_it_was_right():
    reader, _ = reader_of(["forbid"])
    reader.step(1.0)
    ended = reader.step(1.0)
    assert (ended.state, ended.error) == ("ended", "wrong password")
    assert reader.step(1.0) is None

    reader, _ = reader_of(["open", "frame", "break", "forbid", "open", "frame"])
    assert told(reader, 9)[-1] == "frame"


def test_it_gives_up_after_so_many_attempts():
    reader, _ = reader_of([], max_attempts=3)
    states = told(reader, 20)
    assert states == ["connecting", "backoff", "connecting", "backoff", "connecting", "ended"]


def test_a_live_source_that_says_how_many_frames_it_has_is_not_started_again():
    reader, _ = reader_of(["open", "frame", "end"], frames_expected=1)
    assert told(reader, 6) == ["connecting", "live", "frame", "ended"]


def test_silence_is_measured_from_the_last_frame():
    reader, clock = reader_of(["open", "frame"])
    told(reader, 3)
    clock.now += 1.25
    assert reader.silent_s == pytest.approx(1.25)


def test_closing_releases_the_source_and_nothing_comes_after():
    reader, _ = reader_of(["open", "frame", "frame"])
    told(reader, 3)
    reader.close()
    reader.close()
    assert not reader.source.is_open
    assert reader.step(1.0) is None


def test_a_file_ends_well(tmp_path):
    reader = Reader(FileSource(write_clip(tmp_path / "a.mp4", frames=5)))
    items = []
    deadline = time.monotonic() + 30
    while reader.state != "ended" and time.monotonic() < deadline:
        items.append(reader.step(0.1))
    assert [type(i).__name__ for i in items] == ["StateChange"] * 2 + ["Frame"] * 5 + ["StateChange"]
    assert items[-1].error is None


def test_a_missing_file_is_tried_once_and_its_sentence_told(tmp_path):
    reader = Reader(FileSource(tmp_path / "none.mp4"))
    assert reader.step(0.1).state == "connecting"
    ended = reader.step(0.1)
    assert ended.state == "ended"
    assert "there is no file" in ended.error
