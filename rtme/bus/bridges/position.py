"""How far a bridge has come, so that its next run goes on from there."""

import fcntl
import hashlib
import os
from pathlib import Path
from typing import IO

from platformdirs import user_state_path
from pydantic import BaseModel, ConfigDict, ValidationError

from rtme.errors import BusError


class _Saved(BaseModel):
    model_config = ConfigDict(extra="forbid")

    bridge: str
    """Which bridge it is the position of."""
    run_id: str
    seq: int


def identity(*parts: str) -> str:
    """A short name of a bridge, from which nothing that made it can be read."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def default_path(bridge: str) -> Path:
    """Where a bridge keeps its position unless told otherwise.

    Raises:
        BusError: This user has no such place.
    """
    try:
        return user_state_path("rtme") / f"bridge-{bridge}.json"
    except RuntimeError as error:
        raise BusError(
            "this user has no home folder to keep the bridge's position in: name a file with --state"
        ) from error


class Position:
    """The newest event that was delivered, in a small file that only one bridge may use at a time.

    Args:
        path: The file; None keeps nothing.
        bridge: The :func:`identity` of the bridge.

    Attributes:
        run_id: The run of that event, None before the first.
        seq: Its number, -1 before the first.

    Raises:
        BusError: The file cannot be used, is another bridge's, or a bridge that runs uses it.
    """

    def __init__(self, path: Path | None, bridge: str) -> None:
        self.run_id: str | None = None
        self.seq = -1
        self._path = path
        self._bridge = bridge
        self._lock: IO[bytes] | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = path.with_name(f"{path.name}.lock").open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            text = path.read_bytes() if path.exists() else None
        except BlockingIOError:
            raise BusError(
                f"another bridge is using {path}: stop that one, or give this one a file of its own with --state"
            ) from None
        except OSError as error:
            raise BusError(
                f"{path} cannot hold the bridge's position ({error.strerror}): name another with --state"
            ) from error
        if text is not None:
            self._load(path, text)

    @property
    def start(self) -> int | None:
        """Number of the first event that was not delivered yet; None when nothing was ever delivered."""
        return None if self.run_id is None else self.seq + 1

    def move(self, run_id: str, seq: int) -> None:
        """Everything up to this event has been delivered.

        Raises:
            BusError: The file cannot be written.
        """
        if (run_id, seq) == (self.run_id, self.seq):
            return
        if self._path is not None:
            new = self._path.with_name(f"{self._path.name}.new")
            saved = _Saved(bridge=self._bridge, run_id=run_id, seq=seq)
            try:
                with new.open("wb") as file:
                    file.write(saved.model_dump_json().encode() + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
                new.replace(self._path)
            except OSError as error:
                raise BusError(
                    f"the bridge's position cannot be written to {self._path} ({error.strerror}): make room there"
                ) from error
        self.run_id, self.seq = run_id, seq

    def close(self) -> None:
        """Let another bridge have the file. May be called twice."""
        if self._lock is not None:
            self._lock.close()

    def _load(self, path: Path, text: bytes) -> None:
        try:
            saved = _Saved.model_validate_json(text)
        except ValidationError as error:
            raise BusError(
                f"{path} holds no bridge's position: name another file with --state, or remove this one to begin "
                "with what the service sends next"
            ) from error
        if saved.bridge != self._bridge:
            raise BusError(
                f"{path} is the position of a bridge with another target, service, stream or kind: "
                "name another file with --state"
            )
        self.run_id, self.seq = saved.run_id, saved.seq
