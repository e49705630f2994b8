"""The one engine thread: crops of all sources in, events out."""

import queue
import threading
import time
from collections.abc import Callable

import numpy as np

from rtme.engine.backend import Backend, Features
from rtme.events import AnyEvent
from rtme.live.health import StreamAccount
from rtme.live.messages import EpochEnd, Message, StreamEnd, Tracked
from rtme.live.stream_run import StreamRun
from rtme.spot.rules import Sensitivity

TICK_S = 0.2
BEHIND_NS = 150_000_000


class EngineStage(threading.Thread):
    """Encodes every crop once and drives the spotters.

    A live stream is behind when its frame is old and others wait; then window evaluations are left out.
    Features never are: the ring must stay whole.
    """

    def __init__(
        self,
        backend: Backend,
        publish: Callable[[AnyEvent], None],
        accounts: dict[str, StreamAccount],
        on_end: Callable[[StreamEnd], None],
        sensitivity: Sensitivity = "normal",
    ) -> None:
        super().__init__(name="engine", daemon=True)
        self.inbox: queue.Queue[Message] = queue.Queue(maxsize=32)
        self.failure: BaseException | None = None
        self.fps = backend.manifest.fps
        self._backend = backend
        self._publish = publish
        self._accounts = accounts
        self._on_end = on_end
        self._sensitivity = sensitivity
        self._runs: dict[str, StreamRun] = {}
        self._leave = threading.Event()

    def put(self, message: Message) -> bool:
        """Leave a message, waiting for room. False when the engine is gone."""
        while not self._leave.is_set():
            try:
                self.inbox.put(message, timeout=TICK_S)
            except queue.Full:
                continue
            return True
        return False

    def leave(self) -> None:
        """Stop after what waits in the inbox."""
        self._leave.set()

    def run(self) -> None:
        """Thread body."""
        try:
            while True:
                batch = self._gather()
                if batch:
                    self._handle(batch)
                elif self._leave.is_set():
                    break
        except (
            Exception
        ) as error:  # the supervisor reports it: a dead engine must never look like a calm face
            self.failure = error
            self._leave.set()

    def _gather(self) -> list[Message]:
        try:
            batch = [self.inbox.get(timeout=TICK_S)]
        except queue.Empty:
            return []
        while len(batch) < self.inbox.maxsize:
            try:
                batch.append(self.inbox.get_nowait())
            except queue.Empty:
                break
        return batch

    def _handle(self, batch: list[Message]) -> None:
        judged = [
            crop.crop
            for item in batch
            if isinstance(item, Tracked)
            for crop in item.crops
            if crop.crop is not None
        ]
        features = self._backend.encode(np.stack(judged)) if judged else None
        encoded_ns = time.monotonic_ns()
        row = 0
        for number, item in enumerate(batch, 1):
            if not isinstance(item, Tracked):
                self._end(item)
                continue
            count = sum(crop.crop is not None for crop in item.crops)
            mine = None
            if features is not None and count:
                mine = Features(features.frame[row : row + count], features.regions[row : row + count])
                row += count
            self._accounts[item.stream].took("encoded", encoded_ns - item.tracked_ns)
            self._spot(item, mine, encoded_ns, waiting=len(batch) - number + self.inbox.qsize())

    def _spot(self, item: Tracked, features: Features | None, encoded_ns: int, waiting: int) -> None:
        run = self._runs.get(item.stream)
        if run is not None and run.epoch != item.epoch:
            self._send(run.finish())
            run = None
        if run is None:
            run = StreamRun(item.stream, item.epoch, self._backend, self._sensitivity)
            self._runs[item.stream] = run
        age_ns = time.monotonic_ns() - item.mark.capture_ns
        behind = item.live and age_ns > BEHIND_NS and waiting > 0
        skipped_before = run.skipped
        begun_ns, scoring_before_ns = time.monotonic_ns(), run.scoring_ns
        events = run.push(item, features, behind=behind)
        account = self._accounts[item.stream]
        for _ in range(run.skipped - skipped_before):
            account.skipped()
        self._send(events)
        # Waiting for the frames before it in the batch counts as scoring: that is what they are waited for.
        scoring_ns = run.scoring_ns - scoring_before_ns
        account.took("scored", begun_ns - encoded_ns + scoring_ns)
        account.took("decided", time.monotonic_ns() - begun_ns - scoring_ns)
        account.scored(item.mark.capture_ns)

    def _end(self, end: EpochEnd | StreamEnd) -> None:
        run = self._runs.pop(end.stream, None)
        if run is not None:
            self._send(run.finish())
        if isinstance(end, StreamEnd):
            self._on_end(end)

    def _send(self, events: list[AnyEvent]) -> None:
        for event in events:
            self._publish(event)
