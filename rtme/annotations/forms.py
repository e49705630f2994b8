"""Every form of file that annotations are written to and read from. This table is the one place that lists them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rtme.annotations import eaf, json_file, megc, table, textgrid, webvtt
from rtme.annotations.facts import Contents
from rtme.annotations.recording import NoFrameRateError, Recording, check_fps, same_rate
from rtme.annotations.tiers import Choice, choose, understand
from rtme.errors import DataError, SettingsError
from rtme.whole import whole


@dataclass(frozen=True, slots=True)
class Form:
    """A form of file.

    Attributes:
        name: For people.
        write: Writes recordings to a path; one unless ``many``.
        read: Reads them; None where it is only written.
        many: One file holds any number of recordings.
    """

    name: str
    write: Callable[[Path, list[Recording]], None]
    read: Callable[[Path], list[Contents]] | None
    many: bool


FORMS = {
    ".eaf": Form("ELAN", eaf.write, eaf.read, many=False),
    ".TextGrid": Form("Praat TextGrid", textgrid.write, textgrid.read, many=False),
    ".vtt": Form("WebVTT", webvtt.write, webvtt.read, many=False),
    ".megc.csv": Form("MEGC spotting submission", megc.write, None, many=True),
    ".csv": Form("CSV", table.write_csv, table.read_csv, many=True),
    ".parquet": Form("Parquet", table.write_parquet, table.read_parquet, many=True),
    ".json": Form("JSON", json_file.write, json_file.read, many=True),
}
"""By the ending of the file's name; a longer ending stands before the one it ends in."""


def ending_of(path: Path) -> str:
    """The ending in :data:`FORMS` that a name has, whatever its case.

    Raises:
        SettingsError: It has none of them.
    """
    for ending in FORMS:
        if path.name.casefold().endswith(ending.casefold()):
            return ending
    raise SettingsError(f"{path}: the name must end in {', '.join(FORMS)}, which says the form")


def check_writable(path: Path) -> Form:
    """The form of a file that is to be written, before the work for it is done.

    Raises:
        SettingsError: An unknown ending, a folder that does not exist, or a library that is missing.
    """
    form = FORMS[ending_of(path)]
    if not path.parent.is_dir():
        raise SettingsError(f"cannot write {path}: the folder {path.parent} does not exist")
    if path.is_dir():
        raise SettingsError(f"cannot write {path}: it is a folder")
    if form.write is table.write_parquet:
        table.pyarrow()
    return form


def write(path: Path, recordings: Sequence[Recording]) -> list[Path]:
    """Write recordings in the form that the name's ending says.

    A form that holds one recording gets a file for each, named like the recordings, where there are several: ``found.eaf``
    stands for the folder ``found`` then, which is made.

    Args:
        path: A file that exists is replaced when everything is written.
        recordings: In the order in which they are to stand there.

    Returns:
        The files.

    Raises:
        SettingsError: As :func:`check_writable`, or a file cannot be written.
        DataError: The form has no place for what is in a recording, or holds one and there is none.
    """
    form = check_writable(path)
    if not recordings and not form.many:
        raise DataError(f"there is no recording to write to {path}")
    if form.many or len(recordings) == 1:
        _write_whole(form, path, list(recordings))
        return [path]
    ending = path.name[-len(ending_of(path)) :]
    folder = path.with_name(path.name[: -len(ending)] or "annotations")
    written = []
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise SettingsError(f"cannot make the folder {folder}: {error.strerror}") from error
    for name, recording in zip(_names(recordings), recordings, strict=True):
        written.append(folder / f"{name}{ending}")
        _write_whole(form, written[-1], [recording])
    return written


def _write_whole(form: Form, path: Path, recordings: list[Recording]) -> None:
    try:
        with whole(path) as draft:
            form.write(draft, recordings)
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror or error}") from error


def _names(recordings: Sequence[Recording]) -> list[str]:
    """A name for each recording's file; two of one name, from two folders, are told apart by a number."""
    names: list[str] = []
    for recording in recordings:
        stem = Path(recording.source).stem or "recording"
        name, number = stem, 1
        while name.casefold() in (one.casefold() for one in names):
            number += 1
            name = f"{stem}-{number}"
        names.append(name)
    return names


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file holds.

    Attributes:
        recordings: One, but in a table any number.
        tiers: A sentence about each tier: what it was read as, or that it was not.
    """

    recordings: tuple[Recording, ...]
    tiers: tuple[str, ...]


def read(
    path: Path | str,
    *,
    fps: float | None = None,
    tiers: Sequence[Choice] = (),
    default_fps: float | None = None,
) -> Reading:
    """Read intervals and turns from a file.

    Args:
        path: Its ending says the form.
        fps: Frames per second, whatever the file says. Where it says another rate, its frames count, and times are those of
            this rate.
        tiers: Read these tiers alone; by default all whose names are understood.
        default_fps: Frames per second where the file does not say.

    Raises:
        SettingsError: An unknown ending, or one that is only written.
        DataError: The file cannot be read, or a tier is not there.
        NoFrameRateError: Nobody says how many frames there are a second.
    """
    path = Path(path)
    if fps is not None:
        check_fps(fps)
    form = FORMS[ending_of(path)]
    if form.read is None:
        raise SettingsError(f"{path}: a {form.name} is written by rtme and not read")
    recordings: list[Recording] = []
    said: list[str] = []
    try:
        for contents in form.read(path):
            rate = fps or contents.facts.fps or default_fps
            if contents.tiers is None:
                spans, notes = choose(contents.spans, tiers)
            else:
                spans, notes = understand(contents.tiers, rate, tiers)
            said += notes
            if rate is None:
                raise NoFrameRateError("it does not say how many frames it has a second: give --fps")
            facts = contents.facts
            if fps is not None and facts.fps and not same_rate(fps, facts.fps):
                # The file's times were made with the rate that is said to be wrong.
                spans = tuple(replace(span, times_ms=None) for span in spans)
            recordings.append(
                Recording(facts.source, rate, facts.n_frames, spans, facts.engine, facts.engine_note)
            )
    except NoFrameRateError as error:
        raise NoFrameRateError(f"{path}: {error}") from None
    except DataError as error:
        if str(error).startswith(str(path)):
            raise
        raise DataError(f"{path}: {error}") from error
    return Reading(tuple(recordings), tuple(dict.fromkeys(said)))
