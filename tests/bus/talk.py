"""A service with a pulse, somebody who listens to it, and a way between the two that is slow."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from made_events import heartbeat
from rtme import Subscriber
from rtme.bus.address import split
from rtme.bus.publisher import Publisher
from rtme.events import AnyEvent

ANY = "tcp://127.0.0.1:*"
PATIENCE_S = 60.0


@contextmanager
def beating(publisher: Publisher) -> Iterator[Publisher]:
    """A publisher with a pulse, as a service has one."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(0.05):
            publisher.publish(heartbeat())

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield publisher
    finally:
        over.set()
        thread.join()
        publisher.close(10)


def upto(subscriber: Subscriber, wanted: Callable[[AnyEvent], bool]) -> list[AnyEvent]:
    """Every event up to the one that is wanted."""
    events: list[AnyEvent] = []
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if (event := subscriber.receive(1.0)) is not None:
            events.append(event)
            if wanted(event):
                return events
    raise AssertionError(f"not heard: {subscriber.note}, after {subscriber.last_seq}")


def is_note(text: str) -> Callable[[AnyEvent], bool]:
    """Whether an event is the warning of these words."""
    return lambda event: event.kind == "warning" and event.text == text


class SlowWay:
    """Passes TCP on; what comes back passes at ``rate`` bytes a second, and while that is 0 not at all."""

    def __init__(self, address: str | None, rate: float) -> None:
        host, port = split(str(address))
        self._target = host, int(port)
        self.rate = rate
        self._over = threading.Event()
        self._ends: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(0.1)
        self.address = f"tcp://127.0.0.1:{self._listening.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listening.accept()
            except TimeoutError:
                continue
            client.settimeout(None)
            service = socket.socket()
            # What is on the way is not yet here.
            service.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            service.connect(self._target)
            self._ends += [client, service]
            for how in ((client, service, False), (service, client, True)):
                self._threads.append(threading.Thread(target=self._pass_on, args=how))
                self._threads[-1].start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, slow: bool) -> None:
        with suppress(OSError):
            while not self._over.is_set():
                if slow and self.rate == 0:
                    time.sleep(0.02)
                elif data := source.recv(2048):
                    sink.sendall(data)
                    time.sleep(len(data) / self.rate if slow and self.rate else 0)
                else:
                    break
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "SlowWay":
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._threads[0].join()
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in [*self._ends, self._listening]:
            end.close()
