"""The whole way from sources to events, as one object."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rtme.bus.journal import Journal
from rtme.bus.journal_path import NONE
from rtme.bus.publisher import Publisher
from rtme.bus.replay import replay_address
from rtme.capture.source import Source
from rtme.engine.backend import Wish
from rtme.engine.backends import on_gpu
from rtme.engine.bundle import load_bundle
from rtme.engine.lasting import LastingBackend
from rtme.engine.manifest import Manifest
from rtme.errors import RtmeError, SettingsError, SourceError
from rtme.events import SERVICE, AnyEvent, HeartbeatEvent, StateEvent, WarningEvent
from rtme.face.landmarks import load_ahead
from rtme.face.tracker import FaceTracker
from rtme.live import one_thread
from rtme.live.engine_stage import EngineStage
from rtme.live.event_log import log_event
from rtme.live.health import StreamAccount
from rtme.live.line import Line
from rtme.live.messages import StreamEnd
from rtme.live.plan import plan_sources
from rtme.live.sharing import share_out
from rtme.live.showing import Showing
from rtme.live.status import ServiceStatus
from rtme.live.stream_run import check_measures
from rtme.live.worker_lines import WorkerLines
from rtme.settings import Settings, SourceSettings, load_settings
from rtme.spot.rules import SpotterRules
from rtme.traces import Shown, Trace

if TYPE_CHECKING:
    from rtme.live.endpoint import Endpoint

HEARTBEAT_S = 1.0
OPENNESS_S = 600.0
POLL_S = 0.2
JOIN_S = 10.0
HANGING = f"it did not end within {JOIN_S:g} s: its camera's driver or a library does not come back"
BATCH_WAIT_MS = 2.0
# Up to 4 kB each: a service that nobody iterates over must not grow for hours.
KEEP_EVENTS = 20_000


def new_tracker(kind: type[FaceTracker], faces: int, **numbers: Any) -> FaceTracker:
    """A tracker for so many faces; a function of the module, so that a worker process can be told of it."""
    return kind(faces=faces, **numbers)


def wish_of(settings: Settings) -> Wish:
    """How the settings want the engine to be run."""
    return Wish(settings.backend, settings.precision, settings.threads, settings.device, settings.max_batch)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a source has come: frames read, frames there will be (None: unknown), nominal rate."""

    frames: int
    expected: int | None
    fps: float | None


