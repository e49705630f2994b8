"""What is only shown: over real sockets, beside the events."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from made_events import mark, sight, trace
from rtme.bus.publisher import Publisher
from rtme.bus.subscriber import Subscriber
from rtme.bus.watching import AsyncOnlooker, Onlooker
from rtme.events import StateEvent
from rtme.traces import Shown, Sight, Trace, json_schema, read_parts
from rtme.view.curves import collect_curves

DOCS = Path(__file__).parents[2] / "docs"


def heard(onlooker: Onlooker, publisher: Publisher, *shown: Shown) -> list[Shown]:
    """What arrives of that; it is shown until the first arrives, as a connection takes its time."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for one in shown:
            publisher.show(one)
        if (first := onlooker.receive(0.2)) is not None:
            found = [first]
            while (more := onlooker.receive(0.3)) is not None:
                found.append(more)
            return found
    raise AssertionError("nothing arrived")


def test_traces_and_pictures_arrive_and_the_subscriber_of_events_gets_neither() -> None:
    with Publisher("tcp://127.0.0.1:*", previews=True) as publisher:
        assert publisher.address
        with Onlooker(publisher.address, previews=True) as onlooker, Subscriber(publisher.address) as events:
            found = heard(onlooker, publisher, Shown(trace(0)), Shown(sight(), b"jpeg"))
            publisher.publish(StateEvent(stream="cam", state="live"))
            while (event := events.receive(5.0)) is not None and event.kind != "state":
                pass
    assert event is not None
    assert events.malformed == 0
    assert onlooker.malformed == 0
    kinds = {type(one.message) for one in found}
    assert kinds == {Trace, Sight}
    (picture,) = {one.picture for one in found if isinstance(one.message, Sight)}
    assert picture == b"jpeg"
    assert {one.message.run_id for one in found} == {publisher.run_id}


def test_pictures_do_not_leave_unless_they_were_asked_for() -> None:
    tapped: list[Shown] = []
    with Publisher("tcp://127.0.0.1:*", on_shown=tapped.append) as publisher:
        assert publisher.address
        with Onlooker(publisher.address, previews=True) as onlooker:
            found = heard(onlooker, publisher, Shown(sight(), b"jpeg"), Shown(trace(0)))
    assert {type(one.message) for one in found} == {Trace}
    assert Sight in {type(one.message) for one in tapped}


def test_what_is_shown_has_no_number() -> None:
    numbers: list[int] = []
    with Publisher(
        None, on_sent=lambda event: numbers.append(event.seq), on_shown=lambda _: None
    ) as publisher:
        for n in range(5):
            publisher.publish(StateEvent(stream="cam", state="live", at=mark(n)))
            publisher.show(Shown(trace(n)))
    assert numbers == [0, 1, 2, 3, 4]


async def _first(address: str, publisher: Publisher) -> Shown:
    async with AsyncOnlooker(address) as onlooker:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            publisher.show(Shown(trace(0)))
            if (found := await onlooker.receive(0.2)) is not None:
                return found
    raise AssertionError("nothing arrived")


def test_asyncio_hears_the_same() -> None:
    import asyncio

    with Publisher("tcp://127.0.0.1:*") as publisher:
        assert publisher.address
        found = asyncio.run(_first(publisher.address, publisher))
    assert isinstance(found.message, Trace)
    assert found.message.frame == [0, 1, 2]


@pytest.mark.parametrize(
    "parts",
    [[b"rtme-trace.cam"], [b"rtme-trace.cam", b"{}"], [b"x", *Shown(trace(0)).parts()[1:]], [b""] * 4],
)
def test_what_is_no_such_message_is_refused(parts: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"parts|topic|validation"):
        read_parts(parts)


def test_lists_of_different_lengths_are_refused() -> None:
    head, body = Shown(trace(0)).parts()
    with pytest.raises(ValueError, match="different lengths"):
        read_parts([head, body.replace(b'"frame":[0,1,2]', b'"frame":[0,1]')])


def test_pieces_become_one_curve() -> None:
    (curve,) = collect_curves([Shown(trace(0)), Shown(sight()), Shown(trace(3))])
    assert curve.frame.tolist() == [0, 1, 2, 3, 4, 5]
    assert np.isnan(curve.score[[0, 3]]).all()
    assert curve.score[[1, 2, 4, 5]].tolist() == [0.5] * 4
    assert curve.yaw.tolist() == [1.0] * 6


def test_the_schema_in_the_documents_is_the_models() -> None:
    assert json.loads((DOCS / "traces.schema.json").read_text()) == json_schema()
