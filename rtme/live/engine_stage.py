"""The one engine thread: crops of all sources in, events out."""

import queue
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np

from rtme.engine.backend import Backend, Features
from rtme.events import AnyEvent
from rtme.live.health import StreamAccount
from rtme.live.messages import EpochEnd, Message, StreamEnd, Tracked
from rtme.live.stream_run import Due, StreamRun, score_windows
from rtme.spot.rules import Sensitivity
from rtme.traces import Trace

TICK_S = 0.2
BEHIND_NS = 150_000_000


class EngineStage(threading.Thread):
    """Encodes every crop once and drives the spotters.

    Crops of all sources that wait are encoded in one call, and so are the windows that become due by them. A source's own
    order is kept. A live stream is behind when its frame is old and others wait; then window evaluations are left out.
    Features never are: the ring must stay whole.

    Args:
        backend: Runs the engine.
        publish: Takes events.
        accounts: Of each stream.
        on_end: Called when a stream has ended.
        sensitivity: Of the intervals.
        wait_s: How long frames wait for others to be encoded with, at most. Waiting pays where a batch costs hardly more
            than a crop, as on a GPU.
        on_trace: Takes pieces of the faces' curves; None makes none.
    """

    def __init__(
        self,
        backend: Backend,
        publish: Callable[[AnyEvent], None],
        accounts: dict[str, StreamAccount],
        on_end: Callable[[StreamEnd], None],
        sensitivity: Sensitivity = "normal",
        wait_s: float = 0.0,
        on_trace: Callable[[Trace], None] | None = None,
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
        self._wait_s = wait_s
        self._on_trace = on_trace
        self._runs: dict[str, StreamRun] = {}
        self._leave = threading.Event()
        self._busy_since: float | None = None

    @property
    def busy_s(self) -> float:
        """Seconds that the batch in hand has taken so far; 0 while waiting for one. From any thread."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

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
                    self._busy_since = time.monotonic()
                    self._handle(batch)
                    self._busy_since = None
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
        until = time.monotonic() + self._wait_s
        # One frame of each source is all that can be waited for: the next one comes a frame later.
        while len(batch) < self.inbox.maxsize:
            left = until - time.monotonic() if len(batch) < len(self._accounts) else 0.0
            try:
                batch.append(self.inbox.get(timeout=left) if left > 0 else self.inbox.get_nowait())
            except queue.Empty:
                break
        return batch

    def _handle(self, batch: list[Message]) -> None:
        features = self._encode(batch)
        encoded_ns = time.monotonic_ns()
        for item in batch:
            if isinstance(item, Tracked):
                self._accounts[item.stream].took("encoded", encoded_ns - item.tracked_ns)
        waiting = len(batch) + self.inbox.qsize()
        for together in rounds(batch):
            waiting -= len(together)
            tracked = [item for item in together if isinstance(item, Tracked)]
            dues = [self._look(item, features.pop(0), waiting) for item in tracked]
            windows = [window for _, due in dues for window in due.windows]
            scores = score_windows(self._backend, windows)
            scored_ns = time.monotonic_ns()
            for run, due in dues:
                mine, scores = scores[: len(due.windows)], scores[len(due.windows) :]
                self._send(run.conclude(due, mine))
                account = self._accounts[run.stream]
                # Waiting for the rounds before it counts as scoring, for the streams before it as deciding.
                account.took("scored", scored_ns - encoded_ns)
                account.took("decided", time.monotonic_ns() - scored_ns)
                account.scored(due.item.mark.capture_ns)
            for item in together:
                if not isinstance(item, Tracked):
                    self._end(item)

    def _encode(self, batch: list[Message]) -> list[Features | None]:
        """Features of each frame of the batch, in order; None of one without a crop to judge."""
        counts = []
        judged = []
        for item in batch:
            if isinstance(item, Tracked):
                crops = [crop.crop for crop in item.crops if crop.crop is not None]
                counts.append(len(crops))
                judged += crops
        if not judged:
            return [None] * len(counts)
        found = self._backend.encode(np.stack(judged))
        features: list[Features | None] = []
        row = 0
        for count in counts:
            part = Features(found.frame[row : row + count], found.regions[row : row + count])
            features.append(part if count else None)
            row += count
        return features

    def _look(self, item: Tracked, features: Features | None, waiting: int) -> tuple[StreamRun, Due]:
        run = self._runs.get(item.stream)
        if run is not None and run.epoch != item.epoch:
            self._send(run.finish())
            run = None
        if run is None:
            run = StreamRun(item.stream, item.epoch, self._backend, self._sensitivity, self._on_trace)
            self._runs[item.stream] = run
        age_ns = time.monotonic_ns() - item.mark.capture_ns
        behind = item.live and age_ns > BEHIND_NS and waiting > 0
        skipped_before = run.skipped
        due = run.look(item, features, behind=behind)
        for _ in range(run.skipped - skipped_before):
            self._accounts[item.stream].skipped()
        return run, due

    def _end(self, end: EpochEnd | StreamEnd) -> None:
        run = self._runs.pop(end.stream, None)
        if run is not None:
            self._send(run.finish())
        if isinstance(end, StreamEnd):
            self._on_end(end)

    def _send(self, events: list[AnyEvent]) -> None:
        for event in events:
            self._publish(event)


def rounds(batch: list[Message]) -> Iterator[list[Message]]:
    """Messages that may be handled side by side: one of each stream, in the order in which they came."""
    together: list[Message] = []
    streams: set[str] = set()
    for item in batch:
        if item.stream in streams:
            yield together
            together, streams = [], set()
        together.append(item)
        streams.add(item.stream)
    if together:
        yield together
