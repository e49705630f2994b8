"""How things are at this moment, and the page that says so."""

import gc
import weakref

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from made_events import heartbeat, interval, mark
from rtme.events import FaceEvent, HeartbeatEvent, SpeakerEvent, StateEvent, StreamHealth
from rtme.traces import Trace
from rtme.view.scene import LAST, LINGER_S, STALE_S, Scene
from rtme.view.screen import page


def trace(score: float | None, stream: str = "cam", epoch: int = 0) -> Trace:
    lists = ("wall_ns", "speaking", "yaw", "pitch", "roll", "eye_distance_px", "time_s", "frame")
    return Trace.model_validate(
        {"stream": stream, "epoch": epoch, "face": 1, "score": [score], "judged": [True]}
        | {name: [1] for name in lists}
    )


class Told:
    """A scene whose clock stands still until it is moved on, and events with numbers."""

    def __init__(self) -> None:
        self.now = 0.0
        self.scene = Scene(clock=lambda: self.now)
        self._seq = -1

    def add(self, *events: object) -> None:
        for event in events:
            self._seq += 1
            self.scene.add(event.model_copy(update={"seq": self._seq, "run_id": "r"}))  # type: ignore[attr-defined]

    def begin(self, *streams: str) -> None:
        for stream in streams:
            self.add(
                StateEvent(stream=stream, state="live"), FaceEvent(stream=stream, face=1, status="appeared")
            )


def test_an_interval_is_shown_while_open_and_a_moment_longer() -> None:
    told = Told()
    told.begin("cam")
    for status in ("provisional", "confirmed", "closed"):
        told.add(interval(status))
        (face,) = told.scene.source("cam").faces
        assert face.interval is not None
        assert face.interval.status == status
    told.now += LINGER_S
    assert told.scene.source("cam").faces[0].interval is None
    assert len(told.scene.last) == 1


def test_what_was_taken_back_is_gone() -> None:
    told = Told()
    told.begin("cam")
    told.add(interval("provisional"), interval("retracted"))
    assert told.scene.source("cam").faces[0].interval is None
    assert not told.scene.last


def test_a_score_grows_old() -> None:
    told = Told()
    told.begin("cam")
    told.scene.trace(trace(0.5))
    assert told.scene.source("cam").faces[0].score == 0.5
    told.now += STALE_S + 0.1
    assert told.scene.source("cam").faces[0].score is None


def test_another_epoch_and_another_run_begin_with_nothing() -> None:
    told = Told()
    told.begin("cam")
    told.scene.trace(trace(0.5))
    told.add(SpeakerEvent(stream="cam", id="1", face=1, state="speaking", start=mark(1), confidence=0.9))
    assert told.scene.source("cam").faces[0].turn == "speaking"
    told.add(FaceEvent(stream="cam", face=1, status="appeared", epoch=1))
    (face,) = told.scene.source("cam").faces
    assert (face.turn, face.score) == (None, None)
    told.scene.add(StateEvent(stream="other", state="live", run_id="s", seq=0))
    assert [source.name for source in told.scene.sources()] == ["other"]


def test_of_faces_that_are_gone_nothing_is_kept() -> None:
    told = Told()
    told.begin("cam")
    made: list[weakref.ref[object]] = []
    for face in range(1, 6 * LAST):
        told.add(
            FaceEvent(stream="cam", face=face, status="appeared"),
            interval("closed").model_copy(update={"face": face, "id": str(face)}),
            FaceEvent(stream="cam", face=face, status="lost"),
        )
        # The last piece of a curve comes when its face is gone.
        piece = trace(0.5).model_copy(update={"face": face})
        told.scene.trace(piece)
        made += [weakref.ref(told.scene.last[-1]), weakref.ref(piece)]
        told.now += 1.0
        told.add(heartbeat())
    gc.collect()
    assert sum(one() is not None for one in made) < LAST + 10


def test_what_no_heartbeat_has_said_is_not_shown_as_nought() -> None:
    told = Told()
    told.begin("cam")

    def row() -> list[str]:
        shown = page(told.scene, 120, 20, address="tcp://h:1").plain.split("\n")
        return next(line for line in shown if line.startswith("cam")).split()

    assert row() == ["cam", "live", "-", "-", "-", "-"]
    health = {"cam": StreamHealth(state="live", fps=30.0, faces=1)}
    told.add(HeartbeatEvent(stream="_service", uptime_s=1.0, engine="default 1", last_seq=3, streams=health))
    assert row() == ["cam", "live", "30.0", "0", "-", "1"]


names = st.text(max_size=30).map(lambda text: text or "x")


@settings(max_examples=40)
@given(
    streams=st.lists(names, max_size=60, unique=True),
    width=st.integers(20, 200),
    height=st.integers(3, 60),
    silent=st.booleans(),
)
def test_a_page_never_leaves_the_terminal(streams: list[str], width: int, height: int, silent: bool) -> None:
    told = Told()
    told.begin(*streams)
    health = {name: StreamHealth(state="live", fps=30.0) for name in streams}
    told.add(
        HeartbeatEvent(stream="_service", uptime_s=4000.0, engine="default 1", last_seq=3, streams=health),
        *[StateEvent(stream=name, state="stalled", detail="no\x1b[2Jpicture") for name in streams[::3]],
        *[interval("closed", name) for name in streams[:5]],
    )
    shown = page(
        told.scene,
        width,
        height,
        address="tcp://h:1",
        silence="it is gone" if silent else None,
        note="a note",
    )
    lines = shown.plain.split("\n")
    assert len(lines) == height
    assert all(cell_len(line) <= width for line in lines)
    assert "\x1b" not in shown.plain
    assert not silent or "NO DATA" in shown.plain
    # However little fits, how many are left out is said.
    hidden = [int(line.split()[1]) for line in lines if line.startswith("and ") and line.endswith("more")]
    assert len(streams) < 50 or height < 10 or sum(hidden) > 0
    console = Console(width=width, height=height, force_terminal=True)
    with console.capture() as captured:
        console.print(shown)
    assert captured.get().count("\n") == height
