"""Who gets in and who does not, between real sockets; and that both sides say why."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from made_events import join, warning
from rtme.bus.curve import ALLOWED, KeyFolder
from rtme.bus.door import Refusals
from rtme.bus.publisher import Publisher
from rtme.bus.subscriber import Subscriber
from rtme.errors import BusError
from rtme.events import AnyEvent, WarningEvent

PATIENCE_S = 60.0
LOOPBACK = "tcp://127.0.0.1:*"


class Heard:
    """Warnings of a service about itself."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, event: AnyEvent) -> None:
        if isinstance(event, WarningEvent) and event.stream == "_service":
            self.texts.append(event.text)

    def wait_for(self, words: str) -> str:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if found := [text for text in self.texts if words in text]:
                return found[0]
            time.sleep(0.02)
        raise AssertionError(f"the service never said {words!r}; it said {self.texts}")


@pytest.fixture
def server(tmp_path: Path) -> KeyFolder:
    return made(tmp_path / "server")


@pytest.fixture
def client(tmp_path: Path, server: KeyFolder) -> KeyFolder:
    """Keys of another machine, which trusts the service."""
    folder = made(tmp_path / "client")
    folder.trust(server.server().public, "127.0.0.1")
    return folder


def made(path: Path) -> KeyFolder:
    folder = KeyFolder(path)
    folder.make(path.name)
    return folder


@contextmanager
def meeting(
    server: KeyFolder | None, client: KeyFolder | None, bind: str = LOOPBACK
) -> Iterator[tuple[Publisher, Subscriber, Heard]]:
    heard = Heard()
    with Publisher(bind, keys=server and server.path, on_sent=heard) as publisher:
        assert publisher.address is not None
        with Subscriber(publisher.address, keys=client and client.path) as subscriber:
            yield publisher, subscriber, heard


