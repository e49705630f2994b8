"""Recordings that change midway, or are changed while they are read."""

import os
import shutil
from pathlib import Path

import rtme
from faces import scaled
from rtme.events import AnyEvent, FaceEvent, StateEvent
from soundness import assert_sound, beats, gaps, states


def joined(path: Path, *pieces: Path) -> Path:
    """Transport streams one after the other, as a recorder writes them that was set otherwise in between."""
    path.write_bytes(b"".join(piece.read_bytes() for piece in pieces))
    return path


def everything(file: Path, engine: str) -> list[AnyEvent]:
    with rtme.Live([str(file)], fast=True, engine=engine) as live:
        events = list(live)
    assert live.errors == {}
    return events


def test_a_recording_that_changes_its_size(engine: str, clip: Path, tmp_path: Path) -> None:
    small = scaled(clip, tmp_path / "small.ts", (320, 240))
    large = scaled(clip, tmp_path / "large.ts", (640, 480))
    seen = everything(joined(tmp_path / "both.ts", small, large, small), engine)
    assert_sound(seen)
    health = beats(seen)[-1].streams["both"]
    # What stands at the seams may be damaged by the join itself; nothing may be missing.
    assert health.frames + health.drops.get("corrupt", 0) == 270
    came = [event.at for event in seen if isinstance(event, FaceEvent) and event.status == "appeared"]
    assert [mark is not None and mark.frame // 80 for mark in came] == [0, 1, 2]


def test_a_recording_that_changes_its_codec(engine: str, clip: Path, tmp_path: Path) -> None:
    """What follows cannot be decoded as what it was opened as; that is counted, not passed over."""
    first = scaled(clip, tmp_path / "first.ts", (320, 240))
    second = scaled(clip, tmp_path / "second.ts", (320, 240), "mpeg2video")
    seen = everything(joined(tmp_path / "both.ts", first, second), engine)
    assert_sound(seen)
    frames = beats(seen)[-1].streams["both"].frames
    assert frames >= 80
    assert frames == 180 or gaps(seen, "corrupt")


def test_a_recording_that_is_replaced_while_it_is_read(engine: str, clip: Path, tmp_path: Path) -> None:
    """It is read to its end as it was: the new file has the name, the old one its content."""
    file = Path(shutil.copy(clip, tmp_path / "a.mp4"))
    other = scaled(clip, tmp_path / "other.mp4", (640, 480))
    seen: list[AnyEvent] = []
    with rtme.Live([str(file)], engine=engine) as live:
        for event in live:
            seen.append(event)
            if isinstance(event, StateEvent) and event.state == "live":
                other.replace(file)
    assert live.errors == {}
    assert_sound(seen)
    assert states(seen)[-1] == "ended"
    assert beats(seen)[-1].streams["a"].frames == 90


def test_a_recording_that_is_cut_off_while_it_is_read(engine: str, clip: Path, tmp_path: Path) -> None:
    # Large, or all of it would be in memory.
    file = scaled(clip, tmp_path / "a.mp4", (640, 480), crf="1")
    seen: list[AnyEvent] = []
    with rtme.Live([str(file)], engine=engine) as live:
        for event in live:
            seen.append(event)
            if isinstance(event, StateEvent) and event.state == "live":
                os.truncate(file, file.stat().st_size // 2)
    assert_sound(seen)
    health = beats(seen)[-1].streams["a"]
    assert 0 < health.frames < 90
    assert health.drops["corrupt"] > 0
