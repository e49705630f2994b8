"""The client's side of the replay socket: asks, waits, asks again, and knows when to stop."""

import time

import zmq

from rtme.bus.address import split
from rtme.bus.curve import ClientKeys, secure_client
from rtme.bus.dead_peers import notice_dead_peers
from rtme.bus.following import Follower
from rtme.bus.protocol import (
    MOST_EVENTS,
    ErrorReply,
    ReplayReply,
    ReplayRequest,
    Reply,
    Request,
    dump,
    parse_reply,
)
from rtme.events import AnyEvent, UnknownEvent, read

RETRY_S = 2.0
LONGEST_RETRY_S = 8.0
# A way may be so slow that a full page takes minutes: pages begin small, and grow while they come in time.
FIRST_PAGE = 10
RESTART_S = 60.0
# Heartbeats come once a second and say where to ask.
SAID_S = 3.0
# Who waits for events looks here more often than that.
LOOK_S = 1.0
MOST_BYTES = 1 << 20


class Asking:
    """Asks for whatever a follower wants, one question at a time. Never waits.

    Args:
        context: For the socket.
        keys: Of the client, or None.
        address: ``tcp://host:port`` of the replay socket; None: the heartbeat says it.
        patience_s: How long a question may stay open before the follower must do without. Only time in which ``ask`` is
            called counts, not that in which the consumer is busy with something else.
        insist: Wait on as long as the service answers that it cannot give it now.

    Attributes:
        socket: Where the answer comes; None while there is none to wait for.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        keys: ClientKeys | None,
        address: str | None,
        patience_s: float,
        *,
        insist: bool = False,
    ) -> None:
        self.socket: zmq.Socket[bytes] | None = None
        self._context = context
        self._keys = keys
        self._address = address
        self._given = address is not None
        self._patience_s = patience_s
        self._insist = insist
        self._offered: bool | None = None
        self._looked = time.monotonic()
        self._now = 0.0
        self._number = 0
        self._open: set[int] = set()
        self._tries = 0
        self._ask_at = 0.0
        self._pause_s = RETRY_S
        self._page = FIRST_PAGE
        self._since: float | None = None
        self._not_now: str | None = None
        self._mute_until = 0.0
        self._malformed = 0

    def learn(self, service: str, port: int | None) -> None:
        """What a heartbeat of the service says of its replay socket."""
        self._offered = port is not None
        if self._given:
            return
        address = None if port is None else f"{service[: service.rindex(':')]}:{port}"
        if address != self._address:
            self._address = address
            self._hang_up()
            self._settle()

    @property
    def untold(self) -> bool:
        """Whether a heartbeat is still to say where to ask."""
        return self._address is None and self._offered is None

    def listen(self, follower: Follower) -> bool:
        """Hand on an answer, if one is there; whether one was."""
        answered = False
        while self.socket is not None:
            try:
                head, *bodies = self.socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                break
            try:
                reply = parse_reply(head)
                if isinstance(reply, ReplayReply) and reply.events != len(bodies):
                    raise ValueError("parts are missing")
            except ValueError:
                self._malformed += 1
                continue
            if reply.id not in self._open:
                continue
            self._take_note_of(reply)
            answered = True
            follower.answer(reply, self._events(bodies))
        return answered

    def ask(self, follower: Follower, *, alive: bool) -> None:
        """Ask what is to be asked, if it was not asked just now.

        Args:
            follower: Wants to know.
            alive: Whether the service is heard. One that is silent may be starting again, and nothing newer waits.
        """
        now = self._tick()
        wanted = follower.wanted()
        if wanted is None:
            self._settle()
            self._since = None
            return
        if not follower.holding:
            self._since = None  # Nobody waits for the answer but the one who asked.
        elif self._since is None:
            self._since = now
        waited_s = 0.0 if self._since is None else now - self._since
        alive = alive or self._not_now is not None
        patience_s = self._patience_s if alive else max(self._patience_s, RESTART_S)
        if self._address is None and alive:
            patience_s = min(patience_s, SAID_S)
        if self._address is None and self._offered is False:
            follower.give_up("no_replay", "the service has no replay socket, so what is missed cannot be had")
        elif waited_s >= patience_s and self._not_now is not None:
            follower.give_up("unavailable", self._not_now)
            self._settle()
            self._since = None
        elif now < self._mute_until or waited_s >= patience_s:
            if now >= self._mute_until:
                # Not each hole shall be waited for.
                self._mute_until = now + self._patience_s
                self._hang_up()
                self._settle()
            where = self._address or "the replay socket, of which no heartbeat has told,"
            follower.give_up("no_replay", f"{where} does not answer, so what is missed cannot be had")
        elif self._address is not None and now >= self._ask_at:
            self._send(wanted, self._address, now)

    def take_malformed(self) -> int:
        """Messages that were no answer or no event since the last call."""
        count, self._malformed = self._malformed, 0
        return count

    def close(self) -> None:
        """Let go of the context."""
        self._hang_up()

    def _send(self, wanted: Request, address: str, now: float) -> None:
        if self._tries > 0:
            self._page = max(1, self._page // 10)
            self._not_now = None
        if self._tries > 1:
            # A connection may be dead without knowing it; before, the answer may still be on its way.
            self._hang_up()
        self._ask_at = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_RETRY_S)
        self._tries += 1
        if self.socket is None:
            self.socket = self._connected(address)
        self._number += 1
        asked: dict[str, int] = {"id": self._number}
        if isinstance(wanted, ReplayRequest):
            asked["limit"] = min(wanted.limit, self._page)
        try:
            self.socket.send(dump(wanted.model_copy(update=asked)), zmq.DONTWAIT)
        except zmq.ZMQError:
            self._hang_up()
            return
        self._open.add(self._number)

    def _take_note_of(self, reply: Reply) -> None:
        self._mute_until = 0.0
        if isinstance(reply, ReplayReply) and reply.events == self._page and self._tries == 1:
            self._page = min(2 * self._page, MOST_EVENTS)
        self._settle()
        if not isinstance(reply, ErrorReply) or reply.code == "future":
            self._since = None
            return
        self._ask_at = self._tick() + RETRY_S
        if reply.code == "unavailable":
            self._not_now = reply.error
            if self._insist:
                self._since = None

    def _settle(self) -> None:
        """Nothing is asked; what still comes was asked in vain."""
        self._open.clear()
        self._tries = 0
        self._ask_at = 0.0
        self._pause_s = RETRY_S
        self._not_now = None

    def _tick(self) -> float:
        """Seconds that were spent asking."""
        looked = time.monotonic()
        self._now += min(looked - self._looked, LOOK_S)
        self._looked = looked
        return self._now

    def _events(self, bodies: list[bytes]) -> list[AnyEvent | UnknownEvent]:
        events = []
        for body in bodies:
            try:
                events.append(read(body))
            except ValueError:
                self._malformed += 1
        return events

    def _hang_up(self) -> None:
        self._open.clear()
        if self.socket is not None:
            self.socket.close(0)
            self.socket = None

    def _connected(self, address: str) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.DEALER)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.MAXMSGSIZE, MOST_BYTES)
        notice_dead_peers(socket)
        if ":" in split(address)[0]:
            socket.set(zmq.IPV6, 1)
        if self._keys is not None:
            secure_client(socket, self._keys)
        socket.connect(address)
        return socket