def refused(publisher: Publisher, subscriber: Subscriber) -> str:
    """What the client is told; nothing reaches it before."""

    def listen() -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            publisher.publish(warning("for those who may read it"))
            assert subscriber.receive(0.1) is None

    with pytest.raises(BusError) as caught:
        listen()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def joined(publisher: Publisher, subscriber: Subscriber) -> None:
    """The client gets in, whatever it is told before."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        publisher.publish(warning())
        try:
            if subscriber.receive(0.1) is not None:
                return
        except BusError:
            continue
    raise AssertionError("the client never got in")


def test_the_right_key_gets_in(server: KeyFolder, client: KeyFolder) -> None:
    server.allow(client.client().public, "desk")
    with meeting(server, client) as (publisher, subscriber, heard):
        join(publisher, subscriber)
        assert publisher.subscribers == 1
        assert publisher.insecure is None
        subscriber.close()
        deadline = time.monotonic() + PATIENCE_S
        while publisher.subscribers and time.monotonic() < deadline:
            time.sleep(0.02)
        assert publisher.subscribers == 0
    assert heard.texts == []


def test_a_client_of_the_same_folder_gets_in(server: KeyFolder) -> None:
    with meeting(server, server) as (publisher, subscriber, _):
        join(publisher, subscriber)


def test_a_folder_that_cannot_be_read_lets_nobody_in_until_it_can(
    server: KeyFolder, client: KeyFolder, tmp_path: Path
) -> None:
    server.allow(client.client().public)
    heard = Heard()
    with Publisher(LOOPBACK, keys=server.path, on_sent=heard) as publisher:
        hidden = server.path.rename(tmp_path / "elsewhere")
        # Root may search any folder; but nobody can ask for a name that is too long.
        server.path.symlink_to("x" * 300)
        with Subscriber(str(publisher.address), keys=client.path) as subscriber:
            heard.wait_for(f"nobody can be let in: {server.path}")
            server.path.unlink()
            hidden.rename(server.path)
            joined(publisher, subscriber)


def test_what_travels_is_encrypted(server: KeyFolder) -> None:
    """Read what passes by between the two, as anybody on the way could."""
    secret = "spoken in confidence"
    for keys, readable in ((None, True), (server, False)):
        with Publisher(LOOPBACK, keys=keys and keys.path) as publisher, Wire(publisher.address) as wire:
            with Subscriber(wire.address, keys=keys and keys.path) as subscriber:
                join(publisher, subscriber)
                publisher.publish(warning(secret))
                assert subscriber.receive(PATIENCE_S) is not None
            assert (secret.encode() in wire.seen()) is readable


class Wire:
    """A relay of one connection that keeps what passes."""

    def __init__(self, address: str | None) -> None:
        assert address is not None
        self._to = int(address.rpartition(":")[2])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._seen = bytearray()
        self._ends: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        near, _ = self._listener.accept()
        far = socket.create_connection(("127.0.0.1", self._to))
        self._ends += [near, far]
        back = threading.Thread(target=self._relay, args=(far, near))
        back.start()
        self._relay(near, far)
        back.join()

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._seen += data
                sink.sendall(data)
        self._hang_up()

    def _hang_up(self) -> None:
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def seen(self) -> bytes:
        return bytes(self._seen)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()
        self._thread.join(PATIENCE_S)
        for end in (*self._ends, self._listener):
            end.close()


def test_an_unknown_client_is_refused_until_it_is_allowed(server: KeyFolder, client: KeyFolder) -> None:
    own = client.client().public
    with meeting(server, client) as (publisher, subscriber, heard):
        said = refused(publisher, subscriber)
        assert f"`rtme keys allow '{own}' --name client`" in said
        told = heard.wait_for(own)
        assert told.startswith("127.0.0.1 ")
        assert f"rtme keys allow '{own}'" in told
        server.allow(own, "desk")
        joined(publisher, subscriber)
        assert subscriber.malformed == 0


def test_who_was_revoked_gets_in_no_more_from_the_next_connection_on(
    server: KeyFolder, client: KeyFolder
) -> None:
    server.allow(client.client().public, "desk")
    with meeting(server, client) as (publisher, subscriber, _):
        join(publisher, subscriber)
        server.revoke("desk")
        with Subscriber(str(publisher.address), keys=client.path) as again:
            assert "refused this key" in refused(publisher, again)


def test_a_list_that_cannot_be_read_lets_nobody_in_and_says_so(server: KeyFolder, client: KeyFolder) -> None:
    server.allow(client.client().public, "desk")
    with meeting(server, None) as (publisher, _, heard):
        (server.path / ALLOWED).write_text("desk = 'spoiled'")
        with Subscriber(str(publisher.address), keys=client.path) as subscriber:
            assert "refused this key" in refused(publisher, subscriber)
            assert str(server.path / ALLOWED) in heard.wait_for("nobody can be let in")
            (server.path / ALLOWED).unlink()
            server.allow(client.client().public, "desk")
            joined(publisher, subscriber)


def test_another_service_in_its_place_is_not_believed(tmp_path: Path, client: KeyFolder) -> None:
    false = made(tmp_path / "false")
    false.allow(client.client().public)
    with meeting(false, client) as (publisher, subscriber, heard):
        said = refused(publisher, subscriber)
        assert "its key differs from the trusted one" in said
        assert client.trusted()["127.0.0.1"] in said
        assert "rtme keys trust" in said
        assert "127.0.0.1" in said
        assert false.server().public in heard.wait_for("expects another key")
        assert subscriber.run_id is None


def test_a_client_without_keys_is_told_that_they_are_wanted(server: KeyFolder) -> None:
    with meeting(server, None) as (publisher, subscriber, heard):
        said = refused(publisher, subscriber)
        assert "wants keys" in said
        assert "rtme keys new" in said
        heard.wait_for("came without keys")


def test_a_client_with_keys_is_told_that_there_are_none(client: KeyFolder) -> None:
    with meeting(None, client) as (publisher, subscriber, heard):
        # Whichever side hangs up first decides how much the other learns.
        assert "has no keys" in refused(publisher, subscriber)
        heard.wait_for("this service has none")


def test_a_service_that_comes_back_with_keys_is_noticed(server: KeyFolder) -> None:
    first = Publisher(LOOPBACK)
    with Subscriber(str(first.address)) as subscriber:
        join(first, subscriber)
        first.close(10)
        with Publisher(first.address, keys=server.path) as second:
            assert "wants keys" in refused(second, subscriber)
        with Publisher(first.address) as third:
            joined(third, subscriber)


def test_what_is_no_subscriber_is_told_and_harms_nobody(server: KeyFolder) -> None:
    with meeting(server, server) as (publisher, subscriber, heard):
        join(publisher, subscriber)
        port = int(str(publisher.address).rpartition(":")[2])
        for said in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 64, bytes(200)):
            with socket.create_connection(("127.0.0.1", port)) as other:
                other.sendall(said)
        heard.wait_for("subscriber")
        join(publisher, subscriber)
        assert publisher.subscribers == 1


@pytest.mark.parametrize("server_keys", [True, False])
def test_a_plain_zeromq_program_with_the_keys_reads_along(
    server: KeyFolder, client: KeyFolder, server_keys: bool
) -> None:
    """Nothing of rtme is needed on the other side."""
    server.allow(client.client().public)
    context = zmq.Context()
    plain = context.socket(zmq.SUB)
    if server_keys:
        plain.curve_serverkey = server.server().public.encode()
        plain.curve_publickey = client.client().public.encode()
        plain.curve_secretkey = client.client().secret.encode()
    plain.subscribe(b"rtme.cam.")
    try:
        with Publisher(LOOPBACK, keys=server.path if server_keys else None) as publisher:
            plain.connect(str(publisher.address))
            deadline = time.monotonic() + PATIENCE_S
            while not plain.poll(50):
                assert time.monotonic() < deadline
                publisher.publish(warning("hello"))
            topic, body = plain.recv_multipart()
    finally:
        plain.close(0)
        context.term()
    assert topic == b"rtme.cam.warning"
    assert b"hello" in body


def skip_without_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")


def test_ipv6(server: KeyFolder, client: KeyFolder) -> None:
    skip_without_ipv6()
    client.trust(server.server().public, "[::1]")
    with meeting(server, client, "tcp://[::1]:*") as (publisher, subscriber, heard):
        assert "refused this key" in refused(publisher, subscriber)
        assert heard.wait_for("rtme keys allow").startswith("::1 ")
        server.allow(client.client().public)
        joined(publisher, subscriber)


def test_with_keys_others_may_reach_it(server: KeyFolder) -> None:
    with Publisher("tcp://0.0.0.0:*", keys=server.path) as publisher:
        assert publisher.insecure is None
        address = str(publisher.address).replace("0.0.0.0", "127.0.0.1")
        with Subscriber(address, keys=server.path) as subscriber:
            join(publisher, subscriber)


def test_the_keys_of_the_default_folder_are_taken_where_others_can_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    KeyFolder().make("desk")
    with Publisher("tcp://0.0.0.0:*") as publisher:
        address = str(publisher.address).replace("0.0.0.0", "127.0.0.1")
        with Subscriber(address) as without:
            assert "wants keys" in refused(publisher, without)
        with Subscriber(address, keys=KeyFolder().path) as subscriber:
            join(publisher, subscriber)


def test_an_open_address_without_keys_names_what_to_do_and_what_it_means() -> None:
    with pytest.raises(BusError, match=r"rtme keys new.*--insecure"):
        Publisher("tcp://0.0.0.0:*")
    with Publisher("tcp://0.0.0.0:*", insecure=True) as publisher:
        assert publisher.insecure is not None
        assert "read every event" in publisher.insecure
    with Publisher(LOOPBACK, insecure=True) as publisher:
        assert publisher.insecure is None


def test_an_address_in_use_leaves_nothing_behind(server: KeyFolder) -> None:
    with Publisher(LOOPBACK, keys=server.path) as publisher, pytest.raises(BusError, match="in use"):
        Publisher(publisher.address, keys=server.path)
    Publisher(publisher.address, keys=server.path).close(10)


@pytest.fixture
def told() -> list[str]:
    return []


def test_the_same_refusal_is_told_once_a_minute(told: list[str]) -> None:
    now = 0.0
    refusals = Refusals(told.append, lambda: now)
    for tenth in range(650):
        now = tenth / 10
        refusals.add("192.0.2.7", "was refused")
    assert told == [
        "192.0.2.7 was refused",
        "192.0.2.7 was refused (599 more refusals since the last that was told)",
    ]


@given(steps=st.lists(st.tuples(st.integers(0, 99), st.floats(0, 30)), max_size=300))
def test_however_many_come_few_are_told_and_none_is_forgotten(steps: list[tuple[int, float]]) -> None:
    now = 0.0
    told: list[tuple[float, str]] = []

    def tell(text: str) -> None:
        told.append((now, text))

    refusals = Refusals(tell, lambda: now)
    for who, pause in steps:
        now += pause
        refusals.add(f"host-{who}", "was refused")
    for at, _ in told:
        assert len([text for when, text in told if at <= when < at + 59.9]) <= 20
    counted = sum(1 + int(text.split("(")[1].split()[0] if "(" in text else 0) for _, text in told)
    now += 61
    refusals.add("last", "was refused")
    rest = told[-1][1]
    assert counted + int(rest.split("(")[1].split()[0] if "(" in rest else 0) == len(steps)
