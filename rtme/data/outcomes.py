"""What became of each video that was to be prepared, kept beside the store."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from rtme.data.store import whole_lines
from rtme.errors import DataError

_NAME = "outcomes.jsonl"


class Outcome(BaseModel):
    """What became of one video; names of files, no picture of anybody.

    Attributes:
        video: Its key, ``dataset/subject/video``.
        fault: Why it could not be prepared, None when it was.
        seen: Slots with a frame.
        judged: Slots with a face that may be judged.
        not_judged: Slots with a frame that may not be, by reason.
        repeated: Frames that are not there, in whose place another stands.
        unreadable: Pictures that are there and cannot be decoded; the last good one stands in for them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    video: str
    fault: str | None = None
    seen: int = 0
    judged: int = 0
    not_judged: dict[str, int] = {}
    repeated: int = 0
    unreadable: tuple[str, ...] = ()


class Journal:
    """The account of outcomes on disk: one line a video tried, the last one counts.

    Args:
        folder: Of the store.

    Raises:
        DataError: It cannot be written; so may :meth:`note`.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        try:
            # What a stop left half-written must not swallow the line that comes after it.
            kept = whole_lines(self._path) if self._path.is_file() else []
            self._path.write_text("".join(kept), encoding="utf-8")
        except OSError as error:
            raise DataError(f"{self._path} cannot be written: {error.strerror}") from error

    def note(self, outcome: Outcome) -> None:
        """Add one."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(outcome.model_dump_json() + "\n")
        except OSError as error:
            raise DataError(f"{self._path} cannot be written: {error.strerror}") from error


def outcomes(folder: Path) -> list[Outcome]:
    """What became of each video that was tried, by name.

    Raises:
        DataError: The folder has no such account.
    """
    path = folder / _NAME
    try:
        each = [Outcome.model_validate_json(line) for line in whole_lines(path)]
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    return sorted({one.video: one for one in each}.values(), key=lambda one: one.video)
