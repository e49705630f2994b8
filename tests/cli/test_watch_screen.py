"""`rtme watch` on a terminal, before a real publisher."""

import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from made_events import interval, mark
from rtme.bus.publisher import Publisher
from rtme.events import FaceEvent, HeartbeatEvent, Percentiles, SpeakerEvent, StateEvent, StreamHealth
from rtme.traces import Shown, Trace
from terminal import Terminal

OPEN, SHUT = b"\x1b[?1049h", b"\x1b[?1049l"


def trace(stream: str, score: float) -> Trace:
    """A piece of a curve of one frame."""
    one = {"wall_ns": 1, "speaking": 0.9, "yaw": 0.0, "pitch": 0.0, "roll": 0.0, "eye_distance_px": 60.0}
    lists = {name: [value] for name, value in one.items()}
    return Trace.model_validate(
        {
            "stream": stream,
            "epoch": 0,
            "face": 1,
            "frame": [1],
            "time_s": [0.1],
            "score": [score],
            "judged": [True],
        }
        | lists
    )


class Service:
    """Publishes the same things again and again, until it is told to stop."""

    def __init__(self, streams: list[str], states: dict[str, str] | None = None, address: str | None = None):
        self._publisher = Publisher(address or "tcp://127.0.0.1:*", replay="tcp://127.0.0.1:*")
        self.address = str(self._publisher.address)
        self._streams = streams
        self._states = states or {}
        for stream in streams:
            state = self._states.get(stream, "live")
            publish = self._publisher.publish
            detail = "" if state == "live" else f"no picture of {stream}"
            publish(StateEvent.model_validate({"stream": stream, "state": state, "detail": detail}))
            publish(FaceEvent(stream=stream, face=1, status="appeared"))
            publish(
                SpeakerEvent(stream=stream, id="1", face=1, state="speaking", start=mark(1), confidence=0.9)
            )
        self._publisher.publish(interval("confirmed", streams[0], 30, 35).model_copy(update={"id": "2"}))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(0.1):
            took = Percentiles(p50=21.0, p95=27.0, p99=30.0, max=40.0)
            health = {
                stream: StreamHealth.model_validate(
                    {"state": self._states.get(stream, "live"), "fps": 29.5, "faces": 1}
                    | {"drops": {"dropped": 7}, "system_ms": took}
                )
                for stream in self._streams
            }
            beat = HeartbeatEvent(
                stream="_service",
                uptime_s=5.0,
                engine="default 0.3.0",
                engine_note="Trained on synthetic clips only.",
                last_seq=9,
                streams=health,
            )
            port = int(str(self._publisher.replay).rsplit(":", 1)[1])
            self._publisher.publish(beat.model_copy(update={"replay_port": port}))
            # A snapshot holds what is open alone, and the terminal may come late.
            self._publisher.publish(interval("closed", self._streams[0]))
            for stream in self._streams:
                self._publisher.show(Shown(trace(stream, 0.75)))

    def stop(self) -> None:
        self._over.set()
        self._thread.join(10)
        self._publisher.close(10)


Serve = Callable[..., Service]
Show = Callable[..., Terminal]


@pytest.fixture
def serve() -> Iterator[Serve]:
    running: list[Service] = []

    def start(*arguments: object, **names: object) -> Service:
        running.append(Service(*arguments, **names))  # type: ignore[arg-type]
        return running[-1]

    yield start
    for service in running:
        service.stop()


@pytest.fixture
def show() -> Iterator[Show]:
    open_ones: list[Terminal] = []

    def start(*words: str, **names: object) -> Terminal:
        open_ones.append(Terminal("watch", *words, **names))  # type: ignore[arg-type]
        return open_ones[-1]

    yield start
    for terminal in open_ones:
        terminal.close()


def row(page: list[str], words: str) -> str:
    return next((line for line in page if words in line), "")


def test_sources_faces_bars_and_what_was_found(serve: Serve, show: Show) -> None:
    service = serve(["door", "desk"])
    terminal = show(service.address)
    page = terminal.until(
        lambda page: "0.75" in row(page, "face 1") and row(page, "10–15") and "29.5" in row(page, "door")
    )
    assert service.address in page[0]
    assert "21 / 27" in row(page, "door")
    assert " 7 " in row(page, "door")
    assert "speaking" in row(page, "face 1")
    assert "█████████···" in row(page, "face 1"), "three quarters of twelve cells"
    assert "0.90" in row(page, "face 1")
    assert "micro-expression confirmed" in row(page, "face 1")
    assert "closed" in row(page, "10–15")
    assert "synthetic" in page[-1]


