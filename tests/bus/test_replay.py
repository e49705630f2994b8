"""The replay socket, asked by plain sockets as any language would."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from made_events import interval, warning
from rtme.bus import protocol
from rtme.bus.journal import Journal, Stored
from rtme.bus.protocol import MOST_EVENTS, MOST_REPLY_BYTES
from rtme.bus.replay import Record, ReplayServer, replay_address
from rtme.errors import BusError
from rtme.events import AnyEvent, StateEvent, dump

DOCS = Path(__file__).resolve().parents[2] / "docs"
ANY = "tcp://127.0.0.1:*"


class Client:
    """A REQ socket, with patience."""

    def __init__(self, address: str, kind: int = zmq.REQ) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(kind)
        self.socket.set(zmq.LINGER, 0)
        self.socket.set(zmq.RCVTIMEO, 30_000)
        self.socket.connect(address)

    def ask(self, request: object) -> tuple[dict[str, object], list[bytes]]:
        self.send(request)
        return self.receive()

    def send(self, request: object) -> None:
        self.socket.send(request if isinstance(request, bytes) else json.dumps(request).encode())

    def receive(self) -> tuple[dict[str, object], list[bytes]]:
        head, *events = self.socket.recv_multipart()
        return json.loads(head), events

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close(0)
        self.context.term()


def give(server: ReplayServer, events: list[AnyEvent], run_id: str = "run", first: int = 0) -> list[bytes]:
    bodies = []
    for seq, event in enumerate(events, first):
        numbered = event.model_copy(update={"run_id": run_id, "seq": seq})
        bodies.append(dump(numbered))
        server.note(numbered, bodies[-1])
    return bodies


def journalled(journal: Journal, run_id: str, count: int) -> list[bytes]:
    first = journal.next_seq
    bodies = [dump(warning().model_copy(update={"run_id": run_id, "seq": first + n})) for n in range(count)]
    journal.append([Stored(first + n, run_id, "cam", "warning", 0, body) for n, body in enumerate(bodies)])
    return bodies


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    server = ReplayServer(ANY, "run", keep_events=100)
    yield server
    server.close()


def test_events_come_in_pages_as_they_were_sent(server: ReplayServer) -> None:
    bodies = give(server, [warning(str(n)) for n in range(30)])
    with Client(server.address) as client:
        reply, events = client.ask({"request": "replay", "from": 5, "limit": 10, "id": "mine"})
        assert events == bodies[5:15]
        assert reply == {
            "schema": 1, "reply": "replay", "id": "mine", "run_id": "run", "first_seq": 0, "last_seq": 29,
            "oldest": 0, "journal": False, "from": 5, "events": 10, "next": 15, "gone": [],
        }  # fmt: skip
        reply, events = client.ask({"request": "replay", "from": 15})
        assert (events, reply["next"]) == (bodies[15:], 30)
        reply, events = client.ask({"request": "replay", "from": 30})
        assert (events, reply["next"], reply["gone"]) == ([], 30, [])


def test_a_page_is_bounded_by_events_and_by_bytes_but_holds_one_at_least() -> None:
    server = ReplayServer(ANY, "run", keep_events=5 * MOST_EVENTS)
    try:
        give(server, [warning() for _ in range(2 * MOST_EVENTS)])
        give(server, [warning("x" * 400_000) for _ in range(5)], first=2 * MOST_EVENTS)
        give(server, [warning("y" * 2 * MOST_REPLY_BYTES)], first=2 * MOST_EVENTS + 5)
        with Client(server.address) as client:
            assert len(client.ask({"request": "replay", "from": 0, "limit": 10**9})[1]) == MOST_EVENTS
            assert len(client.ask({"request": "replay", "from": 2 * MOST_EVENTS})[1]) == 2
            assert len(client.ask({"request": "replay", "from": 2 * MOST_EVENTS + 5})[1]) == 1
    finally:
        server.close()


def test_without_a_journal_what_memory_no_longer_holds_is_said_to_be_gone(server: ReplayServer) -> None:
    bodies = give(server, [warning(str(n)) for n in range(250)])
    with Client(server.address) as client:
        reply, events = client.ask({"request": "replay", "from": 10, "limit": 5})
    assert events == bodies[150:155]
    assert (reply["oldest"], reply["next"], reply["journal"]) == (150, 155, False)
    assert reply["gone"] == [{"first": 10, "last": 149, "why": "memory"}]


def test_with_a_journal_older_events_and_earlier_runs_come_from_it(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        before = journalled(journal, "first", 50)
        server = ReplayServer(ANY, "second", journal.next_seq, journal.path, keep_events=10)
        try:
            own = journalled(journal, "second", 40)
            assert own == give(server, [warning() for _ in range(40)], "second", 50)
            with Client(server.address) as client:
                got: list[bytes] = []
                due = 0
                while due < 90:
                    reply, events = client.ask({"request": "replay", "from": due, "limit": 7})
                    assert reply["gone"] == []
                    got += events
                    due = int(str(reply["next"]))
                assert got == before + own
                assert (reply["first_seq"], reply["oldest"], reply["journal"]) == (50, 0, True)
        finally:
            server.close()


def test_what_was_removed_and_what_was_never_written_are_told_apart(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        journal.take(20)
        journalled(journal, "run", 10)
        journal.take(35)
        journalled(journal, "run", 5)
        server = ReplayServer(ANY, "next", journal.next_seq, journal.path)
        try:
            with Client(server.address) as client:
                reply, events = client.ask({"request": "replay", "from": 3})
                assert len(events) == 15
                assert reply["gone"] == [
                    {"first": 3, "last": 19, "why": "retention"},
                    {"first": 30, "last": 34, "why": "not_journalled"},
                ]
                assert (reply["oldest"], reply["next"], reply["last_seq"]) == (20, 40, 39)
        finally:
            server.close()


def test_what_the_journal_lacks_comes_from_memory(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        server = ReplayServer(ANY, "run", 0, journal.path, keep_events=20)
        try:
            journalled(journal, "run", 10)
            bodies = give(server, [warning() for _ in range(25)])
            with Client(server.address) as client:
                assert client.ask({"request": "replay", "from": 0})[1] == bodies[:5]
                assert client.ask({"request": "replay", "from": 5})[1] == bodies[5:]
        finally:
            server.close()


def test_a_journal_that_is_lost_is_said_and_memory_serves_on(tmp_path: Path) -> None:
    server = ReplayServer(ANY, "run", 0, tmp_path / "nowhere", keep_events=20)
    try:
        bodies = give(server, [warning() for _ in range(30)])
        with Client(server.address) as client:
            reply, _ = client.ask({"request": "replay", "from": 0, "id": 7})
            assert (reply["reply"], reply["code"], reply["id"]) == ("error", "unavailable", 7)
            assert "nowhere" in str(reply["error"])
            assert client.ask({"request": "replay", "from": 10})[1] == bodies[10:]
    finally:
        server.close()


def test_what_waits_for_the_journal_is_not_said_to_be_gone(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        before = journalled(journal, "first", 10)
        server = ReplayServer(ANY, "run", journal.next_seq, journal.path, keep_events=20)
        try:
            bodies = give(server, [warning() for _ in range(50)], first=10)
            with Client(server.address) as client:
                assert client.ask({"request": "replay", "from": 0})[1] == before
                reply, _ = client.ask({"request": "replay", "from": 10})
                assert (reply["reply"], reply["code"]) == ("error", "unavailable")
                assert str(journal.path) in str(reply["error"])
                assert client.ask({"request": "replay", "from": 40})[1] == bodies[30:], "memory has these"
                assert journalled(journal, "run", 30) == bodies[:30]
                assert client.ask({"request": "replay", "from": 10})[1] == bodies[:30]
        finally:
            server.close()


def test_what_memory_gives_up_just_before_it_is_read_comes_from_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal(tmp_path / "journal") as journal:
        server = ReplayServer(ANY, "run", 0, journal.path, keep_events=2)
        read = Record.read

        def send(count: int) -> list[bytes]:
            first = journal.next_seq
            journalled(journal, "run", count)
            return give(server, [warning() for _ in range(count)], first=first)

        def read_late(record: Record, first: int, limit: int) -> object:
            send(1)
            return read(record, first, limit)

        try:
            bodies = send(3)
            monkeypatch.setattr(Record, "read", read_late)
            with Client(server.address) as client:
                reply, events = client.ask({"request": "replay", "from": 1, "limit": 1})
            assert (reply["gone"], events) == ([], bodies[1:2])
        finally:
            server.close()


def looped(folder: Path) -> Path:
    path = folder / "loop"
    path.symlink_to(path)
    return path


@pytest.mark.parametrize(
    "journal", [looped, lambda folder: folder / os.fsdecode(b"no text \xff")], ids=["loop", "bytes"]
)
def test_whatever_becomes_of_the_journal_everybody_is_answered(
    tmp_path: Path, journal: Callable[[Path], Path]
) -> None:
    server = ReplayServer(ANY, "run", 0, journal(tmp_path), keep_events=20)
    try:
        bodies = give(server, [warning() for _ in range(30)])
        with Client(server.address) as client:
            for _ in range(2):
                assert client.ask({"request": "replay", "from": 0})[0]["code"] == "unavailable"
                assert client.ask(b"")[0]["code"] == "bad_request"
                assert client.ask({"request": "snapshot"})[0]["reply"] == "snapshot"
                assert client.ask({"request": "replay", "from": 10})[1] == bodies[10:]
    finally:
        server.close()


def test_a_number_from_the_future_is_said_to_be_one(server: ReplayServer) -> None:
    give(server, [warning()] * 3)
    with Client(server.address) as client:
        reply, events = client.ask({"request": "replay", "from": 4})
    assert (reply["reply"], reply["code"], reply["last_seq"], events) == ("error", "future", 2, [])
    assert "4" in str(reply["error"])


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        (b"", "JSON"),
        (b"\xff\xfe\x00", "JSON"),
        (b"[" * 3000, "JSON"),
        (b"null", "object"),
        (b"[]", "object"),
        ({}, "request"),
        ({"request": "events"}, "'replay', 'snapshot'"),
        ({"request": "replay"}, "from"),
        ({"request": "replay", "from": -1}, "from"),
        ({"request": "replay", "from": "5"}, "from"),
        ({"request": "replay", "from": 5.5}, "from"),
        ({"request": "replay", "from": True}, "from"),
        ({"request": "replay", "from": 2**70}, "from"),
        ({"request": "replay", "from": 0, "limit": 0}, "limit"),
        ({"request": "replay", "from": 0, "id": {}}, "id"),
        ({"request": "replay", "from": 0, "id": "x" * 1000}, "id"),
        ({"request": "replay", "form": 0, "from": 0}, "form"),
        ({"request": "snapshot", "from": 0}, "from"),
    ],
)
def test_garbage_is_answered_with_what_is_wrong_about_it(
    server: ReplayServer, request_: object, named: str
) -> None:
    with Client(server.address) as client:
        reply, events = client.ask(request_)
        assert (reply["reply"], reply["code"], events) == ("error", "bad_request", [])
        assert named in str(reply["error"])
        assert client.ask({"request": "snapshot"})[0]["reply"] == "snapshot", "it serves on"


def test_a_request_of_many_parts_or_none_is_answered(server: ReplayServer) -> None:
    with Client(server.address, zmq.DEALER) as client:
        client.socket.send_multipart([b"{}", b"{}"])
        assert "one part" in str(client.receive()[0]["error"])
        client.socket.send_multipart([b""])
        # An empty part is what REQ begins with, and the reply carries it back.
        empty, head = client.socket.recv_multipart()
        assert (empty, json.loads(head)["code"]) == (b"", "bad_request")


def test_a_request_that_is_too_long_is_not_even_read(server: ReplayServer) -> None:
    with Client(server.address) as client:
        client.send({"request": "snapshot", "id": "x" * 10_000})
        assert not client.socket.poll(500)
    with Client(server.address) as client:
        assert client.ask({"request": "snapshot"})[0]["reply"] == "snapshot"


def test_a_snapshot_and_the_events_after_it_are_all_that_is_to_be_known(server: ReplayServer) -> None:
    give(server, [StateEvent(stream="cam", state="live"), interval("provisional"), interval("closed")])
    give(server, [interval("confirmed", stream="desk")], first=3)
    with Client(server.address) as client:
        reply, events = client.ask({"request": "snapshot", "id": 1})
    assert events == []
    standing = reply["standing"]
    assert isinstance(standing, dict)
    assert (standing["run_id"], standing["seq"], reply["last_seq"]) == ("run", 3, 3)
    assert standing["streams"]["cam"]["state"]["state"] == "live"
    assert standing["streams"]["cam"]["intervals"] == {}
    assert standing["streams"]["desk"]["intervals"]["1"]["status"] == "confirmed"


def test_a_snapshot_is_never_between_two_events(server: ReplayServer) -> None:
    over = threading.Event()

    def talk() -> None:
        seq = 0
        while not over.is_set():
            for status in ("provisional", "closed"):
                event = interval(status, onset=seq, offset=seq + 5)
                give(server, [event.model_copy(update={"id": f"i{seq // 2}"})], first=seq)
                seq += 1

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        with Client(server.address) as client:
            for _ in range(50):
                standing = client.ask({"request": "snapshot"})[0]["standing"]
                assert isinstance(standing, dict)
                seq = standing["seq"]
                ids = set(standing["streams"]["cam"]["intervals"]) if seq >= 0 else set()
                assert ids == ({f"i{seq // 2}"} if seq % 2 == 0 else set())
    finally:
        over.set()
        thread.join()


def test_clients_that_vanish_or_never_read_cost_nothing(server: ReplayServer) -> None:
    give(server, [warning("x" * 10_000) for _ in range(100)])
    context = zmq.Context()
    greedy = context.socket(zmq.DEALER)
    greedy.set(zmq.LINGER, 0)
    greedy.set(zmq.RCVHWM, 1)
    greedy.set(zmq.RCVBUF, 4096)
    greedy.connect(server.address)
    try:
        for _ in range(100):
            client = Client(server.address, zmq.DEALER)
            client.send({"request": "replay", "from": 0})
            client.__exit__()
            if greedy.poll(0, zmq.POLLOUT):
                greedy.send(b'{"request": "replay", "from": 0}')
        with Client(server.address) as client:
            assert len(client.ask({"request": "replay", "from": 0})[1]) > 50
            deadline = time.monotonic() + 30
            while server.unread == 0 and time.monotonic() < deadline:
                if greedy.poll(0, zmq.POLLOUT):
                    greedy.send(b'{"request": "replay", "from": 0}')
                assert client.ask({"request": "snapshot"})[0]["reply"] == "snapshot"
        assert server.unread > 0, "what does not fit into its queue is dropped and counted"
    finally:
        greedy.close(0)
        context.term()


def test_a_port_in_use_is_one_sentence(server: ReplayServer) -> None:
    with pytest.raises(BusError, match=r"in use.*--replay"):
        ReplayServer(server.address, "other")


def test_others_may_not_reach_it_without_keys() -> None:
    with pytest.raises(BusError, match="other machines"):
        ReplayServer("tcp://0.0.0.0:*", "run")
    ReplayServer("tcp://0.0.0.0:*", "run", insecure=True).close()


@pytest.mark.parametrize(
    ("bind", "replay", "address"),
    [
        ("tcp://127.0.0.1:5556", None, "tcp://127.0.0.1:5557"),
        ("tcp://[::1]:9", None, "tcp://[::1]:10"),
        ("tcp://127.0.0.1:*", None, "tcp://127.0.0.1:*"),
        ("tcp://127.0.0.1:0", None, "tcp://127.0.0.1:*"),
        ("tcp://127.0.0.1:5556", "tcp://127.0.0.1:9000", "tcp://127.0.0.1:9000"),
        ("tcp://127.0.0.1:65535", "none", None),
    ],
)
def test_it_is_the_port_after_unless_said_otherwise(
    bind: str, replay: str | None, address: str | None
) -> None:
    assert replay_address(bind, replay) == address


def test_there_is_no_port_after_the_last() -> None:
    with pytest.raises(BusError, match="--replay"):
        replay_address("tcp://127.0.0.1:65535", None)


def test_the_published_schema_is_current() -> None:
    # Remake it with: python -c "import json, rtme.bus.protocol as p; print(json.dumps(p.json_schema(), indent=2))"
    assert json.loads((DOCS / "replay.schema.json").read_text()) == protocol.json_schema()


def test_the_page_names_every_field() -> None:
    page = (DOCS / "events.md").read_text()
    definitions = protocol.json_schema()["$defs"]
    assert isinstance(definitions, dict)
    missing = {f for d in definitions.values() for f in d.get("properties", {}) if f"`{f}`" not in page}
    assert not missing
