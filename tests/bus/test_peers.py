import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import zmq

from made_events import heartbeat
from rtme.bus.address import split
from rtme.bus.door import Door
from rtme.bus.publisher import Publisher
from rtme.bus.subscriber import Subscriber

LISTEN = (
    "import sys; from rtme.bus.subscriber import Subscriber; s = Subscriber(sys.argv[1])\nfor e in s: pass"
)


def comes_to(publisher: Publisher, subscribers: int) -> bool:
    """Whether so many are counted before long; it counts when something is sent."""
    return within_a_minute(
        lambda: (publisher.publish(heartbeat()), publisher.status().subscribers)[1] == subscribers
    )


def within_a_minute(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.05)
    return False


def test_who_listens_is_counted_until_it_leaves_or_dies() -> None:
    with Publisher("tcp://127.0.0.1:*") as publisher:
        assert publisher.address is not None
        assert publisher.status().subscribers == 0
        with Subscriber(publisher.address):
            assert comes_to(publisher, 1)
            process = subprocess.Popen([sys.executable, "-c", LISTEN, publisher.address])
            assert comes_to(publisher, 2)
            process.kill()
            process.wait(30)
            assert comes_to(publisher, 1)
        assert comes_to(publisher, 0)


def test_a_stranger_that_leaves_is_not_counted_any_more() -> None:
    with Publisher("tcp://127.0.0.1:*") as publisher:
        assert publisher.address is not None
        host, port = split(publisher.address)
        for _ in range(3):
            with socket.create_connection((host, int(port))) as stranger:
                stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
                assert comes_to(publisher, 1) or comes_to(publisher, 0)
        with Subscriber(publisher.address):
            assert comes_to(publisher, 1)
        assert comes_to(publisher, 0)


def test_a_connection_whose_other_end_has_no_name_is_counted_and_closed(tmp_path: Path) -> None:
    """As a descriptor of this process looks that has the number of a connection which is closed already."""
    with zmq.Context() as context:
        bound, stranger = context.socket(zmq.PUB), context.socket(zmq.SUB)
        door = Door(bound, None, lambda _: None)
        bound.bind(f"ipc://{tmp_path / 'door'}")
        stranger.connect(f"ipc://{tmp_path / 'door'}")
        assert within_a_minute(lambda: door.connections == 1)
        stranger.close(0)
        assert within_a_minute(lambda: door.connections == 0)
        bound.close(0)
        door.close()


def test_status_counts_what_was_sent_and_what_waits() -> None:
    with Publisher(None) as publisher:
        for _ in range(3):
            publisher.publish(heartbeat())
        assert within_a_minute(lambda: publisher.status().sent == {("_service", "heartbeat"): 3})
        assert within_a_minute(lambda: publisher.status().behind_s == 0.0)
        status = publisher.status()
        assert (status.waiting, status.unsent, status.failure) == (0, 0, None)
        assert status.subscribers is None


def test_status_tells_how_long_a_stuck_publisher_is_behind_and_why_a_dead_one_is() -> None:
    sending, freed = threading.Event(), threading.Event()

    def stuck(_: object) -> None:
        sending.set()
        freed.wait(60)
        raise ZeroDivisionError("a bug")

    publisher = Publisher(None, on_sent=stuck)
    publisher.publish(heartbeat())
    assert sending.wait(60)
    publisher.publish(heartbeat())
    assert within_a_minute(lambda: publisher.status().behind_s > 0.2)
    assert publisher.status().waiting == 1
    freed.set()
    assert within_a_minute(lambda: publisher.status().failure == "ZeroDivisionError: a bug")
    publisher.close()
