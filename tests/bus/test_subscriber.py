import json
import subprocess
import sys
import time

import pytest
import zmq

import rtme.bus.subscriber
from made_events import heartbeat, interval, join, mark, warning
from rtme.bus.publisher import Publisher
from rtme.bus.subscriber import Subscriber
from rtme.errors import BusError
from rtme.events import AnyEvent, dump, topic

IN_ANOTHER_PROCESS = """
import sys
from rtme.bus.subscriber import Subscriber
from rtme.events import dump
with Subscriber(sys.argv[1], kinds=["interval"], timeout_s=20) as events:
    for event in events:
        print(dump(event).decode(), flush=True)
        if event.status == "closed":
            break
"""


def test_a_subscriber_in_another_process_gets_what_was_sent() -> None:
    sent: list[AnyEvent] = []
    with Publisher("tcp://127.0.0.1:*", on_sent=sent.append) as publisher:
        assert publisher.address is not None
        reader = subprocess.Popen(
            [sys.executable, "-c", IN_ANOTHER_PROCESS, publisher.address], stdout=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 60
        while reader.poll() is None and time.monotonic() < deadline:
            for status in ("provisional", "confirmed", "closed"):
                publisher.publish(interval(status).model_copy(update={"at": mark(20, time.monotonic_ns())}))
            time.sleep(0.05)
        out, _ = reader.communicate(timeout=10)
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[-1]["status"] == "closed"
    by_seq = {event.seq: event for event in sent}
    for line in lines:
        assert line == json.loads(dump(by_seq[line["seq"]]))
        assert line["system_ms"] is not None


def test_filters_choose_what_is_yielded_but_not_what_is_counted() -> None:
    with (
        Publisher("tcp://127.0.0.1:*") as publisher,
        Subscriber(publisher.address, streams=["cam"], kinds=["interval"]) as subscriber,
    ):
        join(publisher, subscriber)
        for stream in ("cam", "cam.2", "camera"):
            publisher.publish(warning(stream=stream))
            publisher.publish(interval(stream=stream))
        event = subscriber.receive(10)
        assert event is not None
        assert (event.stream, event.kind) == ("cam", "interval")
        # Heartbeats go on meanwhile, so that the last number may grow between two looks at it.
        sent = publisher.last_seq
        deadline = time.monotonic() + 20
        while subscriber.last_seq < sent and time.monotonic() < deadline:
            assert subscriber.receive(0.1) is None
        assert subscriber.last_seq >= sent
        assert subscriber.missed == 0


def test_one_name_given_bare_is_that_name() -> None:
    with (
        Publisher("tcp://127.0.0.1:*") as publisher,
        Subscriber(publisher.address, streams="webcam") as subscriber,
    ):
        join(publisher, subscriber)
        publisher.publish(warning(stream="cam"))
        publisher.publish(warning(stream="webcam"))
        event = subscriber.receive(10)
        assert event is not None
        assert event.stream == "webcam"


def test_iteration_ends_when_nothing_comes_for_the_time_limit() -> None:
    with (
        Publisher("tcp://127.0.0.1:*") as publisher,
        Subscriber(publisher.address, timeout_s=2.0) as subscriber,
    ):
        join(publisher, subscriber)
        publisher.publish(warning("last"))
        assert [event.text for event in subscriber] == ["last"]  # type: ignore[union-attr]


def test_a_restarted_service_is_noticed() -> None:
    first = Publisher("tcp://127.0.0.1:*", run_id="first")
    with Subscriber(first.address) as subscriber:
        join(first, subscriber)
        assert (subscriber.run_id, subscriber.restarts) == ("first", 0)
        first.close(10)
        with Publisher(first.address, run_id="second") as second:
            second.publish(warning("sent while nobody was connected yet"))
            join(second, subscriber)
            assert (subscriber.run_id, subscriber.restarts) == ("second", 1)
            assert subscriber.last_seq == second.last_seq


def test_alive_follows_the_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        Publisher("tcp://127.0.0.1:*") as publisher,
        Subscriber(publisher.address, kinds=["interval"]) as subscriber,
    ):
        join(publisher, subscriber)
        assert not subscriber.alive
        monkeypatch.setattr(rtme.bus.subscriber, "ALIVE_S", 3600.0)
        publisher.publish(heartbeat())
        deadline = time.monotonic() + 20
        while not subscriber.alive and time.monotonic() < deadline:
            assert subscriber.receive(0.1) is None, "heartbeats are read but filtered away"
        assert subscriber.alive
        monkeypatch.setattr(rtme.bus.subscriber, "ALIVE_S", 0.0)
        assert not subscriber.alive


