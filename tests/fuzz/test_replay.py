"""What is asked of the replay socket, by a client that is broken, newer or none of ours."""

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from fuzzing import as_json, fuzzed, given_inputs, json_values, mutated, spoiled
from made_events import warning
from rtme.events import dump

protocol = pytest.importorskip("rtme.bus.protocol", reason="this version has no replay socket")
replay = pytest.importorskip("rtme.bus.replay", reason="this version has no replay socket")

REQUESTS = [{"request": "replay", "from": 3, "limit": 5, "id": "a"}, {"request": "snapshot", "id": 1}]
requests = spoiled(REQUESTS).map(as_json) | mutated([as_json(each) for each in REQUESTS])
requests |= json_values.map(as_json) | st.binary(max_size=50)


@fuzzed(0.1)
@given(request=requests)
def test_a_request_is_one_or_refused(request: bytes) -> None:
    given_inputs["replay: requests"] += 1
    with suppress(ValueError):
        known = protocol.parse_request(request)
        assert protocol.parse_request(protocol.dump(known)) == known


class Asker:
    """A service's replay socket with ten events, and a bare socket that asks it."""

    def __init__(self, address: str, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        self._socket = context.socket(zmq.DEALER)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.RCVTIMEO, 60_000)
        self._socket.connect(address)
        self._number = 0

    def ask(self, several: list[list[bytes]]) -> list[dict[str, object]]:
        """Send these, then a good request; what came back up to its reply."""
        self._number += 1
        for parts in several:
            self._socket.send_multipart(parts)
        self._socket.send_multipart(
            [b"", as_json({"request": "replay", "from": 0, "id": f"good {self._number}"})]
        )
        replies: list[dict[str, object]] = []
        while not replies or replies[-1]["id"] != f"good {self._number}":
            # With or without the empty part before it, as it was asked.
            parts = self._socket.recv_multipart()
            replies.append(json.loads(parts[1] if parts[0] == b"" else parts[0], parse_constant=pytest.fail))
        return replies

    def close(self) -> None:
        self._socket.close(0)


@pytest.fixture(scope="module")
def asker() -> Iterator[Asker]:
    server = replay.ReplayServer("tcp://127.0.0.1:*", "run")
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    for seq in range(10):
        event = warning().model_copy(update={"run_id": "run", "seq": seq})
        server.note(event, dump(event))
    client = Asker(server.address, context)
    yield client
    client.close()
    context.term()
    server.close()


framed = requests.map(lambda request: [b"", request]) | st.lists(
    requests | st.just(b""), min_size=1, max_size=4
)


@fuzzed(0.005)
@given(several=st.lists(framed, min_size=5, max_size=20))
def test_whatever_is_asked_the_next_good_request_is_answered(
    asker: Asker, several: list[list[bytes]]
) -> None:
    given_inputs["replay: through a socket"] += len(several)
    *others, last = asker.ask(several)
    assert (last["reply"], last["events"], last["next"]) == ("replay", 10, 10)
    assert {str(each["reply"]) for each in others} <= {"replay", "snapshot", "error"}
    assert len(others) <= len(several)
