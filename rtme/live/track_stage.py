"""The thread that finds faces in one source's frames."""

import threading
import time
from collections.abc import Callable
from typing import Literal

from rtme.capture.frame import Frame
from rtme.capture.source import StagedSource
from rtme.errors import RtmeError
from rtme.events import AnyEvent, GapEvent, Mark, TruthEvent
from rtme.face.tracker import FaceTracker
from rtme.live.engine_stage import EngineStage
from rtme.live.epoch import Epoch
from rtme.live.health import StreamAccount
from rtme.live.inlet import EndOfSource, Inlet
from rtme.live.messages import StreamEnd, Tracked
from rtme.live.plan import SourcePlan

TICK_S = 0.2
TELL_LOSSES_S = 1.0


class TrackStage(threading.Thread):
    """Takes frames from the inlet, lays them on the engine's time grid and hands their faces to the engine."""

    def __init__(
        self,
        plan: SourcePlan,
        new_tracker: Callable[[int], FaceTracker],
        inlet: Inlet,
        engine: EngineStage,
        publish: Callable[[AnyEvent], None],
        account: StreamAccount,
        stop: threading.Event,
    ) -> None:
        super().__init__(name=f"track-{plan.name}", daemon=True)
        self._plan = plan
        self._new_tracker = new_tracker
        self._inlet = inlet
        self._engine = engine
        self._publish = publish
        self._account = account
        self._stop_source = stop
        self._epoch: Epoch | None = None
        self._told_losses = time.monotonic()
        self._corrupt_told = 0

    def run(self) -> None:
        """Thread body."""
        end = EndOfSource()
        try:
            tracker = self._new_tracker(self._plan.faces)
            try:
                end = self._work(tracker)
            finally:
                tracker.close()
        except RtmeError as error:
            end = EndOfSource(str(error))
        except Exception as error:  # one bad source must not stop the others
            end = EndOfSource(f"face tracking failed: {type(error).__name__}: {error}")
        finally:
            self._stop_source.set()
            self._tell_losses()
            self._engine.put(StreamEnd(self._plan.name, self._epoch.number if self._epoch else 0, end.error))

    def _work(self, tracker: FaceTracker) -> EndOfSource:
        while True:
            item = self._inlet.get(TICK_S)
            if isinstance(item, EndOfSource):
                return item
            if item is not None and not self._frame(tracker, item):
                return EndOfSource("the engine stopped")

    def _frame(self, tracker: FaceTracker, frame: Frame) -> bool:
        """Work one frame through; False when the engine is gone."""
        if self._epoch is None or self._epoch.number != frame.stamp.epoch:
            self._begin_epoch(tracker, frame)
        epoch = self._epoch
        assert epoch is not None
        if time.monotonic() - self._told_losses >= TELL_LOSSES_S:
            self._tell_losses()
        mark = epoch.mark(frame.stamp)
        if epoch.jumped:
            self._tell_gap("time_jump", 0, mark)
        slot = epoch.slot(mark)
        if slot is None:
            self._account.dropped("above_engine_rate")
            return True
        crops = tracker.track(frame.image, slot)
        self._account.tracked(len(crops))
        delivered = self._engine.put(
            Tracked(self._plan.name, epoch.number, slot, mark, self._plan.source.live, crops)
        )
        self._tell_truth(epoch, mark)
        return delivered

    def _begin_epoch(self, tracker: FaceTracker, frame: Frame) -> None:
        before = self._epoch
        self._epoch = Epoch(frame.stamp.epoch, live=self._plan.source.live, fps=self._engine.fps)
        if before is not None:
            tracker.reset()
            self._account.reconnected()
            self._corrupt_told = 0
            self._tell_gap("reconnect", 0)

    def _tell_losses(self) -> None:
        self._told_losses = time.monotonic()
        dropped = self._inlet.take_dropped()
        if dropped is not None and self._epoch is not None:
            self._account.dropped("late", dropped.count)
            self._tell_gap("dropped", dropped.count, self._epoch.newest)
        new = self._plan.source.corrupt - self._corrupt_told
        if new > 0:
            self._corrupt_told += new
            self._account.dropped("corrupt", new)
            self._tell_gap("corrupt", new)

    def _tell_gap(
        self,
        cause: Literal["dropped", "corrupt", "reconnect", "time_jump"],
        count: int,
        end: Mark | None = None,
    ) -> None:
        epoch = self._epoch
        event = GapEvent(
            stream=self._plan.name,
            epoch=epoch.number if epoch else 0,
            at=epoch.newest if epoch else None,
            cause=cause,
            count=count,
            end=end,
        )
        self._publish(event)

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
