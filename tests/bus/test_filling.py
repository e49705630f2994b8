"""Subscribers of both kinds over real sockets, on a way that loses events."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq

from bus.talk import ANY, PATIENCE_S, beating, is_note, upto
from made_events import interval, warning
from rtme import AsyncSubscriber, Subscriber
from rtme.bus.curve import KeyFolder
from rtme.bus.journal import Journal
from rtme.bus.publisher import Publisher
from rtme.events import StateEvent, parse


class Lossy:
    """Passes events on, but for those that ``loses`` picks by number, and never a heartbeat."""

    def __init__(self, address: str, loses: Callable[[int], bool]) -> None:
        self._context = zmq.Context()
        self._in = self._context.socket(zmq.SUB)
        self._in.subscribe(b"")
        self._in.connect(address)
        self._out = self._context.socket(zmq.PUB)
        self._out.bind(ANY)
        self.address = self._out.get_string(zmq.LAST_ENDPOINT)
        self._loses = loses
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.is_set():
            if self._in.poll(50):
                parts = self._in.recv_multipart()
                event = parse(parts[1])
                if event.kind == "heartbeat" or not self._loses(event.seq):
                    self._out.send_multipart(parts)
        self._in.close(0)
        self._out.close(0)

    def __enter__(self) -> "Lossy":
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._context.term()


def heard_first(subscriber: Subscriber) -> None:
    assert subscriber.receive(PATIENCE_S) is not None


def test_what_the_way_loses_is_filled_in_order() -> None:
    with (
        beating(Publisher(ANY, replay=ANY)) as publisher,
        Lossy(str(publisher.address), lambda seq: seq % 7 < 5) as way,
        Subscriber(way.address, replay=publisher.replay) as subscriber,
    ):
        heard_first(subscriber)
        first = subscriber.last_seq
        for number in range(3000):
            publisher.publish(warning(str(number)))
        publisher.publish(warning("last"))
        events = upto(subscriber, is_note("last"))
        assert [event.seq for event in events] == list(range(first + 1, first + 1 + len(events)))
        assert (subscriber.missed, subscriber.note, subscriber.malformed) == (0, None, 0)


def test_the_heartbeat_says_where_to_ask() -> None:
    with beating(Publisher(ANY, replay=ANY)) as publisher:
        for _ in range(500):
            publisher.publish(warning())
        with Subscriber(str(publisher.address), start=0) as subscriber:
            events = [subscriber.receive(PATIENCE_S) for _ in range(500)]
    assert [event.seq for event in events if event] == list(range(500))


def test_a_late_joiner_begins_with_how_things_stand() -> None:
    with beating(Publisher(ANY, replay=ANY)) as publisher:
        publisher.publish(StateEvent(stream="cam", state="live"))
        publisher.publish(interval("confirmed"))
        while publisher.last_seq < 2:
            time.sleep(0.01)
        with Subscriber(
            str(publisher.address), replay=publisher.replay, start="snapshot", kinds=["warning"]
        ) as subscriber:
            while subscriber.standing is None:
                assert subscriber.receive(0.1) is None
            publisher.publish(warning("after"))
            upto(subscriber, is_note("after"))
            assert subscriber.standing is not None
            cam = subscriber.standing.streams["cam"]
            assert cam.state is not None
            assert (cam.state.state, cam.intervals["1"].status) == ("live", "confirmed")
            publisher.publish(interval("closed"))
            publisher.publish(warning("later"))
            upto(subscriber, is_note("later"))
            assert subscriber.standing.streams["cam"].intervals == {}


def test_a_consumer_goes_on_behind_what_it_stored_across_a_restart_with_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal, beating(Publisher(ANY, "first", journal=journal, replay=ANY)) as first:
        address, replay = str(first.address), str(first.replay)
        for number in range(100):
            first.publish(warning(f"first {number}"))
        with Subscriber(address, replay=replay, start=0) as subscriber:
            events = upto(subscriber, is_note("first 99"))
            stored = subscriber.run_id, subscriber.last_seq
        for number in range(100):
            first.publish(warning(f"first again {number}"))
    with (
        Journal(path) as journal,
        beating(Publisher(address, "second", journal=journal, replay=replay)) as again,
    ):
        again.publish(warning("second"))
        with Subscriber(address, replay=replay, start=stored[1] + 1, run_id=stored[0]) as subscriber:
            events += upto(subscriber, is_note("second"))
            assert (subscriber.restarts, subscriber.missed) == (1, 0)
    assert [event.seq for event in events] == list(range(len(events)))
    texts = [event.text for event in events if event.kind == "warning"]
    assert texts == [*(f"first {n}" for n in range(100)), *(f"first again {n}" for n in range(100)), "second"]


@pytest.mark.parametrize("kept", [True, False], ids=["journal", "memory"])
def test_a_subscriber_lives_through_a_restart(tmp_path: Path, kept: bool) -> None:
    journal = Journal(tmp_path / "journal") if kept else None
    first = Publisher(ANY, "first", journal=journal, replay=ANY)
    with Subscriber(str(first.address), replay=first.replay) as subscriber:
        with beating(first):
            heard_first(subscriber)
            begun = subscriber.last_seq
            first.publish(warning("of the first"))
            seen = upto(subscriber, is_note("of the first"))
        if journal is not None:
            journal.close()
            journal = Journal(tmp_path / "journal")
        with beating(Publisher(first.address, "second", journal=journal, replay=first.replay)) as second:
            for number in range(2000):
                second.publish(warning(str(number)))
            seen += upto(subscriber, is_note("1999"))
        assert subscriber.restarts == 1
    if journal is not None:
        journal.close()
        assert [event.seq for event in seen] == list(range(begun + 1, begun + 1 + len(seen)))
        assert subscriber.missed == 0
    else:
        assert [e.seq for e in seen if e.run_id == "second"] == list(
            range(sum(e.run_id == "second" for e in seen))
        )
    assert [e.text for e in seen if e.kind == "warning" and e.run_id == "second"] == [
        str(n) for n in range(2000)
    ]


def test_without_an_answer_it_works_on_counts_and_says_so() -> None:
    with (
        beating(Publisher(ANY)) as publisher,
        Lossy(str(publisher.address), lambda seq: seq % 3 == 0) as way,
        Subscriber(way.address, replay="tcp://127.0.0.1:1", fill_s=0.5) as subscriber,
    ):
        heard_first(subscriber)
        first = subscriber.last_seq
        for number in range(300):
            publisher.publish(warning(str(number)))
            time.sleep(0.001)
        upto(subscriber, lambda event: event.kind == "warning" and int(event.text) > 290)
        assert subscriber.missed > 50
        assert subscriber.missed_why == {"no_replay": subscriber.missed}
        assert subscriber.last_seq - first > subscriber.missed
        assert "tcp://127.0.0.1:1 does not answer" in str(subscriber.note)


def test_who_waits_long_for_a_service_loses_nothing_of_its_beginning() -> None:
    with Publisher(ANY) as before:
        address = str(before.address)
    with Subscriber(address, start=0) as subscriber:
        assert subscriber.receive(4.0) is None
        publisher = Publisher(address, replay=ANY)
        for number in range(500):
            publisher.publish(warning(str(number)))
        # Only then is it connected, and misses these.
        with beating(publisher):
            events = upto(subscriber, is_note("499"))
    assert [event.seq for event in events] == list(range(500))
    assert subscriber.missed == 0


def test_a_service_without_replay_is_said_to_have_none_and_nothing_waits() -> None:
    with (
        beating(Publisher(ANY)) as publisher,
        Lossy(str(publisher.address), lambda seq: seq % 3 == 0) as way,
        Subscriber(way.address, fill_s=3600, start="snapshot") as subscriber,
    ):
        heard_first(subscriber)
        for number in range(300):
            publisher.publish(warning(str(number)))
        upto(subscriber, lambda event: event.kind == "warning" and int(event.text) > 290)
        assert subscriber.standing is None
        assert subscriber.missed_why["no_replay"] == subscriber.missed > 50
        assert "has no replay socket" in str(subscriber.note)


def test_a_number_from_the_future_is_said_to_be_none_and_the_oldest_come() -> None:
    with (
        beating(Publisher(ANY, replay=ANY)) as publisher,
        Subscriber(str(publisher.address), replay=publisher.replay, start=10**9) as subscriber,
    ):
        event = subscriber.receive(PATIENCE_S)
        assert event is not None
        assert event.seq == 0
        assert str(10**9) in str(subscriber.note)


def test_with_keys_only_who_has_them_is_given_anything(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    KeyFolder(keys).make("reader")
    with beating(Publisher(ANY, replay=ANY, keys=keys)) as publisher:
        for _ in range(500):
            publisher.publish(warning())
        with Subscriber(str(publisher.address), keys=keys, start=0) as subscriber:
            seqs = [event.seq for _ in range(500) if (event := subscriber.receive(PATIENCE_S))]
        assert seqs == list(range(500))
        context = zmq.Context()
        stranger = context.socket(zmq.DEALER)
        stranger.connect(str(publisher.replay))
        stranger.send(b'{"request": "snapshot"}')
        assert not stranger.poll(1000)
        stranger.close(0)
        context.term()


def test_lost_alive_and_lagging(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        beating(Publisher(ANY, replay=ANY)) as publisher,
        Subscriber(str(publisher.address), replay=publisher.replay) as subscriber,
    ):
        assert subscriber.state == "lost"
        heard_first(subscriber)
        while (event := subscriber.receive(PATIENCE_S)) is not None and event.kind != "heartbeat":
            pass
        assert subscriber.state == "alive"
        for number in range(3000):
            publisher.publish(warning(str(number)))
        deadline = time.monotonic() + PATIENCE_S
        # One event at a time with pauses is slower than they came.
        while subscriber.state == "alive" and time.monotonic() < deadline:
            assert subscriber.receive(1.0) is not None
            time.sleep(0.05)
        assert subscriber.state == "lagging"
        while subscriber.state == "lagging" and time.monotonic() < deadline:
            subscriber.receive(0.1)
        assert subscriber.state == "alive"
    monkeypatch.setattr("rtme.bus.subscriber.ALIVE_S", 0.0)
    assert subscriber.state == "lost"


def test_the_same_for_asyncio() -> None:
    async def listen(address: str, replay: str | None, publisher: Publisher) -> list[int]:
        async with AsyncSubscriber(address, replay=replay, start="snapshot", kinds=["warning"]) as subscriber:
            ticks = 0

            async def tick() -> None:
                nonlocal ticks
                while True:
                    ticks += 1
                    await asyncio.sleep(0.01)

            ticking = asyncio.create_task(tick())
            # What is cancelled while it waits loses nothing.
            for _ in range(20):
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(subscriber.receive(10), 0.02)
            for number in range(1000):
                publisher.publish(warning(str(number)))
            texts: list[int] = []
            async for event in subscriber:
                assert event.kind == "warning"
                texts.append(int(event.text))
                if texts[-1] == 999:
                    break
            ticking.cancel()
            assert ticks > 5, "others run meanwhile"
            assert subscriber.standing is not None
            assert (subscriber.missed, subscriber.state) == (0, "alive")
            assert subscriber.standing.seq == subscriber.last_seq
        assert await subscriber.receive(0.1) is None
        return texts

    with (
        beating(Publisher(ANY, replay=ANY)) as publisher,
        Lossy(str(publisher.address), lambda seq: seq % 2 == 0) as way,
    ):
        heard = asyncio.run(asyncio.wait_for(listen(way.address, publisher.replay, publisher), PATIENCE_S))
    assert heard == list(range(1000))