class Live:
    """Watches sources and yields events until every source has ended or :meth:`stop` is called.

    Example:
        >>> with Live(["0", "rtsp://camera/stream"], bind="tcp://127.0.0.1:5556") as live:
        ...     for event in live:
        ...         print(event.stream, event.kind)
    """

    def __init__(
        self,
        sources: Sequence[str | SourceSettings | Source] = (),
        *,
        settings: Settings | None = None,
        fast: bool = False,
        showing: Showing | None = None,
        on_shown: Callable[[Shown], None] | None = None,
        **flags: Any,
    ) -> None:
        """Load the engine and get ready; nothing is opened before ``start`` or ``with``.

        Args:
            sources: Camera numbers, URLs, files, ``demo``, or objects that follow
                :class:`rtme.capture.source.Source`. ``settings.source`` comes after them.
            settings: All settings; made from ``flags`` and the environment when None.
            fast: Read files as fast as they can be worked on, not at their own pace.
            showing: What ``on_shown`` gets of the pictures; None: what ``settings.preview`` publishes, if anything.
            on_shown: Called with traces and sights (:mod:`rtme.traces`), in the publisher's thread: it must not block.
            **flags: Fields of :class:`rtme.settings.Settings`, such as ``bind`` or ``faces``.

        Raises:
            SettingsError: No source, or a setting that does not fit, such as a sensitivity that the engine lacks.
            EngineError: The engine cannot be used.
        """
        if settings is not None and flags:
            raise SettingsError(
                f"give settings or flags, not both (got settings and {', '.join(sorted(flags))})"
            )
        self.settings = settings or load_settings(None, **flags)
        if showing is None and self.settings.preview:
            showing = Showing(pictures=True, fps=self.settings.preview_fps)
        self._on_shown = on_shown
        self._plans = plan_sources(
            [*sources, *self.settings.source], self.settings, paced=not fast, showing=showing
        )
        if not self._plans:
            raise SettingsError("no source: name a camera number, a stream URL, a file or `demo`")
        bundle = load_bundle(self.settings.engine)
        # Whether the engine fits must be known before anything is opened.
        check_measures(bundle.manifest)
        SpotterRules.of(bundle.manifest, sensitivity=self.settings.sensitivity)
        load_ahead()
        self._backend = LastingBackend(bundle, wish_of(self.settings))
        self.errors: dict[str, str] = {}
        """Sources that ended for another reason than their natural end, and why."""
        self._accounts = {plan.name: StreamAccount() for plan in self._plans}
        self._events: deque[AnyEvent] = deque(maxlen=KEEP_EVENTS)
        self._arrived = threading.Condition()
        self._stop = threading.Event()
        self._over = threading.Event()
        self._ended: set[str] = set()
        self._unsent_told = 0
        self._left = False
        self._hangs = False
        self._failure: BaseException | None = None
        self._lines: list[Line | WorkerLines] = []
        self._journal: Journal | None = None
        self._publisher: Publisher | None = None
        self._endpoint: Endpoint | None = None
        self._supervisor: threading.Thread | None = None

    @property
    def manifest(self) -> Manifest:
        """The engine in use."""
        return self._backend.manifest

    @property
    def backend(self) -> str:
        """What runs the engine, for people."""
        return f"{self._backend.label} ({self._backend.why})"

    @property
    def hangs(self) -> bool:
        """Whether a thread did not come back from a driver or library at the end, and may hold up the process."""
        return self._hangs

    @property
    def address(self) -> str | None:
        """Where subscribers connect to, None when nothing is published."""
        return self._publisher.address if self._publisher else None

    @property
    def replay(self) -> str | None:
        """Where what was sent is given again, None when it is not."""
        return self._publisher.replay if self._publisher else None

    @property
    def insecure(self) -> str | None:
        """What it means that other machines can reach the address without keys; None where they cannot."""
        return self._publisher.insecure if self._publisher else None

    @property
    def journal_loss(self) -> str | None:
        """What the journal lacks of this run, as a sentence; None when nothing. Final when the service is over."""
        return self._publisher.journal_loss if self._publisher else None

    @property
    def metrics_address(self) -> str | None:
        """``http://host:port`` of ``/metrics`` and ``/healthz``, None when they are not asked for."""
        return self._endpoint.address if self._endpoint else None

    def start(self) -> None:
        """Open the journal, bind the sockets and open the sources.

        Raises:
            BusError: An address cannot be bound, or the keys cannot be used.
            JournalError: The journal cannot be used.
            RtmeError: It has been started before.
        """
        if self._supervisor is not None:
            raise RtmeError("this Live has been started before: make a new one for each run")
        self._endpoint = self._new_endpoint()
        bind = self.settings.bind
        try:
            self._journal = self._new_journal()
            self._publisher = Publisher(
                bind,
                on_sent=self._take,
                on_shown=self._on_shown,
                previews=self.settings.preview,
                keys=self.settings.keys,
                insecure=self.settings.insecure,
                journal=self._journal,
                replay=None if bind is None else replay_address(bind, self.settings.replay),
            )
        except RtmeError:
            self._close_journal()
            if self._endpoint is not None:
                self._endpoint.close()
            raise
        self._backend.on_lost = self._warn
        self._engine = EngineStage(
            self._backend,
            self._publisher.publish,
            self._accounts,
            self._note_end,
            self.settings.sensitivity,
            wait_s=self._batch_wait_s(),
            on_trace=None if bind is None and self._on_shown is None else self._trace,
        )
        self._lines = self._new_lines(self._publisher)
        one_thread.enter()
        self._engine.start()
        for line in self._lines:
            line.start()
        self._started = time.monotonic()
        self._heartbeat(self._publisher)
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._supervisor.start()
        if self._endpoint is not None:
            self._endpoint.start()

    def progress(self) -> dict[str, Progress]:
        """How far each source has come."""
        return {
            name: Progress(account.frames, account.expected, account.fps)
            for name, account in self._accounts.items()
        }

    def status(self) -> ServiceStatus:
        """How the service does now. Waits for none of its threads, so it may be asked when one is stuck.

        Raises:
            RtmeError: It was not started.
        """
        if self._publisher is None or self._supervisor is None:
            raise RtmeError("nothing runs yet: write `with rtme.Live(...) as live:`, or call start()")
        beat, beaten = self._beat
        failure = self._engine.failure
        return ServiceStatus(
            run_id=self._publisher.run_id,
            beat=beat,
            beat_age_s=time.monotonic() - beaten,
            engine_failure=None if failure is None else f"{type(failure).__name__}: {failure}",
            engine_busy_s=self._engine.busy_s,
            engine_waiting=self._engine.inbox.qsize(),
            engine_capacity=self._engine.inbox.maxsize,
            publisher=self._publisher.status(),
            idle_s={name: account.idle_s for name, account in self._accounts.items()},
            errors=dict(self.errors),
        )

    def stop(self) -> None:
        """Let every source end; open intervals are closed and published. Returns at once."""
        self._stop.set()

    def close(self) -> None:
        """Stop, wait until everything is published and release everything. May be called twice."""
        self.stop()
        if self._supervisor is not None:
            self._supervisor.join(4 * JOIN_S)
            if not self._left:
                self._left = True
                one_thread.leave()
        if self._endpoint is not None:
            self._endpoint.close()
        # A call that hangs still uses it.
        if not (self._hangs and self._engine.is_alive()):
            self._backend.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[AnyEvent]:
        """Events as they were sent, until the service is over.

        Who reads more slowly than events come misses the oldest; ``seq`` then has a hole.

        Raises:
            RtmeError: The service was not started, or failed itself (a source that fails ends alone and stands
                in ``errors``).
        """
        if self._supervisor is None:
            raise RtmeError("nothing runs yet: write `with rtme.Live(...) as live:`, or call start()")
        while True:
            with self._arrived:
                self._arrived.wait_for(lambda: bool(self._events) or self._over.is_set(), POLL_S)
                event = self._events.popleft() if self._events else None
            if event is not None:
                yield event
            elif self._over.is_set():
                break
        if self._failure is not None:
            raise self._failure

    def _new_journal(self) -> Journal | None:
        wanted = self.settings
        if wanted.journal in (None, NONE):
            return None
        return Journal(wanted.journal, wanted.journal_days or None, wanted.journal_mb or None)

    def _close_journal(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def _trace(self, trace: Trace) -> None:
        assert self._publisher is not None
        self._publisher.show(Shown(trace))

    def _new_lines(self, publisher: Publisher) -> list[Line | WorkerLines]:
        """What reads and tracks the sources: threads of this process, or processes of their own."""
        publish, show = publisher.publish, publisher.show
        shares = share_out(self._plans, self.settings.workers)
        lines: list[Line | WorkerLines] = [
            WorkerLines(plans, self._tracker_maker(), self._engine, publish, self._accounts, show)
            for plans in shares.workers
        ]
        for plan in shares.here:
            account = self._accounts[plan.name]
            lines.append(Line(plan, self._tracker_maker(), self._engine, publish, account, show))
        return lines

    def _batch_wait_s(self) -> float:
        wait_ms = self.settings.batch_wait_ms
        if wait_ms is None:
            wait_ms = BATCH_WAIT_MS if on_gpu(self._backend.name) else 0.0
        return wait_ms / 1000

    def _warn(self, sentence: str) -> None:
        assert self._publisher is not None
        self._publisher.publish(WarningEvent(stream=SERVICE, text=sentence))

    def _tracker_maker(self) -> Callable[[int], FaceTracker]:
        manifest = self.manifest
        return partial(
            new_tracker,
            FaceTracker,
            input=manifest.input,
            size=manifest.size,
            fps=manifest.fps,
            flow_lag=manifest.flow_lag,
            task_file=self.settings.task_file,
        )

    def _new_endpoint(self) -> "Endpoint | None":
        if self.settings.metrics is None:
            return None
        # Imported late: whoever asks for no metrics does not wait for them.
        from rtme.live.endpoint import Endpoint

        return Endpoint(self.settings.metrics, self.status, insecure=self.settings.metrics_insecure)

    def _take(self, event: AnyEvent) -> None:
        log_event(event)
        # Whoever only publishes never reads these: the oldest make room.
        with self._arrived:
            self._events.append(event)
            self._arrived.notify_all()

    def _note_end(self, end: StreamEnd) -> None:
        assert self._publisher is not None
        if end.stream in self._ended:
            return
        if end.error is not None:
            self.errors[end.stream] = end.error
        detail = end.error or "the source ended"
        event = StateEvent(stream=end.stream, epoch=end.epoch, state="ended", detail=detail)
        publish = self._publisher.publish
        self._accounts[end.stream].state(event, publish)
        self._ended.add(end.stream)

    def _supervise(self) -> None:
        assert self._publisher is not None
        publisher = self._publisher
        try:
            try:
                self._watch(publisher)
            finally:
                self._wind_down()
            self._failure = self._diagnose()
            for name, account in self._accounts.items():
                if name not in self._ended:
                    reason = str(self._failure or HANGING)
                    self._note_end(StreamEnd(name, account.epoch, reason))
            self._tell_unsent(publisher)
            publisher.publish(self._heartbeat(publisher))
        except Exception as error:  # the iterator raises it in the caller's thread
            self._failure = self._failure or error
        finally:
            if not publisher.close(JOIN_S) and self._failure is None:
                self._failure = SourceError("the publisher could not send everything that was waiting")
            self._close_journal()
            with self._arrived:
                self._over.set()
                self._arrived.notify_all()

    def _watch(self, publisher: Publisher) -> None:
        """Beat until every source has ended, somebody calls ``stop`` or the engine dies."""
        beat = open_told = time.monotonic()
        if publisher.insecure is not None:
            self._warn(publisher.insecure)
        while len(self._ended) < len(self._plans) and not self._stop.wait(POLL_S / 4):
            if self._engine.failure is not None:
                break
            if time.monotonic() >= beat:
                # A process that was held up (Ctrl-Z) does not make up for the beats it missed.
                beat = max(beat, time.monotonic() - HEARTBEAT_S) + HEARTBEAT_S
                self._tell_unsent(publisher)
                publisher.publish(self._heartbeat(publisher))
            if publisher.insecure is not None and time.monotonic() - open_told >= OPENNESS_S:
                open_told = time.monotonic()
                self._warn(publisher.insecure)

    def _tell_unsent(self, publisher: Publisher) -> None:
        """What was never sent has no number, so its absence leaves no hole in them: it must be said."""
        unsent = publisher.dropped - self._unsent_told
        if unsent > 0:
            self._unsent_told += unsent
            self._warn(f"{unsent} events were not sent: they came faster than they could leave")

    def _wind_down(self) -> None:
        for line in self._lines:
            line.stop()
        deadline = time.monotonic() + JOIN_S
        for line in self._lines:
            line.join(max(0.1, deadline - time.monotonic()))
        self._end_what_hangs()
        self._engine.leave()
        self._engine.join(JOIN_S)
        self._hangs = self._engine.is_alive() or any(line.is_alive() for line in self._lines)

    def _end_what_hangs(self) -> None:
        """End in the engine, which closes what is open, the streams whose threads do not come back."""
        for name, account in self._accounts.items():
            if name not in self._ended:
                with suppress(queue.Full):  # then it is the engine that hangs
                    self._engine.inbox.put(StreamEnd(name, account.epoch, HANGING), timeout=POLL_S)

    def _diagnose(self) -> BaseException | None:
        failure = self._engine.failure
        if failure is None and self._engine.is_alive():
            return RtmeError(f"the engine did not work off what was waiting within {JOIN_S:g} s")
        if failure is None or isinstance(failure, RtmeError):
            return failure
        broken = RtmeError(f"the engine thread stopped: {type(failure).__name__}: {failure}")
        broken.__cause__ = failure
        return broken

    def _heartbeat(self, publisher: Publisher) -> HeartbeatEvent:
        beat = HeartbeatEvent(
            stream=SERVICE,
            uptime_s=round(time.monotonic() - self._started, 3),
            engine=f"{self.manifest.name} {self.manifest.version}",
            engine_note=self.manifest.summary,
            backend=self._backend.label,
            sensitivity=self.settings.sensitivity,
            last_seq=publisher.last_seq,
            preview=self.settings.preview and self.settings.bind is not None,
            streams={
                name: account.report(publisher.latency(name), publisher.waiting(name))
                for name, account in self._accounts.items()
            },
        )
        self._beat = beat, time.monotonic()
        return beat
