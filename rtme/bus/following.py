"""Each event once and in order, whatever got lost on the way. No socket, no clock."""

from collections import Counter, deque
from collections.abc import Sequence
from itertools import takewhile

from rtme.bus.protocol import (
    MOST_EVENTS,
    ErrorReply,
    Gone,
    ReplayReply,
    ReplayRequest,
    Reply,
    Request,
    SnapshotReply,
    SnapshotRequest,
)
from rtme.bus.standing import Standing
from rtme.errors import BusError
from rtme.events import AnyEvent, HeartbeatEvent, UnknownEvent

HELD = 10_000
"""Events that are kept while they cannot be handed on yet; then no more should be heard."""
RUNS = 100
LAG_NS = 1_000_000_000

Numbered = AnyEvent | UnknownEvent
"""What has a number; who reads with ``take`` decides what to do with what is not known."""


class Follower:
    """Puts what is heard and what is replayed into one order.

    It is told what comes (``hear``, ``answer``), says what to ask for (``wanted``) and hands on events (``take``). When
    what it wants cannot be had, ``give_up`` makes it count that as missed and go on.

    Args:
        start: ``now``: begin with the first event that is heard; ``snapshot``: with how things stand; a number: with the
            event of that number.
        run_id: The run of the event before ``start``, where that is a number: without a journal numbers begin at 0 in
            each run, and only this tells whose they are.

    Attributes:
        missed: Events that were sent and could not be had.
        missed_why: The same by reason.
        restarts: How often the service came back as another run.
        run_id: The run of the newest event taken, None before the first.
        last_seq: Its number, -1 before the first.
        standing: How things stand with the newest event taken; None unless begun from a snapshot.
        note: What went wrong last, in words; None when nothing did.

    Raises:
        BusError: ``start`` is none of these.
    """

    def __init__(self, start: str | int = "now", run_id: str | None = None) -> None:
        if (isinstance(start, str) and start not in ("now", "snapshot")) or (
            isinstance(start, int) and not 0 <= start < 2**63
        ):
            raise BusError(f"start is {start!r}: give `now`, `snapshot` or the number of the first event")
        self.missed = 0
        self.missed_why: Counter[str] = Counter()
        self.restarts = 0
        self.run_id = run_id
        self.last_seq = -1
        self.standing: Standing | None = None
        self.note: str | None = None
        self._run = run_id
        self._next = 0
        self._begun = False
        self._asking = start == "snapshot"
        self._catching_up = False
        if isinstance(start, int):
            self.last_seq = start - 1
            self._next = start
            self._begun = self._catching_up = True
        self._ready: deque[Numbered] = deque()
        self._held: deque[Numbered] = deque()
        self._left: deque[str] = deque(maxlen=RUNS)
        self._going_on: deque[str] = deque(maxlen=RUNS)
        self._beats: deque[tuple[HeartbeatEvent, int]] = deque(maxlen=HELD)

    @property
    def full(self) -> bool:
        """Whether so much waits that no more should be heard."""
        return len(self._held) + len(self._ready) >= HELD

    @property
    def holding(self) -> bool:
        """Whether events wait for what is missing before them."""
        return bool(self._held)

    def lagging(self, now_ns: int) -> bool:
        """Whether something that was sent over a second ago, by a heartbeat heard since, was not taken yet."""
        return bool(self._beats) and now_ns - self._beats[0][1] > LAG_NS

    def hear(self, event: Numbered, now_ns: int) -> None:
        """Take in an event as it was published."""
        if isinstance(event, HeartbeatEvent):
            self._beats.append((event, now_ns))
        self._held.append(event)
        self._advance()

    def take(self) -> Numbered | None:
        """The next event, None when there is none yet."""
        if not self._ready:
            return None
        event = self._ready.popleft()
        self.restarts += self.run_id not in (None, event.run_id)
        self.run_id, self.last_seq = event.run_id, event.seq
        if self.standing is not None:
            self.standing.fold(event)
        while self._beats and (
            self._beats[0][0].run_id != event.run_id or self._beats[0][0].seq <= event.seq
        ):
            self._beats.popleft()
        return event

    def wanted(self) -> Request | None:
        """What to ask the replay socket for now."""
        if self._asking:
            return SnapshotRequest()
        if not self._begun or len(self._ready) >= MOST_EVENTS:
            return None
        if self._catching_up:
            return ReplayRequest(from_=self._next, limit=MOST_EVENTS)
        if not self._held:
            return None
        hole = self._held[0].seq - self._next if self._in_order(self._held[0]) else MOST_EVENTS
        return ReplayRequest(from_=self._next, limit=min(hole, MOST_EVENTS))

    def answer(self, reply: Reply, events: Sequence[Numbered]) -> None:
        """Take in what the replay socket answered to ``wanted``.

        Args:
            reply: The reply.
            events: Its events; one that cannot be read may be left out.
        """
        match reply:
            case SnapshotReply() if self._asking:
                self._begin_with(reply.standing)
            case ReplayReply() | ErrorReply(code="future") if self._begun and not self._asking:
                self._follow(reply, events)
            case ErrorReply(code="unavailable"):
                self.note = reply.error  # It may be had later; who asks decides how long to wait.
            case ErrorReply():
                self.give_up("no_replay", reply.error)
            case _:
                pass
        self._advance()

    def give_up(self, why: str, note: str) -> None:
        """Do without what is wanted.

        Args:
            why: Under which reason to count it.
            note: What is wrong, in words.
        """
        self.note = note
        if not self._held:
            return  # Nothing waits for it, so it may be wanted on.
        if not self._asking:
            self._go_without(self._held[0], why)
        self._asking = self._catching_up = False
        self._advance()

    def _begin_with(self, standing: Standing) -> None:
        self.standing = standing
        self.run_id, self.last_seq = standing.run_id, standing.seq
        self._run, self._next = standing.run_id, standing.seq + 1
        self._begun, self._asking, self._catching_up = True, False, True
        # Should they be of a newer run, they are asked for when more of it is heard.
        self._held = deque(event for event in self._held if event.run_id == standing.run_id)

    def _follow(self, reply: ReplayReply | ErrorReply, events: Sequence[Numbered]) -> None:
        due = self._next
        if reply.run_id in self._left or (isinstance(reply, ReplayReply) and reply.from_ != due):
            return  # It took so long that it answers nothing any more.
        another = self._run is not None and reply.run_id != self._run
        older = self._older_than(reply)
        anew = reply.first_seq < due or any(event.seq >= reply.first_seq for event in older)
        if isinstance(reply, ErrorReply) or (another and anew):
            # Numbers begin again: there was no journal, or it was lost.
            begin = reply.first_seq if another else reply.oldest
            if due:
                self.note = f"number {due} is of an earlier count, or was never sent: going on from {begin}"
            self._begin_anew(reply.run_id, begin)
            return
        if another:
            # Its numbers go on from those before, and so do those of runs that came and went meanwhile.
            runs = [reply.run_id, *(event.run_id for event in older)]
            self._going_on += [run for run in dict.fromkeys(runs) if run not in self._going_on]
        for event in events:
            self._pass_to(event.seq, reply.gone)
            if event.seq == self._next:
                self._hand_on(event)
        self._pass_to(reply.next, reply.gone)
        if self._next > reply.first_seq or self._run is None:
            self._enter(reply.run_id)
        if self._next > reply.last_seq:
            self._catching_up = False
        if self._held and not self._catching_up:
            self._settle_head(due)

    def _older_than(self, reply: Reply) -> list[Numbered]:
        """What is held of runs before the one that answers. Higher numbers in a journal are of a newer one."""
        return list(
            takewhile(
                lambda event: (
                    event.run_id != reply.run_id and not (reply.journal and event.seq >= reply.first_seq)
                ),
                self._held,
            )
        )

    def _settle_head(self, due: int) -> None:
        """All that there is has been given, so the oldest event that is held needs no other answer."""
        head = self._held[0]
        if not self._in_order(head):
            # Of an older run; should it be of a newer one, it is asked for when more of that is heard.
            self._held = deque(event for event in self._held if event.run_id != head.run_id)
        elif self._next == due < head.seq:
            self._go_without(head, "unreadable")

    def _advance(self) -> None:
        """Hand on what is held as far as nothing is missing."""
        while self._held and not self._asking:
            event = self._held[0]
            if event.run_id in self._left:
                self._held.popleft()
                continue
            if not self._begun:
                self._begun, self._next = True, event.seq
            if not self._in_order(event):
                return
            # Before the first answer, a low number may be the beginning of another count.
            if event.seq > self._next or (
                self._catching_up and (self._run is None or event.seq == self._next)
            ):
                return
            self._held.popleft()
            if event.seq == self._next:
                self._hand_on(event)

    def _in_order(self, event: Numbered) -> bool:
        """Whether its number is known to be of the numbers that are followed."""
        return self._run in (None, event.run_id) or event.run_id in self._going_on

    def _hand_on(self, event: Numbered) -> None:
        self._enter(event.run_id)
        self._next = event.seq + 1
        self._ready.append(event)

    def _enter(self, run_id: str) -> None:
        if self._run not in (None, run_id):
            self._left.append(str(self._run))
        self._run = run_id

    def _pass_to(self, end: int, gone: Sequence[Gone]) -> None:
        """Hand on what is held of the numbers below ``end`` and count the others as missed."""
        while self._held and self._in_order(self._held[0]) and self._held[0].seq < end:
            event = self._held.popleft()
            if event.seq >= self._next:
                self._miss(event.seq, gone)
                self._hand_on(event)
        self._miss(end, gone)

    def _miss(self, end: int, gone: Sequence[Gone]) -> None:
        count = end - self._next
        if count <= 0:
            return
        self.missed += count
        for part in gone:
            shared = min(part.last, end - 1) - max(part.first, self._next) + 1
            if shared > 0:
                self.missed_why[part.why] += shared
                count -= shared
        if count > 0:
            self.missed_why["unreadable"] += count
        self._next = end

    def _go_without(self, event: Numbered, why: str) -> None:
        """Go on with an event, and count what lies before it as missed."""
        if self._in_order(event) and not (self._run is None and event.seq < self._next):
            count = event.seq - self._next
        else:
            # A run whose numbers have not got so far begins again at 0; else it goes on, for all that can be known.
            count = event.seq - self._next if event.seq >= self._next else event.seq
            self._enter(event.run_id)
        if count >= 0:
            self.missed += count
            self.missed_why[why] += count
            self._next = event.seq

    def _begin_anew(self, run_id: str, begin: int) -> None:
        """Follow the numbers of another run; what is held of the former one is all that can be had of it."""
        while self._held and self._held[0].run_id != run_id:
            event = self._held.popleft()
            if event.run_id == self._run and event.seq >= self._next:
                self._go_without(event, "restart")
                self._hand_on(event)
            elif event.run_id not in (self._run, *self._left):
                # Of a run in between, or a newer one: whether its numbers come again cannot be known.
                self.missed += 1
                self.missed_why["restart"] += 1
        self._enter(run_id)
        self._next = begin
        self._going_on.clear()
        self._catching_up = True
