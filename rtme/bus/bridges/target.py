"""What a bridge carries events to."""

from collections.abc import Sequence
from typing import Protocol

from rtme.errors import BusError
from rtme.events import AnyEvent


class UnreachableError(BusError):
    """The target does not take events now; later it may.

    Args:
        message: Why, for people.
        pause_s: Seconds that the target asked to be left alone; None when it said nothing.
    """

    def __init__(self, message: str, pause_s: float | None = None) -> None:
        super().__init__(message)
        self.pause_s = pause_s


class RefusedError(BusError):
    """The target will not take this however often it is tried."""


class Target(Protocol):
    """Takes events in order, from one thread.

    Attributes:
        name: The target as it may be printed: no password, no token.
        key: Tells this target from every other, passwords aside; it may hold secrets and is never shown.
        most: Most events that ``deliver`` takes at once.
    """

    name: str
    key: str
    most: int

    def open(self) -> None:
        """Connect, where the target is one that is connected to.

        Raises:
            UnreachableError: Not now.
            RefusedError: Not ever.
        """

    def deliver(self, events: Sequence[AnyEvent]) -> None:
        """Hand over the events and return when the target has confirmed all of them.

        After an ``UnreachableError`` the same events are given again.

        Raises:
            UnreachableError: Not now; some of the events may have arrived.
            RefusedError: Not ever.
        """

    def check(self) -> None:
        """Open again what was lost while there is nothing to deliver; called often.

        Raises:
            UnreachableError: It is lost, or not there yet.
            RefusedError: Not ever.
        """

    def close(self) -> None:
        """Release everything. May be called twice."""


def reason(error: BaseException) -> str:
    """Why a connection failed, in the system's words; libraries put addresses with tokens into theirs."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
