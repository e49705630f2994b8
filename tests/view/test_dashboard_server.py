"""The dashboard's server, over real sockets: what it takes in, remembers and gives out."""

import csv
import errno
import http.client
import io
import json
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip(
    "uvicorn", reason="the dashboard's web server is not installed: pip install '.[dashboard]'"
)

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from made_events import heartbeat, interval, mark, warning
from rtme.bus.journal import Journal
from rtme.bus.publisher import Publisher
from rtme.cli.dashboard import dashboard_beside
from rtme.errors import SettingsError
from rtme.events import AnyEvent, HeartbeatEvent, IntervalEvent, Mark, SpeakerEvent, StateEvent, StreamHealth
from rtme.traces import Shown, Trace
from rtme.view.dashboard.curve import COLUMNS, KEEP_MS, RECENT_MS, Curve
from rtme.view.dashboard.history import MOST_EVENTS, Earlier, History, Wanted
from rtme.view.dashboard.hub import MOST_WAITING, Hub, Visitor
from rtme.view.dashboard.marks import MOST, MOST_SHOWN, Marks, mark_of
from rtme.view.dashboard.server import Dashboard

PATIENCE_S = 60.0
SECOND = 1_000_000_000


class Page:
    """What a browser does: reads what is pushed, and asks."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self.url = f"ws://127.0.0.1:{dashboard.port}/live"
        self._messages: deque[dict[str, Any]] = deque()
        self._stack = ExitStack()
        self._socket: ClientConnection = self._stack.enter_context(connect(self.url, open_timeout=PATIENCE_S))

    def say(self, **what: object) -> None:
        self._socket.send(json.dumps(what))

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            while not self._messages:
                self._messages.extend(json.loads(self._socket.recv(PATIENCE_S)))
            message = self._messages.popleft()
            if wanted(message):
                return message
        raise AssertionError("it was never told")

    def ask(self, path: str, **query: object) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._dashboard.port, timeout=PATIENCE_S)
        connection.request("GET", f"{path}?{urlencode(query)}")
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def get(self, path: str, **query: object) -> dict[str, Any]:
        status, text = self.ask(path, **query)
        assert status == 200, text
        return json.loads(text)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._stack.close()


@contextmanager
def served(address: str) -> Iterator[Page]:
    dashboard = Dashboard(address, port=0)
    ready = threading.Event()
    serving = threading.Thread(target=dashboard.run, args=[ready.set])
    serving.start()
    try:
        assert ready.wait(PATIENCE_S)
        with closing(Page(dashboard)) as page:
            yield page
    finally:
        dashboard.stop()
        serving.join(PATIENCE_S)
    assert not serving.is_alive()


def two_ports() -> tuple[str, str]:
    found = []
    for _ in range(2):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            found.append(f"tcp://127.0.0.1:{one.getsockname()[1]}")
    return found[0], found[1]


def beat(**known: object) -> HeartbeatEvent:
    return heartbeat().model_copy(update={"streams": {"cam": StreamHealth(state="live", fps=30.0)}, **known})


def at(wall_s: float, frame: int = 0) -> Mark:
    return Mark(frame=frame, time_s=frame / 30, capture_ns=0, wall_ns=round(wall_s * SECOND))


def an_interval(name: str, status: str, wall_s: float, **known: object) -> IntervalEvent:
    return interval(status).model_copy(
        update={
            "id": name,
            "onset": at(wall_s),
            "apex": at(wall_s + 0.1),
            "offset": at(wall_s + 0.2),
            **known,
        }
    )


def a_trace(wall_s: float, score: float = 0.5, stream: str = "cam") -> Trace:
    return Trace(
        stream=stream,
        epoch=0,
        face=1,
        frame=[0, 1, 2],
        time_s=[0.0, 0.03, 0.07],
        wall_ns=[round((wall_s + n / 30) * SECOND) for n in range(3)],
        score=[None, score, score],
        speaking=[0.25] * 3,
        yaw=[1.0] * 3,
        pitch=[2.0] * 3,
        roll=[3.0] * 3,
        eye_distance_px=[60.0] * 3,
        judged=[True] * 3,
    )


@contextmanager
def alive(page: Page, publisher: Publisher) -> Iterator[None]:
    """Heartbeats, which a page has heard: a connection takes its time."""
    over = threading.Event()

    def beat_on() -> None:
        while not over.wait(0.1):
            publisher.publish(beat())

    beating = threading.Thread(target=beat_on)
    beating.start()
    try:
        # Only once it is known how things stand are events handed on.
        page.wait_for(lambda one: one["t"] == "beat" and one["beat"]["run_id"] == publisher.run_id)
        yield
    finally:
        over.set()
        beating.join()


def told(name: str, status: str) -> Callable[[dict[str, Any]], bool]:
    return lambda one: (
        one["t"] == "event"
        and one["mark"] is not None
        and (one["mark"].get("id"), one["mark"].get("status")) == (name, status)
    )


def test_a_page_is_told_of_an_interval_from_its_first_word_to_its_last() -> None:
    now = time.time()
    with Publisher("tcp://127.0.0.1:*") as publisher:
        assert publisher.address
        with served(publisher.address) as page:
            assert page.wait_for(lambda one: one["t"] == "hello")["presence"]["state"] == "silent"
            with alive(page, publisher):
                for status in ("provisional", "confirmed", "closed"):
                    publisher.publish(an_interval("7", status, now))
                    message = page.wait_for(told("7", status))
                    assert message["mark"]["start"] == pytest.approx(now * 1000, abs=1)
                    assert "micro-expression" in message["row"]["words"]
                publisher.publish(an_interval("8", "provisional", now + 1))
                publisher.publish(an_interval("8", "retracted", now + 1))
                page.wait_for(told("8", "retracted"))
                found = page.get(
                    "/api/timeline", stream="cam", **{"from": (now - 10) * 1000, "to": (now + 10) * 1000}
                )
                assert [(one["id"], one["status"]) for one in found["marks"]] == [("7", "closed")]


def test_curves_go_to_those_who_draw_them_and_can_be_asked_for() -> None:
    now = time.time()
    with Publisher("tcp://127.0.0.1:*") as publisher:
        assert publisher.address
        with served(publisher.address) as page, alive(page, publisher):
            page.say(watch=["cam"], pictures=[])
            showing = threading.Event()

            def show() -> None:
                n = 0
                while not showing.wait(0.05):
                    publisher.show(Shown(a_trace(now + n)))
                    publisher.show(Shown(a_trace(now + n, stream="other")))
                    n += 1

            thread = threading.Thread(target=show)
            thread.start()
            try:
                message = page.wait_for(lambda one: one["t"] == "trace")
            finally:
                showing.set()
                thread.join()
            assert message["stream"] == "cam"
            assert message["points"]["high"] == [None, 0.5, 0.5]
            found = page.get("/api/timeline", stream="cam", **{"from": now * 1000, "to": (now + 100) * 1000})
            assert found["curves"]["1"]["speaking"][0] == 0.25
            assert page.get("/api/timeline", stream="none", **{"from": 0, "to": 1})["curves"] == {}


def test_what_was_said_before_it_came_is_fetched_and_can_be_saved(tmp_path: Path) -> None:
    now = time.time()
    bind, replay = two_ports()
    with (
        Journal(tmp_path / "j.sqlite") as journal,
        Publisher(bind, journal=journal, replay=replay) as publisher,
    ):
        publisher.publish(StateEvent(stream="cam", state="live", at=at(now - 100)))
        for n in range(20):
            publisher.publish(an_interval(str(n), "closed", now - 90 + n))
        publisher.publish(warning('=a, "b"', stream="door").model_copy(update={"at": at(now - 60)}))
        publisher.publish(beat())
        with served(bind) as page, alive(page, publisher):
            until = time.monotonic() + PATIENCE_S
            while len(rows := page.get("/api/events", limit=100)["rows"]) < 22 and time.monotonic() < until:
                time.sleep(0.1)
            assert [row["kind"] for row in rows] == ["warning", *["interval"] * 20, "state"]
            assert [row["seq"] for row in rows] == sorted((row["seq"] for row in rows), reverse=True)
            page_of_three = page.get("/api/events", kind="interval", limit=3)
            assert page_of_three["more"]
            last = page_of_three["rows"][-1]
            older = page.get("/api/events", kind="interval", limit=3, before=last["seq"], run=last["run"])
            assert [row["seq"] for row in older["rows"]] == [last["seq"] - n for n in (1, 2, 3)]

            _, text = page.ask("/export.json", kind="interval")
            assert [event["id"] for event in json.loads(text)] == [str(n) for n in range(20)]
            _, text = page.ask("/export.csv", stream="door", text='A, "B')
            (row,) = csv.DictReader(io.StringIO(text))
            assert (row["kind"], row["text"]) == ("warning", '=a, "b"')
            assert json.loads(page.ask("/export.json", text="never said")[1]) == []


def test_a_service_that_goes_and_comes_back_is_told_and_what_it_left_open_stays_so() -> None:
    now = time.time()
    bind, replay = two_ports()
    with served(bind) as page:
        with Publisher(bind, replay=replay) as publisher, alive(page, publisher):
            publisher.publish(an_interval("1", "confirmed", now))
            publisher.publish(
                SpeakerEvent(stream="cam", id="2", face=1, state="speaking", start=at(now), confidence=0.9)
            )
            page.wait_for(lambda one: one["t"] == "event" and one["row"]["kind"] == "speaker")
        silent = page.wait_for(
            lambda one: one["t"] == "presence" and one["state"] == "silent" and one["since"] is not None
        )
        assert silent["address"] == bind
        assert silent["since"] >= now * 1000
        with Publisher(bind, replay=replay) as publisher, alive(page, publisher):
            publisher.publish(an_interval("1", "closed", now + 5))
            page.wait_for(told("1", "closed"))
            query = {"from": (now - 10) * 1000, "to": (now + 20) * 1000}
            marks = page.get("/api/timeline", stream="cam", **query)["marks"]
    assert {(one["kind"], one.get("left"), one["end"] is None) for one in marks} == {
        ("interval", True, False),
        ("speaker", True, False),
        ("interval", None, False),
    }


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/timeline", {"stream": "cam"}),
        ("/api/timeline", {"stream": "cam", "from": 2, "to": 1}),
        ("/api/timeline", {"stream": "cam", "from": "nan", "to": 1}),
        ("/api/timeline", {"stream": "cam", "from": 0, "to": "inf"}),
        ("/api/timeline", {"stream": "cam", "from": 0, "to": 1, "points": "many"}),
        ("/api/events", {"before": 1}),
        ("/api/events", {"before": "x", "run": "y"}),
        ("/api/events", {"limit": "x"}),
        ("/export.csv", {"from": "yesterday"}),
        ("/export.xml", {}),
        ("/page/../server.py", {}),
    ],
)
def test_what_cannot_be_answered_is_said(silent_page: Page, path: str, query: dict[str, object]) -> None:
    status, _ = silent_page.ask(path, **query)
    assert status in (400, 404)


@pytest.fixture(scope="module")
def silent_page() -> Iterator[Page]:
    """Of a service that is not there."""
    with served("tcp://127.0.0.1:9") as page:
        yield page


def test_without_a_service_the_page_is_up_and_knows_what_it_waits_for(silent_page: Page) -> None:
    hello = silent_page.wait_for(lambda one: one["t"] == "hello")
    assert hello["presence"] == {
        "t": "presence",
        "state": "silent",
        "address": "tcp://127.0.0.1:9",
        "since": None,
        "why": None,
    }
    assert silent_page.ask("/")[0] == 200


def test_a_page_that_talks_nonsense_is_left_alone(silent_page: Page) -> None:
    for nonsense in ("", "[]", "{}", '{"watch": 1, "pictures": []}', "\x00"):
        with connect(silent_page.url, open_timeout=PATIENCE_S) as one:
            one.send(nonsense)
            with pytest.raises(ConnectionClosed):
                _read_out(one)
    assert silent_page.ask("/")[0] == 200


def _read_out(one: ClientConnection) -> None:
    while True:
        one.recv(PATIENCE_S)


def command(*words: object, **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rtme", "dashboard", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        **how,
    )


def test_it_ends_with_the_service_that_started_it() -> None:
    done = command("tcp://127.0.0.1:9", "--port", 0, "--until-closed", input="")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_it_ends_too_when_that_service_fails() -> None:
    said, ended = threading.Event(), threading.Event()

    def serve() -> None:
        with (
            suppress(RuntimeError),
            dashboard_beside("tcp://127.0.0.1:9", None, lambda _: said.set(), insecure=False),
        ):
            said.wait(PATIENCE_S)
            # Until what it says next is waited for again.
            time.sleep(1.0)
            raise RuntimeError
        ended.set()

    threading.Thread(target=serve, daemon=True).start()
    assert ended.wait(2 * PATIENCE_S)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tcp://nowhere"], "bus address"),
        (["--token", "short"], "16"),
        (["--host", "192.0.2.1"], "192.0.2.1 is not an address of this machine"),
        (["--host", "nowhere.invalid"], "no machine of the name 'nowhere.invalid'"),
        (["--host", "127..0.1"], "no machine of the name '127..0.1'"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(words: list[str], said: str) -> None:
    done = command(*words, "--port", 0)
    assert done.returncode != 0
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_port_that_is_in_use_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SettingsError, match="--port"):
            Dashboard("tcp://127.0.0.1:9", port=taken.getsockname()[1])


def test_a_port_for_the_administrator_alone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    # Whoever runs the tests may be the administrator.
    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(SettingsError, match="from 1024 on"):
        Dashboard("tcp://127.0.0.1:9", port=80)


def test_what_is_not_installed_is_told() -> None:
    program = "import sys; sys.modules['uvicorn'] = None; import rtme.cli; rtme.cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "dashboard"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert done.stderr.strip() == "rtme: the dashboard needs uvicorn: pip install 'rtme[dashboard]'"


def rows(
    start_s: float, count: int, step_ms: float, score: float = 0.1
) -> np.ndarray[Any, np.dtype[np.float64]]:
    made = np.full((count, len(COLUMNS)), 0.5)
    made[:, 0] = start_s * 1000 + np.arange(count) * step_ms
    made[:, 1:3] = score
    return made


def test_ten_hours_of_a_face_stay_small_and_lose_no_peak() -> None:
    curve = Curve()
    start_s = 1_800_000_000.0
    for minute in range(600):
        made = rows(start_s + 60 * minute, 300, 200.0)
        if minute == 400:
            made[150, 1:3] = 0.9
        curve.add(made)
    end = (start_s + 36_000) * 1000
    assert len(curve) <= KEEP_MS / 1000 + RECENT_MS / 200 + 400
    assert len(curve.between(0, end + 1, 10**6)) == len(curve.between(end - KEEP_MS - 60_000, end + 1, 10**6))
    for points in (10, 500, 4_000):
        found = curve.between(end - 8 * 3600_000, end, points)
        assert len(found) <= points + 1
        assert found[:, 2].max() == 0.9
        assert np.all(np.diff(found[:, 0]) > 0)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(1, 60))
def test_pieces_of_any_size_make_the_same_curve(sizes: list[int], points: int) -> None:
    whole = rows(1_800_000_000.0, sum(sizes), 100.0)
    whole[:, 1:3] = np.linspace(0, 1, len(whole))[:, None]
    whole[::3, 1:4] = np.nan
    in_one, in_pieces = Curve(), Curve()
    in_one.add(whole)
    for end, size in zip(np.cumsum(sizes), sizes, strict=True):
        in_pieces.add(whole[end - size : end])
    first, last = whole[0, 0], whole[-1, 0] + 1
    np.testing.assert_array_equal(in_one.between(first, last, points), in_pieces.between(first, last, points))
    np.testing.assert_array_equal(in_one.between(first, last, 10**6), whole)


def test_where_the_clock_was_set_back_the_newer_word_counts() -> None:
    curve = Curve()
    curve.add(rows(1_000_000.0, 600, 1000.0, score=0.2))
    curve.add(rows(1_000_300.0, 10, 1000.0, score=0.7))
    found = curve.between(0, 1e12, 10**6)
    assert np.all(np.diff(found[:, 0]) > 0)
    assert found[-1, 2] == 0.7
    assert (found[:, 2] == 0.7).sum() == 10


def test_the_newest_word_about_a_thing_counts_whatever_the_order() -> None:
    closed = an_interval("1", "closed", 100.0, run_id="a", seq=3)
    before = an_interval("1", "provisional", 100.0, run_id="a", seq=1)
    for order in ([closed, before], [before, closed]):
        marks = Marks()
        for event in order:
            mark_made = mark_of(event, 0.0)
            assert mark_made is not None
            marks.put(mark_made)
        (one,) = marks.between(0, 1e9)["marks"]
        assert one["status"] == "closed"


def test_what_was_taken_back_does_not_come_again_with_earlier_events() -> None:
    history = History()
    history.add(an_interval("1", "retracted", 100.0, run_id="a", seq=8))
    earlier = Earlier(history)
    earlier.add(an_interval("1", "provisional", 100.0, run_id="a", seq=3))
    earlier.add(an_interval("2", "provisional", 100.0, run_id="a", seq=4))
    history.add_earlier(earlier)
    (one,) = history.timeline("cam", 0, 1e6, 100)["marks"]
    assert one["id"] == "2"


def test_many_marks_are_counted_and_very_many_forgotten() -> None:
    marks = Marks()
    for n in range(MOST + 100):
        made = mark_of(an_interval(str(n), "closed", float(n), run_id="a", seq=n), 0.0)
        assert made is not None
        marks.put(made)
    assert len(marks) <= MOST
    found = marks.between(0, (MOST + 100) * 1000.0)
    assert sum(count for _, count, _ in found["dense"]) == len(marks)
    assert len(found["marks"]) <= MOST_SHOWN
    assert marks.between(0, 1e12)["dense"] is not None
    assert marks.between((MOST - 10) * 1000.0, MOST * 1000.0)["dense"] is None


def test_events_are_bounded_and_filtered() -> None:
    history = History()
    for n in range(MOST_EVENTS // 50):
        history.add(warning(f"note {n}").model_copy(update={"run_id": "a", "seq": n, "at": mark(n)}))
    assert history.events.maxlen == MOST_EVENTS
    assert [row.words for row in history.newest_first(Wanted(text="NOTE 17"))][-1] == "warning: note 17"
    assert history.wanted(Wanted(kind="interval")) == []
    assert len(history.wanted(Wanted(start=0.0, end=0.0))) == MOST_EVENTS // 50


def test_earlier_events_stand_before_later_ones_and_none_twice() -> None:
    def numbered(n: int) -> AnyEvent:
        return warning(str(n)).model_copy(update={"run_id": "a", "seq": n, "at": at(n)})

    history = History()
    history.add(numbered(3))
    history.add(numbered(8))
    earlier = Earlier(history)
    for n in range(8):
        earlier.add(numbered(n))
    history.add_earlier(earlier)
    history.add(numbered(9))
    assert [row.stored.seq for row in history.events] == [0, 1, 2, 4, 5, 6, 7, 3, 8, 9] or [
        row.stored.seq for row in history.events
    ] == list(range(10))


def test_what_an_earlier_run_left_open_is_told_from_what_is_open_now() -> None:
    history = History()
    history.add(an_interval("1", "confirmed", 50.0, run_id="c", seq=20))
    earlier = Earlier(history)
    for event in (
        an_interval("1", "confirmed", 10.0, run_id="a", seq=0),
        an_interval("1", "confirmed", 20.0, run_id="b", seq=10),
        an_interval("1", "closed", 20.0, run_id="b", seq=11),
        an_interval("2", "provisional", 21.0, run_id="b", seq=12),
    ):
        earlier.add(event)
    earlier.end()
    history.add_earlier(earlier)
    marks = history.timeline("cam", 0, 1e6, 100)["marks"]
    assert {(one["run"], one["id"]): one.get("left", False) for one in marks} == {
        ("a", "1"): True,
        ("b", "1"): False,
        ("b", "2"): True,
        ("c", "1"): False,
    }


def test_a_slow_page_loses_updates_and_keeps_no_memory() -> None:
    hub, slow = Hub(), Visitor()
    slow.watched = frozenset({"cam"})
    slow.pictures = frozenset({"cam"})
    hub.visitors.add(slow)
    for n in range(20 * MOST_WAITING):
        hub.tell({"t": "event", "n": n})
        hub.trace({"t": "trace", "stream": "cam", "n": n})
        hub.picture("cam", b"{}", b"x" * 1000)

    import asyncio

    text, pictures = asyncio.run(slow.next())
    assert text is not None
    messages = json.loads(text)
    assert len(messages) <= MOST_WAITING
    assert messages[0] == {"t": "behind"}
    assert messages[-1]["n"] == 20 * MOST_WAITING - 1
    assert len(pictures) == 1
    assert slow.lost > 30 * MOST_WAITING