def test_ctrl_c_leaves_the_terminal_as_it_was_and_says_what_was_seen(serve: Serve, show: Show) -> None:
    terminal = show(serve(["door"]).address)
    terminal.until_says("door")
    assert terminal.end() == 0
    assert terminal.raw.count(OPEN) == terminal.raw.count(SHUT) == 1
    after = terminal.raw.rsplit(SHUT, 1)[1]
    assert b"\x1b[?25h" in terminal.raw.rsplit(b"\x1b[?25l", 1)[1], "the cursor is seen again"
    assert b"Seen:" in after
    assert b"Traceback" not in terminal.raw


@pytest.mark.parametrize("how", [signal.SIGTERM])
def test_other_ends_leave_it_clean_too(serve: Serve, show: Show, how: signal.Signals) -> None:
    terminal = show(serve(["door"]).address)
    terminal.until_says("door")
    assert terminal.end(how) == 0
    assert SHUT in terminal.raw


def test_a_service_that_falls_silent_and_one_that_comes_back(serve: Serve, show: Show) -> None:
    first = serve(["door"])
    terminal = show(first.address)
    terminal.until_says("0.75")
    first.stop()
    page = terminal.until_says("NO DATA")
    assert "no heartbeat" in row(page, "NO DATA")
    assert "red" in terminal.colours("NO DATA") or terminal.colours("NO DATA")
    assert "0.75" not in "".join(page), "an old score is none"
    assert "live" not in row(page, "door")
    serve(["door"], address=first.address)
    terminal.until(lambda page: "0.75" in "".join(page) and "NO DATA" not in "".join(page))


def test_no_service_is_said(show: Show) -> None:
    terminal = show("tcp://127.0.0.1:1")
    page = terminal.until_says("NO DATA")
    assert "no service here yet" in row(page, "NO DATA")


def test_a_source_without_pictures_stands_first_and_says_why(serve: Serve, show: Show) -> None:
    service = serve(["door", "desk"], {"desk": "stalled"})
    terminal = show(service.address)
    page = terminal.until_says("no picture of desk")
    names = [line.split()[0] for line in page if line.startswith(("desk", "door"))]
    assert names == ["desk", "door"]
    assert "red" in terminal.colours("no picture of desk")


def test_fifty_sources_on_a_small_terminal(serve: Serve, show: Show) -> None:
    streams = [f"cam-{n:02}" for n in range(50)]
    terminal = show(serve(streams).address, rows=16)
    page = terminal.until(lambda page: row(page, "more") and "cam-00" in "".join(page))
    shown = [line for line in page if line.startswith("cam-")]
    left = int(row(page, "more").split()[1])
    assert left + len(shown) == 50
    assert len(shown) >= 7
    assert "synthetic" in page[-1]


def test_forty_columns_and_another_size_later(serve: Serve, show: Show) -> None:
    terminal = show(serve(["a-camera-with-a-very-long-name", "desk"]).address, columns=40, rows=12)
    # Traces and heartbeats go their own ways: either may come first.
    page = terminal.until(lambda page: "29.5" in row(page, "desk") and "0.75" in "".join(page))
    assert all(len(line) <= 40 for line in page)
    assert "speaking" in row(page, "face 1")
    terminal.resize(120, 30)
    page = terminal.until(lambda page: "21 / 27" in "".join(page))
    assert "a-camera-with-a-very-lo" in "".join(page)


def test_no_color_means_none(serve: Serve, show: Show) -> None:
    terminal = show(serve(["door"]).address, NO_COLOR="1")
    terminal.until_says("0.75")
    assert terminal.colours("door") == {"default"}


def test_only_the_stream_that_was_asked_for(serve: Serve, show: Show) -> None:
    terminal = show(serve(["door", "desk"]).address, "--stream", "desk")
    page = terminal.until_says("0.75")
    assert row(page, "desk")
    assert not row(page, "door")


def test_plain_is_lines_as_into_a_pipe(serve: Serve, show: Show) -> None:
    terminal = show(serve(["door"]).address, "--plain", "--from", "0")
    terminal.until_says("micro-expression closed")
    assert OPEN not in terminal.raw
    assert terminal.end() == 0


def test_json_is_lines_on_a_terminal_too(serve: Serve, show: Show) -> None:
    terminal = show(serve(["door"]).address, "--json")
    terminal.until_says('"kind":"heartbeat"')
    assert OPEN not in terminal.raw


def test_time_is_up(serve: Serve, show: Show) -> None:
    terminal = show(serve(["door"]).address, "--seconds", "3")
    assert terminal.process.wait(60) == 0


def test_time_is_up_and_nothing_was_heard(show: Show) -> None:
    terminal = show("tcp://127.0.0.1:1", "--seconds", "1")
    assert terminal.process.wait(60) == 6
    terminal.until_says("nothing was heard")
