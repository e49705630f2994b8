"""Micro-expressions and speaker state, live: from a camera, stream or file to ZeroMQ.

Example:
    >>> for event in rtme.analyze("clip.mp4"):
    ...     print(event)
    >>> with rtme.Live(["0"]) as live:
    ...     for event in live:
    ...         print(event)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtme.bus.subscriber import AsyncSubscriber, Subscriber
    from rtme.live.analysis import analyze
    from rtme.live.service import Live

    __version__: str

__all__ = ["AsyncSubscriber", "Live", "Subscriber", "__version__", "analyze"]

_HOMES = {
    "AsyncSubscriber": "rtme.bus.subscriber",
    "Live": "rtme.live.service",
    "Subscriber": "rtme.bus.subscriber",
    "analyze": "rtme.live.analysis",
}


def __getattr__(name: str) -> object:
    # A subscriber needs no face tracker: each door opens only its own rooms.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name == "__version__":
        return _version()
    raise AttributeError(f"module 'rtme' has no attribute {name!r}")


def _version() -> str:
    # Not at import: it looks through what is installed, and the command should be there at once.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("rtme")
    except PackageNotFoundError:
        return "0+source"
