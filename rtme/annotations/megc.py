"""The spotting file that the micro-expression grand challenges (MEGC) take; `rtme score` reads it again."""

from pathlib import Path

from rtme.annotations.recording import EXPRESSIONS, Recording
from rtme.errors import DataError
from rtme.score import Interval, write_submission


def write(path: Path, recordings: list[Recording]) -> None:
    """Write ``vid,pred_onset,pred_offset,type``: ``vid`` is the video's name without its ending, and its first frame is 1.

    Raises:
        DataError: Two recordings would be one ``vid``.
    """
    rows: dict[Interval, None] = {}
    sources: dict[str, str] = {}
    for recording in recordings:
        name = Path(recording.source).stem or "recording"
        if sources.setdefault(name, recording.source) != recording.source:
            raise DataError(
                f"{sources[name]} and {recording.source} would both be vid {name}: write a file for each folder"
            )
        for span in recording.of(*EXPRESSIONS):
            # The form knows no faces: what two of them do together is one row.
            rows[Interval(name, span.first, span.last, "me" if span.kind == "me" else "mae")] = None
    write_submission(path, list(rows), "spotting")
