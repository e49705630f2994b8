"""BLAS on one thread, for as long as anything live runs in the process."""

import threading
from contextlib import suppress

from threadpoolctl import threadpool_limits

_lock = threading.Lock()
_users = 0
_limits: threadpool_limits | None = None


def enter() -> None:
    """Something live begins. The matrices of a face are small: BLAS's other threads would spin over them."""
    global _users, _limits
    with _lock:
        _users += 1
        # Without a file descriptor left the libraries cannot be found; they are then only slower.
        with suppress(OSError):
            _limits = _limits or threadpool_limits(1, "blas")


def leave() -> None:
    """It is over. After the last, BLAS has as many threads as before the first."""
    global _users, _limits
    with _lock:
        _users -= 1
        if _users == 0 and _limits is not None:
            _limits.restore_original_limits()
            _limits = None
