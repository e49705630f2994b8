"""How an engine does on any camera or recording: micro-expressions are planted there at known times."""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from rtme.capture.file import FileSource
from rtme.capture.source import Source
from rtme.capture.sources import expand, open_source
from rtme.capture.urls import printable, redact
from rtme.errors import DataError, SourceError
from rtme.live.service import Live
from rtme.settings import Settings
from rtme.trial.outcome import Outcome, Viewing
from rtme.trial.planting import FRAMES_MISSING, PlantingSource
from rtme.trial.schedule import Schedule, Wish
from rtme.trial.watching import watch

LIVE_MINUTES = 2.0
"""How long a live source is watched unless something else is asked for."""

LONGEST_STRETCH_S = 60.0
"""A live source is planted in and left alone by turns, each for at most so long."""

_FIRST_FRAME_S = 30.0  # a camera that has sent nothing for so long will not
_HELD_UP_S = 20.0  # reconnecting takes its time; beyond this a run is ended with what it has
_SHORTEST_S = 1.5

Progress = Callable[[str, float, float | None], None]


def inject(
    spec: str,
    wish: Wish | None = None,
    *,
    settings: Settings,
    minutes: float | None = None,
    on_progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Outcome:
    """Plant micro-expressions in a camera, a stream, a file or a folder of files, and see what the engine finds.

    Args:
        spec: Camera number, address, file, folder or pattern.
        wish: What is planted; stretches are set for live sources.
        settings: Of the service; its engine is the one that is tried.
        minutes: Take no more footage than this; None takes recordings whole and two minutes of a live source.
        on_progress: Called about once a second with what is seen, seconds of it so far and seconds there will be (None:
            unknown).
        stop: Set it to end with what has been seen.

    Raises:
        SourceError: A source that cannot be opened or read, or gives no picture.
        DataError: No face, too few frames, or nothing could be planted; the sentence says what to do.
        EngineError: The engine cannot be used.
    """
    if spec == "demo":
        raise SourceError(
            "the demo performs micro-expressions of its own, which would count as false alarms: "
            "give a camera, a stream or a recording (`rtme live demo` tells how many of the demo's were found)"
        )
    wish = wish or Wish()
    trial = _Trial(wish, settings, on_progress or (lambda *_: None), stop or threading.Event())
    files = expand(spec)
    first = open_source(files[0], transport=settings.transport)
    if first.live:
        return trial.live(first, redact(spec), minutes or LIVE_MINUTES)
    return trial.recorded(files, printable(spec), minutes)


def inject_source(
    source: Source,
    wish: Wish | None = None,
    *,
    settings: Settings,
    minutes: float = LIVE_MINUTES,
    on_progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Outcome:
    """Likewise for a source of one's own, planted in and left alone by turns; see :func:`inject`."""
    trial = _Trial(wish or Wish(), settings, on_progress or (lambda *_: None), stop or threading.Event())
    return trial.live(source, source.name, minutes)


class _Trial:
    def __init__(self, wish: Wish, settings: Settings, tell: Progress, stop: threading.Event) -> None:
        self._wish = wish
        # One face: which of several an expression was planted in, an event does not say.
        self._settings = settings.model_copy(update={"faces": 1})
        self._tell = tell
        self._stop = stop

    def live(self, source: Source, label: str, minutes: float) -> Outcome:
        total_s = 60 * minutes
        wish = replace(self._wish, stretch_s=total_s / (2 * math.ceil(total_s / (2 * LONGEST_STRETCH_S))))
        planting = PlantingSource(source, Schedule(wish, source.name), until_s=total_s)
        began = time.monotonic()

        def tick(live: Live) -> None:
            self._tell(label, planting.seconds, total_s)
            waited = time.monotonic() - began
            silent = not planting.stretches and waited > _FIRST_FRAME_S
            if planting.over or silent or waited > total_s + _HELD_UP_S or self._stop.is_set():
                live.stop()

        (seen,), engine = watch([planting], self._settings, tick)
        if not planting.stretches:
            why = seen.error or seen.trouble or f"nothing came in {time.monotonic() - began:.0f} s"
            raise SourceError(f"{label} gave no picture: {why}")
        notes = [*seen.warnings]
        if seen.error or (source.live and not planting.over and not self._stop.is_set()):
            why = seen.error or seen.trouble or "it was slower than its clock"
            notes.append(
                f"the source gave {planting.seconds:.0f} of the {total_s:.0f} s that were asked for ({why}): "
                "the figures are of those"
            )
        outcome = Outcome(label, True, engine, wish, [Viewing(label, planting, seen)], notes)
        return _worth(outcome)

    def recorded(self, files: Sequence[str], label: str, minutes: float | None) -> Outcome:
        left_s = math.inf if minutes is None else 60 * minutes
        viewings: list[Viewing] = []
        notes: list[str] = []
        engine, failure = "", None
        for file in files:
            if self._stop.is_set() or left_s < _SHORTEST_S:
                break
            try:
                pair, engine = self._twice(file, left_s)
            except (SourceError, DataError) as error:
                failure = error
                notes.append(f"left out: {error}")
                continue
            viewings += pair
            left_s -= pair[0].source.seconds
        if not viewings:
            raise failure or DataError(
                f"nothing of {label} was looked at: it was stopped before the first frame"
            )
        if self._stop.is_set():
            notes.append("stopped before the end: the figures are of what was seen until then")
        return _worth(Outcome(label, False, engine, self._wish, viewings, notes))

    def _twice(self, file: str, left_s: float) -> tuple[list[Viewing], str]:
        """A file as it is and with expressions planted, side by side."""
        clip = printable(file)
        until_s = left_s if math.isfinite(left_s) else None
        planted, untouched = (
            PlantingSource(FileSource(file), schedule, until_s=until_s)
            for schedule in (Schedule(self._wish, clip.rpartition("/")[2]), None)
        )

        def tick(live: Live) -> None:
            fps, expected = planted.fps, planted.frames_expected
            self._tell(clip, planted.seconds, expected / fps if expected and fps else None)
            if self._stop.is_set():
                live.stop()

        seen, engine = watch([planted, untouched], self._settings, tick)
        if planted.seconds < _SHORTEST_S and not self._stop.is_set():
            frames = sum(stretch.frames for stretch in planted.stretches)
            raise DataError(
                f"{clip} has {frames} frames ({planted.seconds:.1f} s), too few to plant and find anything in: "
                f"give {_SHORTEST_S:g} s or more"
            )
        return [
            Viewing(clip, source, one) for source, one in zip((planted, untouched), seen, strict=True)
        ], engine


def _worth(outcome: Outcome) -> Outcome:
    """The outcome, if anything can be learned from it.

    Raises:
        DataError: No face was judged, or nothing was planted.
    """
    # A recording is seen twice, and is as long as it is.
    sources = [v.source for v in outcome.viewings if any(s.planted for s in v.source.stretches)]
    stretches = [stretch for source in sources for stretch in source.stretches]
    frames, judged = sum(s.frames for s in stretches), sum(s.judged for s in stretches)
    if not judged:
        reasons = sum((source.unjudged for source in sources), Counter[str]())
        why = ", ".join(f"{reason} in {count}" for reason, count in reasons.most_common(3))
        raise DataError(
            f"no face of {outcome.source} could be judged in any of {frames} frames ({why}): "
            "point the camera at one person, near, lit and facing it"
        )
    if not outcome.shown:
        why_not = ", ".join(f"{count} times {reason}" for reason, count in outcome.missed.most_common(3))
        begun = (
            f"; {len(outcome.abandoned)} begun in vain ({outcome.abandoned[0].why})"
            if outcome.abandoned
            else ""
        )
        advice = "give longer footage of one face, or a smaller --every"
        if [reason for reason, _ in outcome.missed.most_common(1)] == [FRAMES_MISSING]:
            advice = "its frames come with gaps, or this machine cannot follow: close other programs, look at the camera"
        raise DataError(
            f"nothing was planted in {sum(source.seconds for source in sources):.1f} s of {outcome.source} "
            f"(could not be: {why_not or 'none was due'}{begun}): {advice}"
        )
    return outcome
