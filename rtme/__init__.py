"""Micro-expressions and speaker state, live: from a camera, stream or file to ZeroMQ.

Example:
    >>> for event in rtme.analyze("clip.mp4"):
    ...     print(event)
    >>> with rtme.Live(["0"]) as live:
    ...     for event in live:
    ...         print(event)
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtme.bus.subscriber import AsyncSubscriber, Subscriber
    from rtme.live.analysis import analyze
    from rtme.live.service import Live

try:
    __version__ = version("rtme")
except PackageNotFoundError:
    __version__ = "0+source"

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
    raise AttributeError(f"module 'rtme' has no attribute {name!r}")
