"""What was found, as files for other programs: ELAN, Praat, WebVTT, CSV, Parquet, JSON, MEGC.

Example:
    >>> from rtme.view.export import export
    >>> export(rtme.analyze("clip.mp4").report(), "found.eaf")
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from rtme.annotations import NoFrameRateError, Recording, check_writable, write
from rtme.annotations.forms import FORMS
from rtme.annotations.json_file import contents_of
from rtme.errors import DataError, SettingsError
from rtme.events import SERVICE, AnyEvent, IntervalEvent, SpeakerEvent, UnknownEvent
from rtme.events import read as read_event
from rtme.view.report import Report, collect
from rtme.whole import whole


def export(reports: Report | Sequence[Report], path: Path | str, *, fps: float | None = None) -> list[Path]:
    """Write what ``rtme analyze`` found; the ending of the name says the form.

    Args:
        reports: Of one recording, or of several. In JSON one is an object and several are a list.
        path: One of :data:`rtme.annotations.FORMS`. A form that holds one recording gets a file for each of several, in a
            folder: see :func:`rtme.annotations.write`.
        fps: Frames per second where a report does not say.

    Returns:
        The files that were written.

    Raises:
        SettingsError: An unknown ending, or a file cannot be written.
        DataError: The frame rate is not known.
    """
    path = Path(path)
    several = [reports] if isinstance(reports, Report) else list(reports)
    if check_writable(path) is not FORMS[".json"]:
        return write(path, [recording_of(report, fps) for report in several])
    # A report says more than other programs have a place for.
    content = [report.model_dump() for report in several]
    text = json.dumps(content[0] if isinstance(reports, Report) else content, indent=2, ensure_ascii=False)
    try:
        with whole(path) as draft:
            draft.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror}") from error
    return [path]


def recording_of(report: Report, fps: float | None = None) -> Recording:
    """A report as annotations.

    Raises:
        DataError: The frame rate is not known.
    """
    if not report.fps and not fps:
        raise NoFrameRateError(
            f"{report.source} does not say how many frames it has a second: write JSON, then `rtme convert --fps`"
        )
    contents = contents_of(report.model_dump() | {"fps": report.fps or fps})
    facts = contents.facts
    rate = facts.fps or fps
    assert rate is not None
    return Recording(facts.source, rate, facts.n_frames, contents.spans, facts.engine, facts.engine_note)


def read_events(path: Path, fps: float | None) -> list[Recording]:
    """What a service sent, from the lines of `rtme events -o sent.jsonl` or `rtme live --json`.

    Each stream, run and epoch is a recording of its own, because frames and times begin anew with it.

    Args:
        path: The file.
        fps: Frames per second: events do not say.

    Raises:
        DataError: The file cannot be read, or a line is no event.
        NoFrameRateError: No ``fps``.
    """
    seen: dict[tuple[str, str, int], list[AnyEvent]] = {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = read_event(line)
        except ValueError as error:
            raise DataError(
                f"{path}, line {number} is no event of rtme: write it with `rtme events -o`"
            ) from error
        if isinstance(event, UnknownEvent) or event.stream == SERVICE:
            continue
        events = seen.setdefault((event.stream, event.run_id, event.epoch), [])
        if isinstance(event, IntervalEvent | SpeakerEvent):
            events.append(event)
    if fps is None:
        raise NoFrameRateError(f"{path}: events do not say how many frames a stream has a second: give --fps")
    # Where nothing was found anywhere, that is what is to be written.
    found = {key: events for key, events in seen.items() if events} or seen
    return [_recording_of_events(*key, events, fps) for key, events in found.items()]


def _recording_of_events(
    stream: str, run_id: str, epoch: int, events: Iterable[AnyEvent], fps: float
) -> Recording:
    report = Report(source="", fps=fps, frames=0, engine="", engine_note="")
    recording = recording_of(collect(report, events))
    name = f"{stream}-{run_id[:8] or 'run'}-{epoch}"
    return Recording(name, fps, None, recording.spans)
