"""Carries events from a subscriber to a target, and loses none while the target is away."""

import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable

from rtme.bus.bridges.position import Position
from rtme.bus.bridges.target import Target, UnreachableError
from rtme.bus.subscriber import Subscriber
from rtme.events import AnyEvent

# Some 1 kB each on the wire and a few kB here. Beyond that nothing is read, and the gap is filled from the journal later.
WAITING = 1_000
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
LONGEST_WISH_S = 3_600.0
STEP_S = 0.25
LAST_S = 10.0
NOTE_IDLE_S = 10.0
TELL_S = 60.0


class Bridge:
    """One service's events on their way to one target: at least once each, in order.

    One thread reads, another delivers, and the position moves when the target has confirmed. While the target
    is away at most ``WAITING`` events are held.

    Args:
        events: Where events come from; :meth:`run` reads it.
        target: Where they go.
        position: Moves with what is delivered.
        say: Called with a sentence when the target is lost and when it is back, and of what cannot be carried; from either
            thread.
        on_idle: Called in the thread of :meth:`run` when no event came for a moment.
    """

    def __init__(
        self,
        events: Subscriber,
        target: Target,
        position: Position,
        say: Callable[[str], None],
        on_idle: Callable[[], None] = lambda: None,
    ) -> None:
        self._events = events
        self._target = target
        self._position = position
        self._say = say
        self._on_idle = on_idle
        self._waiting: queue.Queue[AnyEvent] = queue.Queue(WAITING)
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._told: Counter[str] = Counter()
        self._tell_at: dict[str, float] = {}
        self._idle_noted = time.monotonic()
        self._sender = threading.Thread(target=self._deliver_all, name="bridge", daemon=True)

    def stop(self) -> None:
        """Let :meth:`run` deliver what it holds, if the target is there, and return. Returns at once."""
        self._stop.set()

    def run(self) -> None:
        """Carry events until :meth:`stop` is called.

        Raises:
            RefusedError: The target will not take an event. The position stays before it.
            BusError: The position cannot be written, or the service refuses this client.
            BrokenPipeError: Whoever read the lines has left.
        """
        self._sender.start()
        try:
            while not self._stop.is_set():
                event = self._events.receive(STEP_S)
                self._tell_losses()
                if event is not None:
                    self._hold(event)
                else:
                    self._note_idle()
                    self._on_idle()
        finally:
            self._stop.set()
            self._sender.join(LAST_S)
            self._tell_losses()
        if self._failure is not None:
            raise self._failure
        if left := self._waiting.unfinished_tasks:
            self._say(f"{left} events were not delivered any more; the next run goes on from there")

    def _hold(self, event: AnyEvent) -> None:
        if self._position.start is None:
            # Were the bridge to end before anything is delivered, its next run must not begin later than here.
            self._position.move(event.run_id, event.seq - 1)
        while not self._stop.is_set():
            try:
                return self._waiting.put(event, timeout=STEP_S)
            except queue.Full:
                continue
        return None

    def _tell_losses(self) -> None:
        """What is not carried on: each kind of loss at once, then once a minute, and at the end."""
        events, now = self._events, time.monotonic()
        for count, words in (
            (events.missed, f"events were sent but can no longer be had from {events.address}"),
            (events.unknown, "events are of a newer release and were passed over: update rtme here"),
            (events.malformed, f"messages from {events.address} were no events"),
        ):
            new = count - self._told[words]
            if new > 0 and (self._stop.is_set() or now >= self._tell_at.get(words, now)):
                self._told[words] = count
                self._tell_at[words] = now + TELL_S
                self._say(f"{new} {words}")

    def _note_idle(self) -> None:
        """What the filters leave out need not be read again by the next run."""
        now = time.monotonic()
        if now < self._idle_noted + NOTE_IDLE_S or self._waiting.unfinished_tasks:
            return
        self._idle_noted = now
        if self._events.run_id is not None:
            self._position.move(self._events.run_id, self._events.last_seq)

    def _deliver_all(self) -> None:
        target = self._target
        try:
            if not self._insist(target.open):
                return
            self._say(f"delivering to {target.name}")
            while (batch := self._batch()) is not None:
                if not batch:
                    if not self._insist(target.check):
                        return
                    continue
                if not self._insist(lambda batch=batch: target.deliver(batch)):  # type: ignore[misc]
                    return
                self._position.move(batch[-1].run_id, batch[-1].seq)
                for _ in batch:
                    self._waiting.task_done()
        except BaseException as error:  # run() raises it in the caller's thread
            self._failure = error
        finally:
            self._stop.set()
            target.close()

    def _batch(self) -> list[AnyEvent] | None:
        """What waits, as much as the target takes at once; empty when nothing came for a moment, None when nothing will."""
        batch: list[AnyEvent] = []
        try:
            batch.append(self._waiting.get(timeout=STEP_S))
            while len(batch) < self._target.most:
                batch.append(self._waiting.get_nowait())
        except queue.Empty:
            if not batch and self._stop.is_set():
                return None
        return batch

    def _insist(self, act: Callable[[], None]) -> bool:
        """Try until it works, with growing pauses; False when the bridge is stopped first."""
        pause_s = FIRST_PAUSE_S
        tries = 0
        while True:
            try:
                act()
            except UnreachableError as error:
                tries += 1
                if tries == 1:
                    self._say(f"{self._target.name} is lost: {error}; trying again with growing pauses")
                wish_s = min(error.pause_s or 0.0, LONGEST_WISH_S)
                # Bridges that lost the same target together should not all come back in the same moment.
                if self._stop.wait(max(wish_s, pause_s * random.uniform(0.8, 1.2))):
                    return False
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            else:
                if tries:
                    self._say(f"{self._target.name} is back")
                return True
