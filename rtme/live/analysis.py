"""The live path over a recording, as fast as it goes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rtme.capture.source import Source
from rtme.capture.urls import is_url, printable, redact
from rtme.capture.webcam import is_camera
from rtme.errors import SourceError
from rtme.events import AnyEvent, HeartbeatEvent
from rtme.live.service import Live
from rtme.live.showing import Showing
from rtme.settings import load_settings
from rtme.traces import Shown, Sight
from rtme.view.report import Report, collect


class Analysis:
    """One pass over one recording: iterate over its events, or ask for the report. Runs once."""

    def __init__(
        self,
        live: Live,
        label: str,
        on_progress: Callable[[int, int | None], None] | None,
        shown: list[Shown],
    ) -> None:
        self._live = live
        self._label = label
        self._on_progress = on_progress
        self._seen: list[AnyEvent] = []
        self.shown = shown
        """Traces of the faces, and the sights that were asked for, as far as the recording was worked through."""
        self._done = False

    def __iter__(self) -> Iterator[AnyEvent]:
        """Every event in its order, heartbeats left out.

        Raises:
            SourceError: The recording cannot be opened or read.
        """
        if self._done:
            yield from self._seen
        else:
            with self._live as live:
                for event in live:
                    if isinstance(event, HeartbeatEvent):
                        self._tell_progress()
                    else:
                        self._seen.append(event)
                        yield event
            self._done = True
        for error in self._live.errors.values():
            raise SourceError(error)

    def report(self) -> Report:
        """Everything found. Works the recording through first, if that has not been done.

        Raises:
            SourceError: The recording cannot be opened or read.
        """
        for _ in self:
            pass
        manifest = self._live.manifest
        (progress,) = self._live.progress().values()
        report = Report(
            source=self._label,
            fps=progress.fps,
            frames=progress.frames,
            engine=f"{manifest.name} {manifest.version}",
            engine_note=manifest.summary,
            sensitivity=self._live.settings.sensitivity,
        )
        return collect(report, self._seen)

    def _tell_progress(self) -> None:
        if self._on_progress is not None:
            (progress,) = self._live.progress().values()
            self._on_progress(progress.frames, progress.expected)


def analyze(
    source: str | Path | Source,
    *,
    on_progress: Callable[[int, int | None], None] | None = None,
    showing: Showing | None = None,
    on_sight: Callable[[Shown], None] | None = None,
    **flags: Any,
) -> Analysis:
    """Find micro-expressions and speaker turns in a recording.

    It is the live path, so a recording played live gives the same intervals.

    Args:
        source: A file, or an object that follows :class:`rtme.capture.source.Source`.
        on_progress: Called about once a second with frames read and frames expected (None: unknown).
        showing: Keep the faces' outlines of each frame, and pictures if it says so; None keeps neither.
        on_sight: Gets the outlines instead of ``shown``, from another thread: those of an hour fill gigabytes of memory.
        **flags: Fields of :class:`rtme.settings.Settings`, such as ``engine``, ``sensitivity`` or ``faces``.

    Raises:
        SettingsError: A setting that does not fit.
        EngineError: The engine cannot be used.

    Example:
        >>> for event in rtme.analyze("clip.mp4"):
        ...     print(event)
        >>> rtme.analyze("clip.mp4").report().intervals
    """
    # What the environment says of `rtme live` (its socket, its cameras) is not meant for this.
    settings = load_settings(None, **flags)
    settings = settings.model_copy(
        update={
            "bind": flags.get("bind"),
            "journal": flags.get("journal"),
            "metrics": flags.get("metrics"),
            "preview": False,
            "source": [],
        }
    )
    shown: list[Shown] = []

    def keep(one: Shown) -> None:
        if on_sight is not None and isinstance(one.message, Sight):
            on_sight(one)
        else:
            shown.append(one)

    if not isinstance(source, str | Path):
        live = Live([source], settings=settings, fast=True, showing=showing, on_shown=keep)
        return Analysis(live, source.name, on_progress, shown)
    label = str(source)
    if _endless(label):
        raise SourceError(f"{redact(label)} is a live source: watch it with rtme.Live or `rtme live`")
    live = Live([label], settings=settings, fast=True, showing=showing, on_shown=keep)
    return Analysis(live, printable(label), on_progress, shown)


def _endless(spec: str) -> bool:
    address = is_url(spec) and not spec.lower().startswith("file://")
    return address or is_camera(spec) or spec == "demo" or spec.startswith("/dev/")