class Raw:
    """A bare PUB socket that sends what no publisher of ours would."""

    def __init__(self) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.PUB)
        self.socket.bind("tcp://127.0.0.1:*")
        self.address = self.socket.get_string(zmq.LAST_ENDPOINT)

    def event(self, event: AnyEvent, **known: object) -> None:
        numbered = event.model_copy(update={"run_id": "raw", **known})
        self.socket.send_multipart([topic(numbered).encode(), dump(numbered)])

    def join(self, subscriber: Subscriber) -> None:
        deadline = time.monotonic() + 20
        while subscriber.receive(0.05) is None:
            assert time.monotonic() < deadline
            self.event(warning(), seq=0)
        # A service says once a second whether it has a replay socket; this one has none.
        self.event(heartbeat(), seq=0)
        while subscriber.receive(0.3) is not None:
            pass

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close(0)
        self.context.term()


def test_holes_are_counted() -> None:
    with Raw() as raw, Subscriber(raw.address) as subscriber:
        raw.join(subscriber)
        for seq in (1, 2, 5, 6):
            raw.event(warning(), seq=seq)
        assert [event.seq for _ in range(4) if (event := subscriber.receive(10))] == [1, 2, 5, 6]
        assert subscriber.missed == 2
        raw.event(warning(), seq=3, run_id="next")
        assert subscriber.receive(10) is not None
        assert (subscriber.missed, subscriber.restarts) == (5, 1)


@pytest.mark.parametrize(
    "parts",
    [
        [b"rtme.cam.warning"],
        [b"rtme.cam.warning", b""],
        [b"rtme.cam.warning", b"\xff\xfe"],
        [b"rtme.cam.warning", b"[1, 2"],
        [b"rtme.cam.warning", b'{"kind": "warning"}'],
        [b"rtme.cam.warning", b'{"kind": "verdict", "stream": "cam"}'],
        [b"rtme.cam.warning", dump(warning()).replace(b'"schema":1', b'"schema":2')],
        [b"rtme.cam.warning", dump(warning())],
        [b"rtme.other.warning", dump(warning().model_copy(update={"run_id": "r", "seq": 1}))],
        [b"rtme.cam.warning", dump(warning().model_copy(update={"run_id": "r", "seq": 1})), b"more"],
    ],
    ids=[
        "one part",
        "empty",
        "no text",
        "cut",
        "no stream",
        "kind",
        "schema",
        "no number",
        "topic",
        "three parts",
    ],
)
def test_what_is_no_event_is_counted_and_passed_over(parts: list[bytes]) -> None:
    with Raw() as raw, Subscriber(raw.address) as subscriber:
        raw.join(subscriber)
        raw.socket.send_multipart(parts)
        raw.event(warning("good"), seq=1)
        event = subscriber.receive(10)
        assert event is not None
        assert event.kind == "warning"
        assert event.text == "good"
        assert (subscriber.malformed, subscriber.missed) == (1, 0)


def test_events_of_a_newer_service_are_counted_and_passed_over() -> None:
    with Raw() as raw, Subscriber(raw.address) as subscriber:
        raw.join(subscriber)
        body = dump(warning("new").model_copy(update={"run_id": "raw", "seq": 1}))
        raw.socket.send_multipart([b"rtme.cam.audio", body.replace(b'"warning"', b'"audio"')])
        raw.event(warning("good"), seq=2)
        event = subscriber.receive(10)
        assert event is not None
        assert event.seq == 2
        assert (subscriber.unknown, subscriber.malformed, subscriber.missed) == (1, 0, 0)


def test_a_heartbeat_that_only_a_newer_release_understands_is_one() -> None:
    with Raw() as raw, Subscriber(raw.address) as subscriber:
        raw.join(subscriber)
        deadline = time.monotonic() + 20
        while subscriber.alive and time.monotonic() < deadline:
            assert subscriber.receive(0.1) is None
        assert not subscriber.alive
        body = dump(heartbeat().model_copy(update={"run_id": "raw", "seq": 1}))
        raw.socket.send_multipart(
            [
                b"rtme._service.heartbeat",
                body.replace(b'"schema":1', b'"schema":2').replace(b"uptime_s", b"up"),
            ]
        )
        deadline = time.monotonic() + 20
        while not subscriber.alive and time.monotonic() < deadline:
            assert subscriber.receive(0.1) is None
        assert subscriber.alive


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(BusError, match=r"intervals.*choose from"):
        Subscriber(kinds=["intervals"])


@pytest.mark.parametrize("address", ["tcp://*:5556", "tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "somewhere"])
def test_what_cannot_be_listened_to_is_one_sentence(address: str) -> None:
    with pytest.raises(BusError, match="address"):
        Subscriber(address)


def test_closed_twice_and_read_after_close_is_harmless() -> None:
    subscriber = Subscriber("tcp://127.0.0.1:1")
    subscriber.close()
    subscriber.close()
    assert subscriber.receive(0.1) is None
    assert list(subscriber) == []
