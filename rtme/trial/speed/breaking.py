"""What a soak breaks, when, and how: drawn from a seed."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rtme.capture.frame import Frame
from rtme.capture.source import Source
from rtme.errors import SourceError

KINDS = ("source killed", "source stalled", "subscriber killed", "subscriber stalled")

_LASTS_S = (3.0, 8.0)
_SETTLE_S = 8.0  # from the end of one to the next, at least
_QUIET = (
    0.12,
    0.80,
)  # of the run: its first and its last tenth are compared, a minute before them counts in percentiles
_READ_LIMIT_S = 2.0  # as of sources that read from a network


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that breaks.

    Attributes:
        at_s: When, seconds of the run.
        kind: One of :data:`KINDS`.
        lasts_s: How long.
    """

    at_s: float
    kind: str
    lasts_s: float


def draw_faults(seed: int, seconds: float, every_s: float) -> list[Fault]:
    """The faults of a run, one after the other, every kind equally often.

    Args:
        seed: The same one gives the same faults.
        seconds: Length of the run.
        every_s: Mean time between two.
    """
    chance = random.Random(seed)
    found: list[Fault] = []
    bag: list[str] = []
    at, end = (share * seconds for share in _QUIET)
    while at < end:
        bag = bag or chance.sample(KINDS, len(KINDS))
        fault = Fault(round(at, 1), bag.pop(), round(chance.uniform(*_LASTS_S), 1))
        found.append(fault)
        at += fault.lasts_s + max(_SETTLE_S, chance.expovariate(1 / every_s))
    return found


class Victim(Protocol):
    """What can be broken."""

    def kill(self) -> None:
        """End it without a farewell."""

    def start(self) -> None:
        """Let it come back. Returns at once."""

    def freeze(self) -> None:
        """Keep its connections, do nothing."""

    def thaw(self) -> None:
        """Go on."""


class ProcessVictim:
    """A process of its own, which is really killed and really stopped.

    Args:
        command: What is run; once :meth:`start` is called.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it (again)."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """SIGKILL. Safe to call when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    def freeze(self) -> None:
        """SIGSTOP."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, number)


def listener(address: str) -> ProcessVictim:
    """A subscriber of the service that may be broken."""
    return ProcessVictim([sys.executable, "-m", "rtme", "watch", address, "--json"])


class BreakingSource:
    """Any source, cut off or held still at a word: for a camera or a file, which nobody can kill.

    Attributes:
        name: As the source has it.
        live: As the source has it.
    """

    def __init__(self, source: Source) -> None:
        self.name, self.live = source.name, source.live
        self._source = source
        self._there, self._moving = threading.Event(), threading.Event()
        self._there.set()
        self._moving.set()

    @property
    def corrupt(self) -> int:
        """As the source has it."""
        return self._source.corrupt

    @property
    def frames_expected(self) -> int | None:
        """As the source has it."""
        return self._source.frames_expected

    @property
    def fps(self) -> float | None:
        """As the source has it."""
        return self._source.fps

    def obey(self, words: Iterator[str]) -> None:
        """Do what is said, until no more is: ``kill``, ``start``, ``freeze`` or ``thaw``."""
        for word in words:
            event = self._moving if word.strip() in ("freeze", "thaw") else self._there
            if word.strip() in ("kill", "freeze"):
                event.clear()
            else:
                event.set()

    def open(self) -> None:
        """Connect. Raises SourceError while cut off."""
        self._demand()
        self._source.open()

    def read(self) -> Frame | None:
        """The next frame. Raises SourceError when cut off, or still for two seconds."""
        self._demand()
        if not self._moving.wait(_READ_LIMIT_S):
            raise SourceError(f"{self.name} gave nothing for {_READ_LIMIT_S:g} s (held still by the bench)")
        return self._source.read()

    def close(self) -> None:
        """Release the source."""
        self._source.close()

    def _demand(self) -> None:
        if not self._there.is_set():
            raise SourceError(f"{self.name} is gone (cut off by the bench)")
