"""What comes over the wire, from a service that is broken, newer or none of ours."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fuzzing import as_json, fuzzed, given_inputs, json_values, mutated, spoiled
from made_events import heartbeat, interval, mark, sight, trace, warning
from rtme.bus.address import bindable, split
from rtme.bus.subscriber import Subscriber
from rtme.capture.urls import redact, safe_name
from rtme.errors import BusError
from rtme.events import (
    AnyEvent,
    FaceEvent,
    GapEvent,
    SpeakerEvent,
    StateEvent,
    TruthEvent,
    WarningEvent,
    dump,
    parse,
    topic,
)
from rtme.traces import Shown, read_parts
from rtme.view.curves import collect_curves

EVENTS: list[AnyEvent] = [
    interval(),
    warning(),
    heartbeat(),
    SpeakerEvent(stream="cam", id="2", face=1, state="speaking", start=mark(1), confidence=0.5),
    FaceEvent(stream="cam", face=1, status="not_judged", reason="too small"),
    StateEvent(stream="cam", state="live", at=mark(3), system_ms=1.5),
    GapEvent(stream="cam", cause="dropped", count=3, start=mark(1), end=mark(3)),
    TruthEvent(stream="cam", what="me", start=mark(1), end=mark(3)),
]
BODIES = [dump(event.model_copy(update={"run_id": "r", "seq": 1})) for event in EVENTS]
bodies = (
    spoiled([json.loads(body) for body in BODIES]).map(as_json) | mutated(BODIES) | json_values.map(as_json)
)
bodies |= st.binary(max_size=100)


@fuzzed(0.2)
@given(body=bodies)
def test_a_body_is_an_event_or_refused(body: bytes) -> None:
    given_inputs["wire: rtme.events.parse"] += 1
    try:
        event = parse(body)
    except ValidationError:
        return
    again = dump(event)
    json.loads(again, parse_constant=pytest.fail)
    assert parse(again) == event, "what was understood can be passed on"
    topic(event).encode()


SHOWN = [Shown(trace(3)), Shown(sight(), b"jpeg")]
shown_bodies = spoiled([json.loads(one.parts()[1]) for one in SHOWN]).map(as_json)
shown_bodies |= mutated([one.parts()[1] for one in SHOWN]) | json_values.map(as_json)


@fuzzed(0.1)
@given(
    topic=st.sampled_from([one.topic.encode() for one in SHOWN]) | st.binary(max_size=20), body=shown_bodies
)
def test_what_is_shown_is_understood_or_refused(topic: bytes, body: bytes) -> None:
    given_inputs["wire: rtme.traces.read_parts"] += 1
    try:
        shown = read_parts([topic, body])
    except ValueError:
        return
    assert read_parts(shown.parts()) == shown
    collect_curves([shown])


class Wire:
    """A bare PUB socket, and a subscriber that has heard it."""

    def __init__(self, subscriber: Subscriber, publisher: "zmq.Socket[bytes]") -> None:
        self._subscriber = subscriber
        self._publisher = publisher
        self._number = 0

    def pass_on(self, messages: list[list[bytes]]) -> None:
        """Send these, then a good event, and read until that one."""
        self._number += 1
        run_id = f"sentinel {self._number}"
        good = warning("good").model_copy(update={"run_id": run_id, "seq": 0})
        for parts in messages:
            self._publisher.send_multipart(parts)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            self._publisher.send_multipart([topic(good).encode(), dump(good)])
            while (event := self._subscriber.receive(0.05)) is not None:
                if event.run_id == run_id:
                    return
        raise AssertionError("the good event never arrived")


@contextmanager
def wire() -> Iterator[Wire]:
    context = zmq.Context()
    publisher = context.socket(zmq.PUB)
    publisher.set(zmq.SNDHWM, 0)
    publisher.bind("tcp://127.0.0.1:*")
    try:
        with Subscriber(publisher.get_string(zmq.LAST_ENDPOINT)) as subscriber:
            yield Wire(subscriber, publisher)
    finally:
        publisher.close(0)
        context.term()


@pytest.fixture(scope="module")
def line() -> Iterator[Wire]:
    with wire() as made:
        made.pass_on([])
        yield made


heads = st.sampled_from([b"rtme.cam.warning", b"rtme.", b"rtme._service.heartbeat"]) | st.binary(
    max_size=8
).map(lambda rest: b"rtme." + rest)
messages = st.tuples(heads, bodies).map(list) | st.tuples(heads, st.lists(bodies, max_size=3)).map(
    lambda both: [both[0], *both[1]]
)


@fuzzed(0.01)
@given(several=st.lists(messages, min_size=5, max_size=20))
def test_a_subscriber_lives_through_whatever_is_sent(line: Wire, several: list[list[bytes]]) -> None:
    given_inputs["wire: Subscriber through a socket"] += len(several)
    line.pass_on(several)


_hosts = st.text(max_size=20) | st.sampled_from(["127.0.0.1", "[::1]", "localhost", "*", "cam.local"])
addresses = st.text(max_size=30) | st.tuples(_hosts, st.integers(-1, 70000) | st.text(max_size=6)).map(
    lambda pair: f"tcp://{pair[0]}:{pair[1]}"
)


@fuzzed(0.05)
@given(address=addresses)
def test_an_address_is_one_or_refused(address: str) -> None:
    given_inputs["addresses"] += 1
    try:
        host, port = split(address)
        bindable(address)
    except BusError:
        return
    assert host
    assert port == "*" or 0 <= int(port) <= 65535


SECRET = "Ge7heim"
_odd = st.text(
    st.characters(exclude_characters="@", exclude_categories=["Zs", "Zl", "Zp", "Cc", "Cs"]), max_size=8
)


@fuzzed(0.05)
@given(scheme=st.sampled_from(["rtsp", "http", "srt", "tcp"]), user=_odd, before=_odd, after=_odd, rest=_odd)
def test_a_password_is_never_printed(scheme: str, user: str, before: str, after: str, rest: str) -> None:
    given_inputs["camera addresses"] += 1
    whole = "".join(c for c in f"{user}:{before}{SECRET}{after}" if c not in "'\"<>")
    url = f"{scheme}://{whole}@host/{rest}"
    assert SECRET not in redact(f"cannot open {url}: refused")
    assert SECRET not in safe_name(url)
    assert safe_name(url)


def test_the_good_event_of_the_test_is_one() -> None:
    with wire() as made:
        made.pass_on([])
    assert isinstance(parse(dump(warning("good"))), WarningEvent)
