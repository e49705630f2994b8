import pytest

from rtme.events import (
    AnyEvent,
    FaceEvent,
    GapEvent,
    HeartbeatEvent,
    IntervalEvent,
    Mark,
    SpeakerEvent,
    StateEvent,
    StreamHealth,
    TruthEvent,
    WarningEvent,
)
from rtme.view.terminal import render


def mark(frame: int) -> Mark:
    return Mark(frame=frame, time_s=frame / 30, capture_ns=0, wall_ns=1_700_000_000_123_000_000)


def interval(**known: object) -> IntervalEvent:
    return IntervalEvent.model_validate(
        {"stream": "cam", "id": "1", "face": 2, "type": "me", "status": "closed", "confidence": 0.87}
        | {"onset": mark(102), "apex": mark(105), "offset": mark(109), "at": mark(115)}
        | known
    )


def test_an_interval_line_says_who_what_when_how_sure_and_how_late() -> None:
    line = render(interval(algorithmic_ms=400.0, system_ms=21.4)).plain
    for part in (
        "cam",
        "face 2",
        "micro-expression closed",
        "3.40–3.63 s",
        "frames 102–109",
        "233 ms",
        "apex 3.50 s",
        "confidence 0.87",
        "look-ahead 400 ms + system 21 ms",
    ):
        assert part in line
    assert ".123" in line.split()[0], "the time of day of the newest frame"


def test_a_longer_one_is_named_macro() -> None:
    assert "macro-expression confirmed" in render(interval(type="macro", status="confirmed")).plain


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            SpeakerEvent(stream="cam", id="1", face=1, state="speaking", start=mark(30), confidence=0.9),
            "face 1  speaking since 1.00 s",
        ),
        (
            SpeakerEvent(
                stream="cam", id="1", face=1, state="listening", start=mark(30), end=mark(60), confidence=0.9
            ),
            "was listening  1.00–2.00 s  frames 30–60",
        ),
        (
            FaceEvent(stream="cam", face=3, status="not_judged", reason="blurred"),
            "face 3  cannot be judged: blurred",
        ),
        (StateEvent(stream="cam", state="backoff", detail="again in 2 s"), "backoff: again in 2 s"),
        (GapEvent(stream="cam", cause="dropped", count=4), "gap: 4 frames dropped"),
        (
            GapEvent(stream="cam", cause="no_face", count=31, start=mark(0), end=mark(30)),
            "31 frames without a face  0.00–1.00 s",
        ),
        (WarningEvent(stream="cam", text="no face for a minute"), "warning: no face for a minute"),
        (
            TruthEvent(stream="demo", what="me", label="AU12", start=mark(3), end=mark(9)),
            "really there: micro-expression (AU12)  0.10–0.30 s  frames 3–9",
        ),
        (
            HeartbeatEvent(
                stream="_service",
                uptime_s=9.6,
                engine="default",
                seq=42,
                last_seq=41,
                streams={"cam": StreamHealth(state="live", fps=29.7)},
            ),
            "alive for 10 s, event 42: cam live 30 fps",
        ),
    ],
    ids=lambda value: value.kind if not isinstance(value, str) else "",
)
def test_every_kind_has_its_words(event: AnyEvent, words: str) -> None:
    assert words in render(event).plain


def test_names_and_texts_from_the_wire_cannot_steer_the_terminal() -> None:
    line = render(WarningEvent(stream="cam\x1b[2J", text="[red]a[/red]\x1b]0;title\x07\nsecond line\r")).plain
    assert "[red]a[/red]" in line, "markup is text"
    assert all(letter.isprintable() for letter in line)
