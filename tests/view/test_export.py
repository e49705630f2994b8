"""Reports and events as files for other programs."""

import json
from pathlib import Path

import pytest

from made_annotations import talk
from made_events import interval, mark, warning
from rtme.annotations import NoFrameRateError, Span, read
from rtme.errors import DataError, SettingsError
from rtme.events import SpeakerEvent, dump
from rtme.view.export import export, read_events, recording_of
from rtme.view.report import Interval, Report, Turn


def report(fps: float | None = 30.0, source: str = "talk.mp4") -> Report:
    return Report(
        source=source,
        fps=fps,
        frames=90,
        engine="default 0.3.0",
        engine_note="learned from synthetic clips",
        sensitivity="high",
        intervals=[
            Interval(
                type="macro",
                onset=10,
                apex=13,
                offset=15,
                onset_s=10 / 30,
                apex_s=13 / 30,
                offset_s=0.5,
                confidence=0.8,
                face=1,
            )
        ],
        speaker=[Turn(state="speaking", start=0, end=89, start_s=0, end_s=89 / 30, confidence=0.7, face=1)],
    )


def test_json_is_the_report_as_it_is(tmp_path: Path) -> None:
    assert export(report(), tmp_path / "one.json") == [tmp_path / "one.json"]
    export([report()], tmp_path / "list.json")
    assert json.loads((tmp_path / "one.json").read_text()) == report().model_dump()
    assert json.loads((tmp_path / "list.json").read_text()) == [report().model_dump()]
    assert read(tmp_path / "one.json").recordings == read(tmp_path / "list.json").recordings


def test_a_report_in_other_forms(tmp_path: Path) -> None:
    export(report(), str(tmp_path / "found.eaf"))
    (recording,) = read(tmp_path / "found.eaf").recordings
    assert recording.spans == (Span("speaking", 0, 89, 1, None, 0.7), Span("mae", 10, 15, 1, 13, 0.8))
    assert (recording.engine, recording.engine_note) == ("default 0.3.0", "learned from synthetic clips")
    files = export([report(source="one.mp4"), report(source="two.mp4")], tmp_path / "all.vtt")
    assert [file.name for file in files] == ["one.vtt", "two.vtt"]


def test_turns_that_meet_at_a_varying_rate_stay_in_one_tier() -> None:
    found = report()
    found.speaker = [
        Turn(state="speaking", start=0, end=9, start_s=0, end_s=0.30, confidence=1, face=1),
        # The next frame came 20 ms later, not 33.
        Turn(state="listening", start=10, end=20, start_s=0.32, end_s=0.7, confidence=1, face=1),
    ]
    first, second = recording_of(found).of("speaking", "listening")
    assert first.edges_ms(30) == (0, 320)
    assert second.edges_ms(30) == (320, 733)


def test_a_report_without_a_frame_rate(tmp_path: Path) -> None:
    with pytest.raises(NoFrameRateError, match=r"talk\.mp4 does not say how many frames"):
        export(report(fps=None), tmp_path / "found.eaf")
    export(report(fps=None), tmp_path / "found.eaf", fps=30)
    assert read(tmp_path / "found.eaf").recordings[0].fps == 30
    export(report(fps=None), tmp_path / "found.json")


def test_nowhere_to_write(tmp_path: Path) -> None:
    for name, sentence in (("found.doc", "must end in"), ("no/found.eaf", "does not exist")):
        with pytest.raises(SettingsError, match=sentence):
            export(report(), tmp_path / name)
    (tmp_path / "folder.eaf").mkdir()
    with pytest.raises(SettingsError, match="it is a folder"):
        export(report(), tmp_path / "folder.eaf")


def test_what_a_service_sent(tmp_path: Path) -> None:
    turn = SpeakerEvent(
        stream="door", id="2", face=1, state="speaking", start=mark(0), end=mark(30), confidence=0.5
    )
    sent = [interval("provisional"), interval("closed"), interval("closed", "door"), turn, warning()]
    path = tmp_path / "sent.jsonl"
    path.write_bytes(b"\n".join(map(dump, sent)) + b"\n")
    cam, door = read_events(path, 30)
    assert (cam.source, cam.spans) == ("cam-run-0", (Span("me", 10, 15, 1, 11, 0.9),))
    assert [span.kind for span in door.spans] == ["speaking", "me"]
    with pytest.raises(NoFrameRateError, match="give --fps"):
        read_events(path, None)
    path.write_bytes(b"{}\n")
    with pytest.raises(DataError, match="line 1 is no event"):
        read_events(path, 30)


def test_a_report_and_a_recording_hold_the_same(tmp_path: Path) -> None:
    from rtme.annotations import write

    write(tmp_path / "talk.json", [talk()])
    content = json.loads((tmp_path / "talk.json").read_text())
    assert content["intervals"][0]["onset_s"] == pytest.approx(1 / 3, abs=1e-3)
    assert read(tmp_path / "talk.json").recordings == (talk(),)
