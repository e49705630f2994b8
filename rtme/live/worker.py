"""A process that reads and tracks sources for a service: ``python -m rtme.live.worker FD``.

It runs the same two threads for each source as the service itself would. What they hand on (crops, events, counts) goes
through one pipe to the service, in order; frames never leave the process. It is started as a program of its own and not
by ``multiprocessing``, whose children run the user's script again.
"""

import os
import pickle
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Literal

from rtme.events import AnyEvent, StateEvent
from rtme.face.tracker import FaceTracker
from rtme.live import one_thread
from rtme.live.health import Stage
from rtme.live.line import Line
from rtme.live.messages import Message
from rtme.live.plan import SourcePlan
from rtme.traces import Shown

POLL_S = 0.2
FLUSH_S = 5.0
MOST_SHOWN = 100
"""What is only shown is left out when so much waits."""

Kind = Literal["put", "publish", "show", "state", "read", "tracked", "dropped", "took", "began"]
"""What a worker tells: a message for the engine, an event, what is shown, or a count of a stream's account."""

Told = tuple[Kind, str, tuple[Any, ...]]
"""Kind, stream, and what belongs to it."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is started with.

    Attributes:
        plans: Its sources, none of them open.
        new_tracker: Makes a tracker for so many faces.
        fps: Slots per second of the engine.
    """

    plans: list[SourcePlan]
    new_tracker: Callable[[int], FaceTracker]
    fps: float


class Pipe(threading.Thread):
    """The worker's end: what its threads hand on, one after the other.

    Only who leaves a message for the engine waits when the service is behind. Counts and events never do: a capture
    thread that waited would leave frames in the network's buffers, where no one drops or counts them.

    Args:
        channel: To the service.
        fps: Slots per second of the engine.
    """

    def __init__(self, channel: Connection, fps: float) -> None:
        super().__init__(name="pipe", daemon=True)
        self.fps = fps
        self.broken = threading.Event()
        self._channel = channel
        self._waiting: deque[Told] = deque()
        self._changed = threading.Condition()

    def run(self) -> None:
        """Thread body: send what waits."""
        while not self.broken.is_set():
            with self._changed:
                if not self._changed.wait_for(lambda: bool(self._waiting), POLL_S):
                    continue
                told = self._waiting[0]
            try:
                self._channel.send_bytes(pickle.dumps(told, pickle.HIGHEST_PROTOCOL))
            except OSError:
                self.broken.set()
            with self._changed:
                # Only now: who waits for an empty queue waits for the last to be sent.
                self._waiting.popleft()
                self._changed.notify_all()

    def put(self, message: Message) -> bool:
        """Leave a message for the engine, waiting for room. False when the service is gone."""
        self.tell("put", message.stream, message)
        return self.flush(None)

    def publish(self, event: AnyEvent) -> None:
        """Have an event published."""
        self.tell("publish", event.stream, event)

    def show(self, shown: Shown) -> None:
        """Have something shown, if the service keeps up."""
        if len(self._waiting) < MOST_SHOWN:
            self.tell("show", shown.message.stream, shown)

    def tell(self, kind: Kind, stream: str, *what: object) -> None:
        """Hand something on."""
        with self._changed:
            self._waiting.append((kind, stream, what))
            self._changed.notify_all()

    def flush(self, timeout_s: float | None) -> bool:
        """Wait until everything is sent, or for so long; False when it was not, or the service is gone."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while self._waiting and not self.broken.is_set():
                if until is not None and time.monotonic() >= until:
                    return False
                self._changed.wait(POLL_S)
        return not self.broken.is_set()


class RemoteAccount:
    """A stream's account, kept by the service: see :class:`rtme.live.health.StreamAccount`."""

    def __init__(self, pipe: Pipe, stream: str) -> None:
        self._pipe, self._stream = pipe, stream

    def state(self, event: StateEvent, publish: Callable[[AnyEvent], None]) -> None:
        """The source changed its state."""
        self._pipe.tell("state", self._stream, event)

    def began(self, epoch: int, fps: float | None, expected: int | None) -> None:
        """An epoch's first frame is there."""
        self._pipe.tell("began", self._stream, epoch, fps, expected)

    def read(self) -> None:
        """A frame left the decoder."""
        self._pipe.tell("read", self._stream)

    def tracked(self, faces: int) -> None:
        """A frame went through the tracker."""
        self._pipe.tell("tracked", self._stream, faces)

    def dropped(self, cause: str, count: int = 1) -> None:
        """Frames were lost or left out."""
        self._pipe.tell("dropped", self._stream, cause, count)

    def took(self, stage: Stage, duration_ns: int) -> None:
        """A frame has this stage behind it."""
        self._pipe.tell("took", self._stream, stage, duration_ns)


def work(channel: Connection) -> None:
    """Take a job from the service, and do it until all its sources have ended or the service says stop or is gone."""
    job: Job = pickle.loads(channel.recv_bytes())
    pipe = Pipe(channel, job.fps)
    lines = [
        Line(plan, job.new_tracker, pipe, pipe.publish, RemoteAccount(pipe, plan.name), pipe.show)
        for plan in job.plans
    ]
    one_thread.enter()
    pipe.start()
    for line in lines:
        line.start()
    while not all(line.join(0.0) for line in lines):
        try:
            told_to_stop = channel.poll(POLL_S)
        except OSError:
            told_to_stop = True
        if told_to_stop or pipe.broken.is_set():
            for line in lines:
                line.stop()
            for line in lines:
                line.join(POLL_S)
            if pipe.broken.is_set() or _at_end(channel):
                return
    pipe.flush(FLUSH_S)


def _at_end(channel: Connection) -> bool:
    """Whether the service is gone: its end of the pipe is closed, or its word was read."""
    try:
        if channel.poll(0.0):
            channel.recv_bytes()
    except (EOFError, OSError):
        return True
    return False


if __name__ == "__main__":
    work(Connection(int(sys.argv[1])))
    # A reader that hangs in a driver must not keep the process.
    os._exit(0)
