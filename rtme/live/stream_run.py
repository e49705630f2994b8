"""One stream's faces in one epoch: features in, events out. No thread, no socket."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from rtme.engine.backend import Features, Floats, Scorer
from rtme.engine.manifest import Manifest
from rtme.errors import EngineError
from rtme.events import AnyEvent, Mark, WarningEvent
from rtme.face.measures import MEASURES
from rtme.live.face_run import FaceRun
from rtme.live.lapse import Lapse
from rtme.live.marks import Marks
from rtme.live.messages import Tracked
from rtme.spot.rules import Sensitivity, SpotterRules
from rtme.spot.spotter import Spotter, Window
from rtme.spot.updates import Update
from rtme.traces import Trace

LOST_AFTER_S = 1.0
SETTLE_S = 0.3
WARN_NO_FACE_S = 60.0
TELL_SKIPPED_S = 1.0


def check_measures(manifest: Manifest) -> None:
    """See that an engine reads what the face room measures.

    Raises:
        EngineError: It was trained with another version's measures.
    """
    if manifest.measures not in (0, MEASURES):
        raise EngineError(
            f"engine {manifest.name} reads {manifest.measures} measures of the landmarks and this rtme makes {MEASURES}: "
            "train and export it again with this version"
        )


Scores = tuple[float, Floats, Floats]
"""Of one window: p_ME, and p_speaking and frame scores ``(T,)``."""


@dataclass(frozen=True, slots=True)
class Due:
    """A frame that was taken in and waits for scores.

    Attributes:
        item: The frame.
        events: What is already known.
        faces: Whose each window is.
        windows: To be scored.
    """

    item: Tracked
    events: list[AnyEvent]
    faces: list[int] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)


def score_windows(backend: Scorer, windows: Sequence[Window]) -> list[Scores]:
    """Score windows, whosever they are, in one call."""
    if not windows:
        return []
    said = backend.score(
        *(np.stack([getattr(one, part) for one in windows]) for part in ("frame", "regions", "valid"))
    )
    return list(zip(map(float, said.p_me), said.p_speaking, said.frame_scores, strict=True))


class StreamRun:
    """Drives the spotters of a stream. One object serves one epoch.

    Args:
        stream: Its name.
        epoch: Its epoch.
        backend: Scores windows.
        sensitivity: Of the intervals.
        on_trace: Called with pieces of each face's curve; None makes none.

    Attributes:
        skipped: Windows that were left out so far.
    """

    def __init__(
        self,
        stream: str,
        epoch: int,
        backend: Scorer,
        sensitivity: Sensitivity = "normal",
        on_trace: Callable[[Trace], None] | None = None,
    ) -> None:
        self.stream, self.epoch = stream, epoch
        self.skipped = 0
        self._backend = backend
        self._on_trace = on_trace
        self._rules = SpotterRules.of(backend.manifest, sensitivity=sensitivity)
        self._fps = backend.manifest.fps
        check_measures(backend.manifest)
        self._measured = backend.manifest.measures > 0
        self._marks = Marks()
        self._faces: dict[int, FaceRun] = {}
        self._no_face = Lapse("no_face")
        self._not_scored = Lapse("skipped")
        self._warned = False
        self._newest: Mark | None = None

    def push(self, item: Tracked, features: Features | None, *, behind: bool) -> list[AnyEvent]:
        """One frame of the grid: :meth:`look`, score and :meth:`conclude`."""
        due = self.look(item, features, behind=behind)
        return self.conclude(due, score_windows(self._backend, due.windows))

    def look(self, item: Tracked, features: Features | None, *, behind: bool) -> "Due":
        """Take in one frame of the grid, and say which windows are to be scored. :meth:`conclude` must follow.

        Args:
            item: The frame.
            features: The encoder's answer to its crops that may be judged, in order; None when there are none.
            behind: Leave out windows, but never two in a row: a machine that is always late must still see.
                The features are kept.
        """
        slot, at = item.slot, item.mark
        self._marks.add(slot, at)
        self._newest = at
        events = self._watch_absence(item)
        row = 0
        for crop in item.crops:
            run = self._faces.get(crop.face) or self._meet(crop.face)
            events += run.see(slot, crop, at)
            if crop.crop is not None and features is not None:
                token = features.frame[row]
                if self._measured:
                    token = np.concatenate([token, crop.measures])
                run.spotter.push(slot, token, features.regions[row])
                row += 1
        due = Due(item, events)
        for face, run in self._faces.items():
            for window in run.spotter.advance(slot):
                run.skipped_last = behind and not run.skipped_last
                if run.skipped_last:
                    self._skip(run, window, at)
                else:
                    due.faces.append(face)
                    due.windows.append(window)
        return due

    def conclude(self, due: "Due", scores: Sequence[Scores]) -> list[AnyEvent]:
        """What follows from a frame, once its windows are scored.

        Args:
            due: What :meth:`look` gave.
            scores: Of its windows, in their order.
        """
        slot, at, events = due.item.slot, due.item.mark, due.events
        told = list(zip(due.faces, due.windows, scores, strict=True))
        for face, run in list(self._faces.items()):
            for window, score in ((window, score) for whose, window, score in told if whose == face):
                events += run.events(run.spotter.take(window, *score), at)
            events += run.events(run.spotter.decide(), at)
            self._trace(run.traces())
            if slot - run.last_seen > LOST_AFTER_S * self._fps:
                events += self._part(face, at)
                events.append(run.face_event("lost", at))
        if self._not_scored.age_s(at) >= TELL_SKIPPED_S:
            events += self._not_scored.end(stream=self.stream, epoch=self.epoch, at=at)
        return events

    def finish(self) -> list[AnyEvent]:
        """The epoch is over: score what waits and close what is open."""
        if self._newest is None:
            return []
        events: list[AnyEvent] = []
        for face in list(self._faces):
            events += self._part(face, self._newest)
        events += self._not_scored.end(stream=self.stream, epoch=self.epoch, at=self._newest)
        return events + self._end_absence()

    def _meet(self, face: int) -> FaceRun:
        run = FaceRun(
            stream=self.stream,
            epoch=self.epoch,
            face=face,
            spotter=Spotter(self._rules, keep_scores=self._on_trace is not None),
            marks=self._marks,
            settle=round(SETTLE_S * self._fps),
            traced=self._on_trace is not None,
        )
        self._faces[face] = run
        return run

    def _part(self, face: int, at: Mark) -> list[AnyEvent]:
        run = self._faces.pop(face)
        windows = run.spotter.drain()
        updates: list[Update] = []
        for window, score in zip(windows, score_windows(self._backend, windows), strict=True):
            updates += run.spotter.take(window, *score)
        updates += run.spotter.finish()
        self._trace(run.traces(last=True))
        return run.events(updates, at)

    def _trace(self, traces: list[Trace]) -> None:
        if self._on_trace is not None:
            for trace in traces:
                self._on_trace(trace)

    def _skip(self, run: FaceRun, window: Window, at: Mark) -> None:
        run.spotter.skip(window)
        self._not_scored.add(at)
        self.skipped += 1

    def _watch_absence(self, item: Tracked) -> list[AnyEvent]:
        if item.crops:
            return self._end_absence()
        absent_s = self._no_face.add(item.mark)
        if absent_s < WARN_NO_FACE_S or self._warned:
            return []
        self._warned = True
        text = f"no face in `{self.stream}` for {absent_s:.0f} s: is the camera pointed at a person, near and lit?"
        return [WarningEvent(stream=self.stream, epoch=self.epoch, at=item.mark, text=text)]

    def _end_absence(self) -> list[AnyEvent]:
        self._warned = False
        return [
            *self._no_face.end(stream=self.stream, epoch=self.epoch, at=self._newest, at_least_s=LOST_AFTER_S)
        ]
