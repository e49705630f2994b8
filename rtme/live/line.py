"""One source's two threads, and what lies between them."""

import threading
import time
from collections.abc import Callable

from rtme.capture.reader import Reader
from rtme.events import AnyEvent
from rtme.face.tracker import FaceTracker
from rtme.live.capture_stage import CaptureStage
from rtme.live.health import Account
from rtme.live.inlet import EndOfSource, Inlet
from rtme.live.messages import Engine
from rtme.live.plan import SourcePlan
from rtme.live.track_stage import TrackStage
from rtme.traces import Shown


class Line:
    """Runs one source until it ends, fails or is stopped. Each thread ends when the one before it has."""

    def __init__(
        self,
        plan: SourcePlan,
        new_tracker: Callable[[int], FaceTracker],
        engine: Engine,
        publish: Callable[[AnyEvent], None],
        account: Account,
        show: Callable[[Shown], None] | None = None,
    ) -> None:
        self._stop = threading.Event()
        # A tracker takes its time to load; what a camera sent meanwhile would be lost.
        ready = threading.Event()
        self._inlet = Inlet(latest_wins=plan.source.live)
        reader = Reader(plan.source)
        self._capture = CaptureStage(plan.name, reader, self._inlet, publish, account, ready, self._stop)
        self._track = TrackStage(
            plan, new_tracker, self._inlet, engine, publish, account, ready, self._stop, show
        )

    def start(self) -> None:
        """Begin."""
        self._capture.start()
        self._track.start()

    def stop(self) -> None:
        """Let the source end with the frames that wait, even while its reader hangs in a driver."""
        self._stop.set()
        self._inlet.end(EndOfSource())

    def join(self, timeout_s: float) -> bool:
        """Wait for both threads; False when one did not end in time."""
        deadline = time.monotonic() + timeout_s
        self._capture.join(timeout_s)
        self._track.join(max(0.1, deadline - time.monotonic()))
        return not self.is_alive()

    def is_alive(self) -> bool:
        """Whether a thread still runs."""
        return self._capture.is_alive() or self._track.is_alive()
