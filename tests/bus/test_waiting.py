"""How long a subscriber waits for what it missed: on a slow way, while the journal fails, and while nobody reads."""

import time

import pytest

from bus.talk import ANY, SlowWay, beating, is_note, upto
from made_events import warning
from rtme import Subscriber
from rtme.bus import asking
from rtme.bus.publisher import Publisher


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