"""Praat's TextGrids: tiers of intervals with times in seconds."""

from pathlib import Path

from rtme.annotations.facts import MARK, Contents, Facts, as_line, from_line
from rtme.annotations.recording import Recording
from rtme.annotations.tiers import Entry, Tier, tiers_of
from rtme.errors import DataError


def write(path: Path, recordings: list[Recording]) -> None:
    """Write a recording; a tier ``rtme`` says what it is, as a TextGrid has no other place for that."""
    from praatio.data_classes.interval_tier import IntervalTier
    from praatio.data_classes.textgrid import Textgrid

    (recording,) = recordings
    tiers = tiers_of(recording.spans, recording.fps)
    # Praat opens nothing that has no length.
    length_ms = max(
        [
            1.0,
            1000 * (recording.n_frames or 0) / recording.fps,
            *(one.end_ms for tier in tiers for one in tier.entries),
        ]
    )
    end = round(length_ms) / 1000
    grid = Textgrid(0, end)
    for tier in tiers:
        rows = [
            (one.begin_ms / 1000, one.end_ms / 1000, f"{one.text} {one.label}".strip())
            for one in tier.entries
        ]
        grid.addTier(IntervalTier(tier.name, rows, 0, end))
    grid.addTier(IntervalTier(MARK, [(0, end, as_line(recording))], 0, end))
    grid.save(str(path), format="long_textgrid", includeBlankSpaces=True)


def read(path: Path) -> list[Contents]:
    """Read a TextGrid that Praat wrote as text, long or short; empty intervals are nothing.

    Raises:
        DataError: It cannot be read.
    """
    from praatio import textgrid

    try:
        grid = textgrid.openTextgrid(
            str(path), includeEmptyIntervals=False, reportingMode="silence", duplicateNamesMode="rename"
        )
        tiers = tuple(Tier(tier.name, tuple(_entry(*one) for one in tier.entries)) for tier in grid.tiers)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    # Praatio has no one error for what is no TextGrid.
    except Exception as error:
        raise DataError(
            f"{path} cannot be read as a TextGrid ({_first_line(error)}): save it in Praat as a text file"
        ) from error
    said = next((one.text for tier in tiers if tier.name == MARK for one in tier.entries), "")
    facts = from_line(said) if said else Facts()
    return [Contents(facts, tuple(tier for tier in tiers if tier.name != MARK))]


def _entry(*values: object) -> Entry:
    """An interval, or a point as a stretch without length."""
    times, text = [1000 * float(str(value)) for value in values[:-1]], str(values[-1])
    return Entry(times[0], times[-1], text)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
