"""What TensorRT says, kept so that an error can repeat it."""

import logging
from threading import Lock
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import tensorrt as trt

_LOG = logging.getLogger(__name__)


class Said(Protocol):
    """A TensorRT logger that remembers."""

    def take(self) -> str:
        """The errors since it was last asked, in one line; empty when there are none."""


def tensorrt_log() -> Said:
    """Make a logger. It must outlive whatever was made with it."""
    import tensorrt as trt

    class Log(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            # TensorRT calls from threads of its own.
            self._lock = Lock()
            self._errors: list[str] = []

        def log(self, severity: "trt.ILogger.Severity", msg: str) -> None:
            if severity in (trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR):
                with self._lock:
                    self._errors.append(" ".join(msg.split()))
                _LOG.debug("TensorRT: %s", msg)
            elif severity == trt.ILogger.Severity.WARNING:
                _LOG.debug("TensorRT: %s", msg)

        def take(self) -> str:
            with self._lock:
                said, self._errors = "; ".join(self._errors), []
            return said

    return Log()
