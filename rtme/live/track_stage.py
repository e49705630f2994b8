"""The thread that finds faces in one source's frames."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal

from rtme.capture.source import StagedSource
from rtme.errors import RtmeError
from rtme.events import AnyEvent, GapEvent, Mark, TruthEvent, WarningEvent
from rtme.face.landmarks import Floats
from rtme.face.tracker import FaceTracker
from rtme.live.epoch import Epoch
from rtme.live.finder import Finder
from rtme.live.health import Account
from rtme.live.inlet import EndOfEpoch, EndOfSource, Inlet, TimedFrame
from rtme.live.messages import Engine, EpochEnd, StreamEnd, Tracked
from rtme.live.pace import SLOW_FPS, what_is_missed
from rtme.live.plan import SourcePlan
from rtme.live.showing import Shower
from rtme.traces import Shown

TICK_S = 0.2
TELL_LOSSES_S = 1.0


@dataclass(slots=True)
class _Found:
    """A frame on the grid, whose landmarks are being looked for."""

    frame: TimedFrame
    epoch: Epoch
    slot: int
    meshes: Future[list[Floats]]
    judged: bool = False


class TrackStage(threading.Thread):
    """Takes frames from the inlet, lays them on the engine's time grid and hands their faces to the engine."""

    def __init__(
        self,
        plan: SourcePlan,
        new_tracker: Callable[[int], FaceTracker],
        inlet: Inlet,
        engine: Engine,
        publish: Callable[[AnyEvent], None],
        account: Account,
        ready: threading.Event,
        stop: threading.Event,
        show: Callable[[Shown], None] | None = None,
    ) -> None:
        super().__init__(name=f"track-{plan.name}", daemon=True)
        self._plan = plan
        self._new_tracker = new_tracker
        self._inlet = inlet
        self._engine = engine
        self._publish = publish
        self._account = account
        self._ready = ready
        self._stop_source = stop
        self._show = show
        self._shower = Shower(plan.name, plan.showing) if plan.showing else None
        self._epoch: Epoch | None = None
        self._told_losses = time.monotonic()
        self._corrupt_told = 0

    def run(self) -> None:
        """Thread body."""
        end = EndOfSource()
        try:
            tracker = self._new_tracker(self._plan.faces)
            self._ready.set()
            try:
                with Finder(f"find-{self._plan.name}") as finder:
                    end = self._work(tracker, finder)
            finally:
                tracker.close()
        except RtmeError as error:
            end = EndOfSource(str(error))
        except Exception as error:  # one bad source must not stop the others
            end = EndOfSource(f"face tracking failed: {type(error).__name__}: {error}")
        self._stop_source.set()
        try:
            self._tell_losses()
        except Exception as error:  # the publisher died, or the source has no count
            end = EndOfSource(end.error or f"counting losses failed: {type(error).__name__}: {error}")
        self._engine.put(StreamEnd(self._plan.name, self.epoch, end.error))

    @property
    def epoch(self) -> int:
        """Epoch of the newest frame; 0 before the first."""
        return self._epoch.number if self._epoch else 0

    def _work(self, tracker: FaceTracker, finder: Finder) -> EndOfSource:
        """Take frames until the source ends.

        While one frame's faces are cut out and compared, the landmarks of the next are looked for on another thread, if it
        is there already: a recording that is read as fast as it goes, or a camera that is ahead of us, uses two cores.
        """
        ahead: _Found | None = None
        while True:
            item = self._inlet.get(0 if ahead else TICK_S)
            if time.monotonic() - self._told_losses >= TELL_LOSSES_S:
                self._tell_losses()
            following = self._begin(tracker, finder, item, ahead) if isinstance(item, TimedFrame) else None
            if ahead is not None and not ahead.judged and not self._judge(tracker, ahead):
                return EndOfSource("the engine stopped")
            ahead = following
            if isinstance(item, EndOfSource):
                return item
            if isinstance(item, EndOfEpoch) and not self._engine.put(EpochEnd(self._plan.name)):
                return EndOfSource("the engine stopped")

    def _begin(
        self, tracker: FaceTracker, finder: Finder, frame: TimedFrame, before: "_Found | None"
    ) -> "_Found | None":
        """Begin to look for a frame's landmarks; None for a frame that is left out."""
        epoch, mark = self._epoch, frame.mark
        if epoch is None or epoch.number != frame.epoch:
            # The tracker forgets everything now, so what it was given before must be done with.
            if before is not None:
                self._judge(tracker, before)
            epoch = self._begin_epoch(tracker, frame.epoch)
        slot = epoch.place(mark)
        if slot is None:
            self._account.dropped("above_engine_rate")
            return None
        return _Found(frame, epoch, slot, finder.submit(tracker.find, frame.image, slot))

    def _judge(self, tracker: FaceTracker, found: "_Found") -> bool:
        """Hand a frame's faces to the engine; False when it is gone."""
        found.judged = True
        mark, epoch = found.frame.mark, found.epoch
        crops = tracker.judge(found.frame.image, found.slot, found.meshes.result())
        tracked_ns = time.monotonic_ns()
        self._account.tracked(len(crops))
        self._account.took("tracked", tracked_ns - mark.capture_ns)
        delivered = self._engine.put(
            Tracked(
                self._plan.name, epoch.number, found.slot, mark, self._plan.source.live, crops, tracked_ns
            )
        )
        self._tell_truth(epoch, mark)
        if self._show is not None and self._shower is not None and self._shower.due(epoch.number, mark):
            self._show(self._shower.show(found.frame.image, epoch.number, mark, crops))
        return delivered

    def _begin_epoch(self, tracker: FaceTracker, number: int) -> Epoch:
        before, epoch = self._epoch, Epoch(number, self._engine.fps)
        self._epoch = epoch
        self._account.began(number, self._plan.source.fps, self._plan.source.frames_expected)
        if before is not None:
            tracker.reset()
            self._tell_gap("reconnect", 0)
        self._warn_of_slow_source()
        return epoch

    def _warn_of_slow_source(self) -> None:
        fps = self._plan.source.fps
        if fps is None or fps >= SLOW_FPS:
            return
        text = f"`{self._plan.name}` gives {fps:.3g} frames a second: {what_is_missed(fps)}"
        self._publish(WarningEvent(stream=self._plan.name, epoch=self.epoch, text=text))

    def _tell_losses(self) -> None:
        self._told_losses = time.monotonic()
        for dropped in self._inlet.take_dropped():
            self._account.dropped("dropped", dropped.count)
            gap = GapEvent(
                stream=self._plan.name,
                epoch=dropped.epoch,
                at=self._newest() if dropped.epoch == self.epoch else None,
                cause="dropped",
                count=dropped.count,
                start=dropped.first,
                end=dropped.last,
            )
            self._publish(gap)
        new = self._plan.source.corrupt - self._corrupt_told
        if new > 0:
            self._corrupt_told += new
            self._account.dropped("corrupt", new)
            self._tell_gap("corrupt", new)

    def _tell_gap(self, cause: Literal["corrupt", "reconnect"], count: int) -> None:
        gap = GapEvent(stream=self._plan.name, epoch=self.epoch, at=self._newest(), cause=cause, count=count)
        self._publish(gap)

    def _newest(self) -> Mark | None:
        return self._epoch.newest if self._epoch else None

    def _tell_truth(self, epoch: Epoch, now: Mark) -> None:
        if not isinstance(self._plan.source, StagedSource):
            return
        for what, label, start, end in self._plan.source.truth_until(now.frame):
            event = TruthEvent(
                stream=self._plan.name,
                epoch=epoch.number,
                at=now,
                what=what,
                label=label,
                start=epoch.mark_of_frame(start, self._plan.source.fps),
                end=epoch.mark_of_frame(end, self._plan.source.fps),
            )
            self._publish(event)
