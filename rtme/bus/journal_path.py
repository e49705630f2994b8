"""Where a service keeps its journal when nobody says."""

from pathlib import Path

from platformdirs import user_state_path

from rtme.bus.address import split
from rtme.errors import JournalError

NONE = "none"
"""What the setting `journal` says when none is wanted."""


def default_journal(bind: str) -> Path | None:
    """The journal of the service on an address: one file for each port, in the user's state folder.

    Returns:
        None where the system chooses the port: another one each time, so nobody could go on with its numbers.

    Raises:
        BusError: ``bind`` is no address.
        JournalError: This user has no such folder.
    """
    _, port = split(bind)
    if port in ("*", "0"):
        return None
    try:
        folder = user_state_path("rtme")
    except RuntimeError as error:
        raise JournalError(
            "this user has no home folder in which a journal could be: name its file in RTME_JOURNAL, "
            "or a folder for it in XDG_STATE_HOME"
        ) from error
    return folder / f"journal-{port}.sqlite"


def make_folder_of(journal: Path) -> str | None:
    """Make the folder of a default journal; returns why that cannot be, or None when it is there."""
    try:
        journal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        trial = journal.with_name(journal.name + ".lock")
        trial.touch(mode=0o600)
    except OSError as error:
        return error.strerror or str(error)
    return None
