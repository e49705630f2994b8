"""Sources that a worker process reads and tracks: the service's side."""

import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from rtme.events import AnyEvent
from rtme.face.tracker import FaceTracker
from rtme.live.health import Account
from rtme.live.messages import Engine, StreamEnd
from rtme.live.plan import SourcePlan
from rtme.live.worker import Job, Told
from rtme.traces import Shown

TICK_S = 0.2


class WorkerLines(threading.Thread):
    """Runs some sources in a process of their own; the engine, the wire and the accounts do not notice.

    A process that dies ends its sources, and each says why.

    Args:
        plans: The sources.
        new_tracker: Makes a tracker for so many faces; it must stand being pickled, as the plans do.
        engine: Takes messages.
        publish: Takes events.
        accounts: Of each stream.
        show: Takes what is shown.
    """

    def __init__(
        self,
        plans: Sequence[SourcePlan],
        new_tracker: Callable[[int], FaceTracker],
        engine: Engine,
        publish: Callable[[AnyEvent], None],
        accounts: Mapping[str, Account],
        show: Callable[[Shown], None],
    ) -> None:
        super().__init__(name=f"worker-{plans[0].name}", daemon=True)
        self._plans = list(plans)
        self._job = Job(self._plans, new_tracker, engine.fps)
        self._engine = engine
        self._publish = publish
        self._accounts = accounts
        self._show = show
        self._epochs = dict.fromkeys((plan.name for plan in plans), 0)
        self._open = set(self._epochs)
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Connection | None = None
        self._not_begun: str | None = None

    @property
    def streams(self) -> set[str]:
        """Names of its sources."""
        return set(self._epochs)

    @property
    def pid(self) -> int | None:
        """Of the process, None before it was started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process, and hand on what it tells."""
        try:
            self._begin()
        except OSError as error:
            self._not_begun = f"its worker process cannot be started ({error.strerror})"
        super().start()

    def run(self) -> None:
        """Thread body."""
        if self._channel is not None:
            self._listen(self._channel)
        if self._open:
            why = self._not_begun or self._last_words()
            for name in sorted(self._open):
                self._engine.put(StreamEnd(name, self._epochs[name], why))
        if self._channel is not None:
            self._channel.close()

    def stop(self) -> None:
        """Let the sources end with the frames that wait."""
        if self._channel is not None:
            with suppress(OSError):
                self._channel.send_bytes(b"stop")

    def join(self, timeout: float | None = None) -> None:
        """Wait for the sources' ends; what has not ended in time is killed."""
        super().join(timeout)
        process = self._process
        if process is None:
            return
        try:
            process.wait(TICK_S if self.is_alive() else 5 * TICK_S)
        except subprocess.TimeoutExpired:
            process.kill()
            # Only a driver can hold a killed process; it is not waited for.
            with suppress(subprocess.TimeoutExpired):
                process.wait(5 * TICK_S)

    def _begin(self) -> None:
        ours, theirs = Pipe()
        with theirs:
            command = [sys.executable, "-m", "rtme.live.worker", str(theirs.fileno())]
            # Ctrl-C reaches a whole terminal, and only the service is to hear it: it says when to stop.
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], start_new_session=True)
        ours.send_bytes(pickle.dumps(self._job))
        self._channel = ours

    def _listen(self, channel: Connection) -> None:
        gone = False
        while not gone and self._open:
            try:
                if channel.poll(TICK_S):
                    gone = not self._hand_on(pickle.loads(channel.recv_bytes()))
            except (EOFError, OSError):
                gone = True

    def _hand_on(self, told: Told) -> bool:
        """Do what the worker asks for; False when the engine is gone."""
        kind, stream, what = told
        if kind == "put":
            (message,) = what
            if isinstance(message, StreamEnd):
                self._open.discard(stream)
            return self._engine.put(message)
        if kind == "publish":
            self._publish(what[0])
        elif kind == "show":
            self._show(what[0])
        elif kind == "state":
            self._accounts[stream].state(what[0], self._publish)
        else:
            if kind == "began":
                self._epochs[stream] = what[0]
            getattr(self._accounts[stream], kind)(*what)
        return True

    def _last_words(self) -> str:
        assert self._process is not None
        until = time.monotonic() + 5 * TICK_S
        while self._process.poll() is None and time.monotonic() < until:
            time.sleep(TICK_S / 10)
        code = self._process.returncode
        if code is None:
            return "its worker process does not answer"
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"its worker process died ({how})"
