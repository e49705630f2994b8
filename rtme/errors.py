"""Every error a user can meet. A message names what is wrong, which value, and what to do."""


class RtmeError(Exception):
    """An error with a message for people. The command line prints it in one line, without a traceback.

    Attributes:
        exit_code: What the ``rtme`` command exits with.
    """

    exit_code = 1


class SettingsError(RtmeError):
    """A setting, flag or settings file that cannot be used."""

    exit_code = 2


class SourceError(RtmeError):
    """A file, stream or camera that cannot be opened or read."""

    exit_code = 3


class FaceError(RtmeError):
    """The face tracker cannot work (a missing model file or system library)."""

    exit_code = 4


class EngineError(RtmeError):
    """An engine bundle or backend that cannot be used."""

    exit_code = 5


class BackendLostError(EngineError):
    """A backend that worked and no longer does (out of memory, a lost device): another may take its place."""


class BusError(RtmeError):
    """A socket that cannot be bound, reached or understood."""

    exit_code = 6


class DataError(RtmeError):
    """Training or test material that cannot be used."""

    exit_code = 7


class JournalError(BusError):
    """A journal that cannot be used, or that lacks events which were sent."""

    exit_code = 8
