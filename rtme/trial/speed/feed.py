"""Where the pictures of a speed bench come from."""

from dataclasses import dataclass
from typing import Protocol

from rtme.trial.speed.clip import Clip
from rtme.trial.speed.service import Counts


class Feed(Protocol):
    """Sends a numbered clip round and round, in real time."""

    @property
    def what(self) -> str:
        """How, for people."""

    @property
    def clip(self) -> Clip:
        """What it sends."""

    def specs(self, streams: int) -> list[str]:
        """What the service is given to watch, one for each stream."""

    def began_ns(self, counts: Counts) -> int | None:
        """When picture 0 was sent, on the monotonic clock of this machine; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class FileFeed:
    """The service reads the file itself, as it would a camera: decoding is measured, the network is not."""

    clip: Clip
    what: str = "a file played as a camera (decoded in the service, no network)"

    def specs(self, streams: int) -> list[str]:
        """The file, for each stream."""
        return [str(self.clip.path)] * streams

    def began_ns(self, counts: Counts) -> int | None:
        """As the service's own source says."""
        return counts.began_ns
