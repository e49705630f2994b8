import subprocess
import sys
import threading
import time

import pytest
import zmq

from made_events import heartbeat, interval, join, mark, warning
from rtme.bus.publisher import Publisher
from rtme.bus.subscriber import Subscriber
from rtme.errors import BusError
from rtme.events import AnyEvent, HeartbeatEvent, StateEvent


def test_seq_has_no_holes_and_each_thread_keeps_its_order() -> None:
    sent: list[AnyEvent] = []
    with Publisher("tcp://127.0.0.1:*", run_id="run", on_sent=sent.append) as publisher:
        assert publisher.address is not None
        with Subscriber(publisher.address) as subscriber:
            join(publisher, subscriber)
            first = publisher.last_seq + 1

            def work(name: str) -> None:
                for number in range(300):
                    publisher.publish(warning(str(number), stream=name))

            threads = [threading.Thread(target=work, args=(f"cam{n}",)) for n in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            received = [subscriber.receive(10) for _ in range(6 * 300)]
            assert subscriber.missed == 0
    assert [event.seq for event in received if event] == list(range(first, first + 6 * 300))
    assert {event.run_id for event in received if event} == {"run"}
    for n in range(6):
        texts = [event.text for event in received if event and event.stream == f"cam{n}"]  # type: ignore[union-attr]
        assert texts == [str(number) for number in range(300)]
    assert received == sent[first:]


def test_who_sends_more_than_a_subscriber_has_to_say_is_hung_up_on() -> None:
    with Publisher("tcp://127.0.0.1:*") as publisher, zmq.Context() as context:
        with context.socket(zmq.SUB) as stranger:
            ends = stranger.get_monitor_socket(zmq.EVENT_DISCONNECTED)
            stranger.subscribe(b"x" * 10_000)
            stranger.connect(str(publisher.address))
            assert ends.poll(60_000)
            stranger.disable_monitor()
        with Subscriber(str(publisher.address)) as subscriber:
            join(publisher, subscriber)


def test_what_waits_is_sent_before_close_returns() -> None:
    sent: list[AnyEvent] = []
    publisher = Publisher(None, on_sent=sent.append)
    for number in range(2000):
        publisher.publish(warning(str(number)))
    assert publisher.close(30)
    assert [event.seq for event in sent] == list(range(2000))
    assert publisher.last_seq == 1999
    assert publisher.close(1), "closing twice is harmless"


def test_after_close_events_are_counted_as_dropped() -> None:
    publisher = Publisher(None)
    publisher.close()
    publisher.publish(warning())
    assert (publisher.dropped, publisher.last_seq) == (1, -1)


def test_system_ms_is_the_age_of_the_newest_frame_when_sent_unless_already_known() -> None:
    sent: list[AnyEvent] = []
    before = time.monotonic_ns()
    with Publisher(None, on_sent=sent.append) as publisher:
        publisher.publish(StateEvent(stream="cam", state="live", at=mark(1, before - 20_000_000)))
        publisher.publish(StateEvent(stream="cam", state="live", at=mark(2, before), system_ms=7.0))
        publisher.publish(StateEvent(stream="cam", state="live"))
        assert publisher.close(10)
        after = time.monotonic_ns()
        first, second, third = sent
        assert first.system_ms is not None
        assert 20.0 <= first.system_ms <= 20.0 + (after - before) / 1e6
        assert second.system_ms == 7.0
        assert third.system_ms is None
        percentiles = publisher.latency("cam")
        assert percentiles is not None
        assert percentiles.p50 == 7.0
        assert percentiles.max == first.system_ms
        assert publisher.latency("another") is None


def test_the_event_that_was_given_is_not_changed() -> None:
    event = warning()
    with Publisher(None) as publisher:
        publisher.publish(event)
    assert (event.seq, event.run_id) == (-1, "")


def test_a_heartbeat_carries_the_number_sent_before_it() -> None:
    sent: list[AnyEvent] = []
    with Publisher(None, on_sent=sent.append) as publisher:
        publisher.publish(warning())
        publisher.publish(warning())
        publisher.publish(heartbeat())
    assert isinstance(sent[2], HeartbeatEvent)
    assert (sent[2].seq, sent[2].last_seq) == (2, 1)


def test_a_full_queue_drops_what_may_be_dropped_and_keeps_room_for_the_rest() -> None:
    sent: list[AnyEvent] = []
    entered, release = threading.Event(), threading.Event()

    def hold(event: AnyEvent) -> None:
        sent.append(event)
        entered.set()
        assert release.wait(30)

    publisher = Publisher(None, on_sent=hold, capacity=10, reserve=4)
    publisher.publish(warning("held in on_sent"))
    assert entered.wait(10)
    for _ in range(4):
        publisher.publish(heartbeat())
        publisher.publish(interval("provisional"))
    assert publisher.dropped == 2, "six places are for everything"
    for status in ("confirmed", "closed", "retracted"):
        publisher.publish(interval(status))
    publisher.publish(StateEvent(stream="cam", state="ended"))
    assert publisher.dropped == 2, "four are kept for what must not be lost"
    publisher.publish(warning("one too many"))
    assert publisher.dropped == 3
    assert not publisher.close(0.1), "it says when it could not send everything in time"
    release.set()
    assert publisher.close(30)
    assert [event.seq for event in sent] == list(range(11)), "what was dropped leaves no hole"
    assert [event.kind for event in sent[7:]] == ["interval"] * 3 + ["state"]


def test_a_subscriber_that_never_reads_holds_nobody_up() -> None:
    count = 30_000
    context = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.set(zmq.RCVHWM, 1)
    socket.subscribe(b"")
    sent: list[int] = []
    try:
        with Publisher(
            "tcp://127.0.0.1:*", on_sent=lambda e: sent.append(e.seq), capacity=count
        ) as publisher:
            assert publisher.address is not None
            socket.connect(publisher.address)
            while not socket.poll(50):
                publisher.publish(warning("are you there?"))
            for _ in range(count // 2):
                publisher.publish(interval())
            assert publisher.close(60)
    finally:
        socket.close(0)
        context.term()
    assert publisher.dropped == 0
    assert sent == list(range(len(sent)))
    assert len(sent) > count // 2


def test_a_tap_that_fails_stops_the_publisher_and_the_next_publish_says_why() -> None:
    def fail(event: AnyEvent) -> None:
        raise ValueError("the disk is full")

    publisher = Publisher(None, on_sent=fail)
    publisher.publish(warning())
    assert not publisher.close(10)
    with pytest.raises(BusError, match="the disk is full"):
        publisher.publish(warning())


def test_a_port_in_use_is_one_sentence() -> None:
    with Publisher("tcp://127.0.0.1:*") as first:
        with pytest.raises(BusError, match=r"in use.*another port"):
            Publisher(first.address)
        address = first.address
    Publisher(address).close()  # free again after the first one closed


@pytest.mark.parametrize(
    "address", ["tcp://0.0.0.0:*", "tcp://*:5556", "tcp://192.0.2.1:5556", "tcp://[::]:5556"]
)
def test_an_address_others_can_reach_is_refused(address: str) -> None:
    with pytest.raises(BusError, match="other machines"):
        Publisher(address)


def test_an_address_others_can_reach_is_bound_when_asked_for() -> None:
    with Publisher("tcp://0.0.0.0:*", insecure=True) as publisher:
        assert publisher.address is not None
        with Subscriber(publisher.address.replace("0.0.0.0", "127.0.0.1")) as subscriber:
            join(publisher, subscriber)


@pytest.mark.parametrize(
    "address", ["", "5556", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "udp://127.0.0.1:1", "tcp://a b:5556"]
)
def test_what_is_no_address_is_one_sentence(address: str) -> None:
    with pytest.raises(BusError, match="tcp://host:port"):
        Publisher(address)


@pytest.mark.parametrize(
    "address", ["rtsp://user:se@cret@camera:554/path", "user:se@cret@camera:554", "user:se\n@cret@camera"]
)
def test_a_password_in_a_wrong_address_is_not_repeated(address: str) -> None:
    with pytest.raises(BusError) as caught:
        Publisher(address)
    assert "cret" not in str(caught.value)
    assert "user" not in str(caught.value)


def test_localhost_can_be_bound() -> None:
    with Publisher("tcp://localhost:*") as publisher:
        assert publisher.address is not None
        assert publisher.address.startswith("tcp://127.0.0.1:")


def test_an_address_of_another_machine_cannot_be_bound() -> None:
    with pytest.raises(BusError, match="address of this machine"):
        Publisher("tcp://192.0.2.1:5556", insecure=True)


OUT_OF_DESCRIPTORS = """
import os, resource
from rtme.bus.publisher import Publisher
from rtme.errors import BusError

Publisher(None).close()
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
try:
    Publisher("tcp://127.0.0.1:*")
except BusError as error:
    print(error)
for handle in held:
    os.close(handle)
with Publisher("tcp://127.0.0.1:*") as publisher:
    print(publisher.address is not None)
"""


def test_no_descriptor_left_is_a_sentence_and_no_end() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OUT_OF_DESCRIPTORS], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    said, afterwards = done.stdout.splitlines()
    assert "no file descriptor is left" in said
    assert "ulimit" in said
    assert afterwards == "True"
