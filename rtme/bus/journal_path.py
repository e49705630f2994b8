"""Where a service keeps its journal when nobody says."""

from pathlib import Path

from platformdirs import user_state_path

from rtme.bus.address import split

NONE = "none"
"""What the setting `journal` says when none is wanted."""


def default_journal(bind: str) -> Path | None:
    """The journal of the service on an address: one file for each port, in the user's state folder.

    Returns:
        None where the system chooses the port: another one each time, so nobody could go on with its numbers.

    Raises:
        BusError: ``bind`` is no address.
    """
    _, port = split(bind)
    if port in ("*", "0"):
        return None
    return user_state_path("rtme") / f"journal-{port}.sqlite"


def make_folder_of(journal: Path) -> str | None:
    """Make the folder of a default journal; returns why that cannot be, or None when it is there."""
    try:
        journal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        trial = journal.with_name(journal.name + ".lock")
        trial.touch(mode=0o600)
    except OSError as error:
        return error.strerror or str(error)
    return None
