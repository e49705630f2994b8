"""How long a subscriber waits for what it missed: on a slow way, while the journal fails, and while nobody reads."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.talk import ANY, PATIENCE_S, SlowWay, beating, is_note, upto
from made_events import heartbeat, stored, warning
from rtme import Subscriber
from rtme.bus import asking
from rtme.bus.following import HELD
from rtme.bus.journal import Journal
from rtme.bus.publisher import Publisher


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A journal with 50 events of an earlier run."""
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.append([stored(warning(str(number)), number, "first") for number in range(50)])
    return path


@pytest.fixture
def service(kept: Path) -> Iterator[Publisher]:
    with (
        Journal(kept) as journal,
        beating(Publisher(ANY, "second", journal=journal, replay=ANY)) as publisher,
    ):
        yield publisher


def until_told(subscriber: Subscriber, words: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while words not in str(subscriber.note):
        assert subscriber.receive(0.1) is None
        assert time.monotonic() < deadline


def whole(subscriber: Subscriber, publisher: Publisher) -> None:
    """Everything came from number 0 on."""
    publisher.publish(warning("last"))
    events = upto(subscriber, is_note("last"))
    assert [event.seq for event in events] == list(range(len(events)))
    assert subscriber.missed == 0


def test_a_way_on_which_a_full_page_takes_longer_than_anybody_waits_loses_nothing() -> None:
    with beating(Publisher(ANY, replay=ANY)) as publisher:
        for number in range(1200):
            publisher.publish(warning(f"{number} {'x' * 1000}"))
        with (
            SlowWay(publisher.replay, 150_000) as way,
            Subscriber(str(publisher.address), replay=way.address, start=0) as subscriber,
        ):
            whole(subscriber, publisher)


def test_an_hour_in_which_nobody_read_is_no_reason_to_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Later:
        @staticmethod
        def monotonic() -> float:
            return time.monotonic() + 3600

    with (
        beating(Publisher(ANY, replay=ANY)) as publisher,
        SlowWay(publisher.replay, 0) as way,
        Subscriber(str(publisher.address), replay=way.address, start=0, fill_s=30) as subscriber,
    ):
        while not subscriber.alive:
            assert subscriber.receive(0.1) is None
        monkeypatch.setattr(asking, "time", Later)
        assert subscriber.receive(0.5) is None
        way.rate = 1e9
        whole(subscriber, publisher)


def test_a_journal_that_can_be_read_again_in_time_costs_nothing(kept: Path, service: Publisher) -> None:
    away = kept.rename(kept.with_name("away"))
    with Subscriber(
        str(service.address), replay=service.replay, start=0, run_id="first", fill_s=PATIENCE_S
    ) as subscriber:
        until_told(subscriber, "there is no journal")
        assert subscriber.receive(5) is None
        away.rename(kept)
        whole(subscriber, service)


def test_a_journal_that_stays_unreadable_is_waited_for_no_longer_than_told(
    kept: Path, service: Publisher
) -> None:
    kept.rename(kept.with_name("away"))
    with Subscriber(
        str(service.address), replay=service.replay, start=0, run_id="first", fill_s=1
    ) as subscriber:
        event = subscriber.receive(PATIENCE_S)
        assert event is not None
        assert event.run_id == "second"
        assert subscriber.missed_why == {"unavailable": 50}
        assert "there is no journal" in str(subscriber.note)


def test_who_insists_waits_as_long_as_the_service_says_not_now(kept: Path, service: Publisher) -> None:
    away = kept.rename(kept.with_name("away"))
    with Subscriber(
        str(service.address), replay=service.replay, start=0, run_id="first", fill_s=3, insist=True
    ) as subscriber:
        until_told(subscriber, "there is no journal")
        assert subscriber.receive(8) is None
        away.rename(kept)
        whole(subscriber, service)


def test_what_waits_for_the_journal_is_not_lost(kept: Path, service: Publisher) -> None:
    somebody = sqlite3.connect(kept, isolation_level=None)
    somebody.execute("BEGIN IMMEDIATE")
    # More than is kept in memory.
    for begin in range(0, 11_000, 1000):
        for number in range(begin, begin + 1000):
            service.publish(warning(str(number)))
        while service.last_seq < 50 + begin + 1000:
            time.sleep(0.01)
    with Subscriber(
        str(service.address), replay=service.replay, start=0, run_id="first", fill_s=PATIENCE_S
    ) as subscriber:
        events = upto(subscriber, lambda event: event.seq == 49)
        until_told(subscriber, "number 50 waits to be written")
        somebody.execute("ROLLBACK")
        somebody.close()
        events += upto(subscriber, is_note("10999"))
        assert [event.seq for event in events] == list(range(len(events)))
        assert subscriber.missed == 0


def test_a_burst_in_which_no_heartbeat_says_whom_to_ask_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than is held comes before the heartbeat, which must be heard all the same."""
    monkeypatch.setattr(asking, "SAID_S", PATIENCE_S)  # as long as a busy machine may take for it
    count = HELD + 2_000
    with (
        Journal(tmp_path / "journal") as journal,
        Publisher(ANY, journal=journal, replay=ANY, capacity=2 * count) as publisher,
    ):
        publisher.publish(warning("before anybody listens"))
        with Subscriber(str(publisher.address), start=0) as subscriber:
            deadline = time.monotonic() + PATIENCE_S
            while publisher.subscribers < 1:
                assert time.monotonic() < deadline
                assert subscriber.receive(0.01) is None
            for number in range(count):
                publisher.publish(warning(str(number)))
                if number % 400 == 0:
                    assert subscriber.receive(0.01) is None
            publisher.publish(heartbeat())
            whole(subscriber, publisher)
