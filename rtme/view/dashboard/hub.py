"""The browsers that look on, and what waits for each: a slow one loses updates and is told so, and nobody else waits."""

import asyncio
import json
from collections import deque
from collections.abc import Iterable
from typing import Any

MOST_WAITING = 500
"""Messages that wait for one browser; when there are more, all are left out and the page asks again for what it shows."""
MOST_PICTURES = 4
GATHER_S = 0.1
BEHIND = json.dumps({"t": "behind"})


class Visitor:
    """One open page.

    Attributes:
        watched: Streams whose curves it draws.
        pictures: Streams whose pictures it shows.
        lost: Messages that it never got.
    """

    def __init__(self) -> None:
        self.watched: frozenset[str] = frozenset()
        self.pictures: frozenset[str] = frozenset()
        self.lost = 0
        self._texts: deque[str] = deque()
        self._newest_pictures: dict[str, bytes] = {}
        self._ready = asyncio.Event()

    def tell(self, text: str, *, urgent: bool = True) -> None:
        """Something to send, at once or with what comes next."""
        if len(self._texts) >= MOST_WAITING:
            self.lost += len(self._texts)
            self._texts.clear()
            self._texts.append(BEHIND)
        self._texts.append(text)
        if urgent:
            self._ready.set()

    def show(self, stream: str, picture: bytes) -> None:
        """A picture to send; a newer one takes its place."""
        self._newest_pictures[stream] = picture
        self._ready.set()

    async def next(self) -> tuple[str | None, list[bytes]]:
        """Everything that waits, as one JSON array and pictures; waits up to a tenth of a second for something urgent."""
        while not self._texts and not self._newest_pictures:
            await self._wait()
        if not self._ready.is_set():
            await self._wait()
        self._ready.clear()
        texts, self._texts = self._texts, deque()
        pictures, self._newest_pictures = self._newest_pictures, {}
        return (f"[{','.join(texts)}]" if texts else None), list(pictures.values())

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._ready.wait(), GATHER_S)
        except TimeoutError:
            return


class Hub:
    """All open pages."""

    def __init__(self) -> None:
        self.visitors: set[Visitor] = set()

    def tell(self, message: dict[str, Any]) -> None:
        """Send to everybody at once; written as JSON one time."""
        text = json.dumps(message, separators=(",", ":"))
        for visitor in self.visitors:
            visitor.tell(text)

    def trace(self, message: dict[str, Any]) -> None:
        """Send a piece of a curve to whoever draws its stream, with what comes next."""
        drawing = [visitor for visitor in self.visitors if message["stream"] in visitor.watched]
        if drawing:
            text = json.dumps(message, separators=(",", ":"))
            for visitor in drawing:
                visitor.tell(text, urgent=False)

    def picture(self, stream: str, head: bytes, picture: bytes) -> None:
        """Send a picture to whoever shows its stream: the length of ``head`` in four bytes, ``head``, the JPEG."""
        showing = [visitor for visitor in self.visitors if stream in visitor.pictures]
        if showing:
            message = len(head).to_bytes(4, "little") + head + picture
            for visitor in showing:
                visitor.show(stream, message)

    @property
    def pictures(self) -> frozenset[str]:
        """Streams whose pictures anybody wants."""
        wanted: Iterable[frozenset[str]] = (visitor.pictures for visitor in self.visitors)
        return frozenset().union(*wanted)
