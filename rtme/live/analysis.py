"""The live path over a recording, as fast as it goes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtme import __version__
from rtme.capture.source import Source
from rtme.capture.urls import is_url, printable, redact
from rtme.capture.webcam import is_camera
from rtme.errors import SourceError
from rtme.events import AnyEvent, HeartbeatEvent
from rtme.live.service import Live
from rtme.live.showing import Showing
from rtme.settings import load_settings
from rtme.spot.rules import SpotterRules
from rtme.traces import Shown, Sight
from rtme.view.curves import collect_curves
from rtme.view.report import Method, Report, collect
from rtme.view.result import Result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from rtme.view.data_frames import Table


class Analysis:
    """One pass over one recording: iterate over its events, or ask for what was found. Runs once.

    Nothing is read before the first of it is asked for. In a notebook it shows itself as a page: counts, the timeline and
    the intervals.
    """

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
        self._result: Result | None = None

    def __repr__(self) -> str:
        if self._result is None:
            return f"<Analysis of {self._label}, not worked through yet>"
        report = self._result.report
        return (
            f"<Analysis of {self._label}: {len(report.intervals)} intervals, {len(report.speaker)} turns in "
            f"{report.frames} frames>"
        )

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
        return self.result().report

    def result(self) -> Result:
        """Everything found, with the curves of each face. Works the recording through first, if need be.

        Raises:
            SourceError: The recording cannot be opened or read.
        """
        if self._result is None:
            with self._progress_in_notebook():
                for _ in self:
                    pass
            self._result = Result(self._report(), collect_curves(self.shown))
        return self._result

    @property
    def data(self) -> "pd.DataFrame":
        """The intervals as a pandas table, see :func:`rtme.view.data_frames.to_frame`."""
        return self.to_frame("intervals")

    @property
    def speaker(self) -> "pd.DataFrame":
        """The turns of speaking and listening as a pandas table."""
        return self.to_frame("speaker")

    @property
    def curve(self) -> "pd.DataFrame":
        """Score, speaking, head pose and eye distance of each face in each frame as a pandas table."""
        return self.to_frame("curve")

    def to_frame(self, table: "Table" = "intervals") -> "pd.DataFrame":
        """A pandas table, see :func:`rtme.view.data_frames.to_frame`.

        Args:
            table: ``intervals``, ``speaker`` or ``curve``.

        Raises:
            SettingsError: There is no such table, or pandas is missing.
            SourceError: The recording cannot be opened or read.
        """
        from rtme.view.data_frames import require_pandas, to_frame

        require_pandas()
        return to_frame(self.result(), table)

    def plot(self, *, pose: bool | None = None) -> "Figure":
        """The timeline as a matplotlib figure, see :func:`rtme.view.timeline_plot.draw_timeline`.

        Args:
            pose: Draw head pose and eye distance too; None: where one strip shows everything.

        Raises:
            SettingsError: matplotlib is missing.
            SourceError: The recording cannot be opened or read.
        """
        from rtme.view.timeline_plot import draw_timeline, require_matplotlib

        require_matplotlib()
        return draw_timeline(self.result(), pose=pose)

    def write_report(self, path: str | Path) -> None:
        """Write it as one HTML page, as ``rtme analyze --report`` does, without pictures of faces.

        Raises:
            SettingsError: The file cannot be written.
            SourceError: The recording cannot be opened or read.
        """
        from rtme.view.report_page import write_page

        write_page(Path(path), [self.result()])

    def _repr_html_(self) -> str:
        from rtme.view.notebook import card

        return card(self.result())

    def _report(self) -> Report:
        manifest = self._live.manifest
        (progress,) = self._live.progress().values()
        report = Report(
            source=self._label,
            fps=progress.fps,
            frames=progress.frames,
            engine=f"{manifest.name} {manifest.version}",
            engine_note=manifest.summary,
            sensitivity=self._live.settings.sensitivity,
            method=self._method(),
        )
        return collect(report, self._seen)

    def _method(self) -> Method:
        manifest, settings = self._live.manifest, self._live.settings
        rules = SpotterRules.of(manifest, sensitivity=settings.sensitivity)
        return Method(
            rtme=__version__,
            backend=self._live.backend,
            faces=settings.faces,
            on=rules.interval.on,
            off=rules.interval.off,
            min_ms=rules.interval.min_ms,
            me_max_ms=rules.interval.me_max_ms,
            look_ahead_ms=round(1000 * rules.look_ahead / rules.fps, 1),
            speaker_look_ahead_ms=round(1000 * rules.speaker.look_ahead / rules.fps, 1),
            calibrated=bool(manifest.calibration),
        )

    @contextmanager
    def _progress_in_notebook(self) -> Iterator[None]:
        """Where nobody else is told how far it is, a notebook's reader is."""
        from rtme.view.notebook import NotebookProgress, in_notebook

        if self._on_progress is not None or self._done or not in_notebook():
            yield
            return
        with NotebookProgress(Path(self._label).name) as self._on_progress:
            yield

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
