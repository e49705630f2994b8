"""What Ctrl-C, SIGTERM and SIGHUP do to a command that has something to finish."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# SIGHUP comes when a terminal is closed. Windows has none.
ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@dataclass(slots=True)
class Asked:
    """Which signal asked for the end first, None while none has."""

    by: signal.Signals | None = None


@contextmanager
def stopping(stop: Callable[[], object]) -> Iterator[Asked]:
    """The first signal calls ``stop``, whatever is being done; a Ctrl-C after it leaves at once.

    A SIGHUP that is ignored, as ``nohup`` has it, stays so.
    """
    asked = Asked()

    def signalled(number: int, _: object) -> None:
        if asked.by is None:
            asked.by = signal.Signals(number)
            stop()
        elif number == signal.SIGINT:
            # Of the others a second one may come by itself: a shell hands on the SIGHUP that its terminal sends too.
            raise KeyboardInterrupt

    before = {
        one: signal.signal(one, signalled)
        for one in ENDING
        if one == signal.SIGINT or signal.getsignal(one) != signal.SIG_IGN
    }
    try:
        yield asked
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
