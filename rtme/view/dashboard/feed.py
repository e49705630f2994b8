"""Listens to a service and hands what it says to the history and to the open pages."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from rtme.bus.subscriber import AsyncSubscriber
from rtme.bus.watching import AsyncOnlooker
from rtme.errors import BusError
from rtme.events import AnyEvent, HeartbeatEvent
from rtme.traces import Trace
from rtme.view.dashboard.history import Earlier, History, health_json
from rtme.view.dashboard.hub import Hub
from rtme.view.dashboard.marks import MarkJson, mark_of

LOOK_S = 0.25
AGAIN_S = 1.0
# Others must have their turn while thousands of events are read.
TURN = 50
# A heartbeat a second is among them: eight hours of a few sources.
EARLIER_EVENTS = 60_000
EARLIER_S = 8 * 3600
EARLIER_PATIENCE_S = 20.0


class Feed:
    """What a dashboard knows of one service.

    Args:
        address: ``tcp://host:port`` of the service.
        history: Takes in what is heard.
        hub: Is told of it.
        keys: Folder of keys; None: as subscribers have it.
        insecure: Use no keys though the service is on another machine.

    Raises:
        BusError: The address or the keys cannot be used.
    """

    def __init__(
        self,
        address: str,
        history: History,
        hub: Hub,
        *,
        keys: Path | None = None,
        insecure: bool = False,
    ) -> None:
        self.address = address
        self._history = history
        self._hub = hub
        self._how: dict[str, Any] = {"keys": keys, "insecure": insecure}
        self._events = AsyncSubscriber(address, start="snapshot", **self._how)
        self._looks = AsyncOnlooker(address, **self._how)
        self._beat: dict[str, Any] | None = None
        self._heard: float | None = None
        self._refusal: str | None = None
        self._told: dict[str, Any] | None = None
        self._earlier: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Listen for ever."""
        try:
            await asyncio.gather(self._hear(), self._look())
        finally:
            if self._earlier is not None:
                self._earlier.cancel()
            await self._events.close()
            await self._looks.close()

    def hello(self) -> dict[str, Any]:
        """What a page must know first."""
        history = self._history
        return {
            "t": "hello",
            "now": time.time() * 1000,
            "presence": self._presence(),
            "beat": self._beat,
            "health": {name: list(figures) for name, figures in history.health.items()},
            "standing": self._standing(),
            "streams": sorted({*history.marks, *(stream for stream, _ in history.curves)} - {"_service"}),
        }

    def _presence(self) -> dict[str, Any]:
        state = "live" if self._events.alive else "silent"
        return {
            "t": "presence",
            "state": state,
            "address": self.address,
            "since": self._heard,
            "why": self._refusal,
        }

    def _standing(self) -> list[MarkJson]:
        standing = self._events.standing
        if standing is None:
            return []
        marks = (
            mark_of(event, event.at.wall_ns / 1e6 if event.at else time.time() * 1000)
            for event in standing.events()
        )
        return [mark for mark in marks if mark is not None]

    async def _hear(self) -> None:
        begun = False
        heard = 0
        while True:
            try:
                event = await self._events.receive(LOOK_S)
                self._refusal = None if self._events.alive else self._refusal
            except BusError as error:
                event = None
                self._refusal = str(error)
                await asyncio.sleep(AGAIN_S)
            if event is not None:
                if not begun:
                    begun = True
                    self._begin(event)
                self._take(event)
                heard += 1
                if heard % TURN == 0:
                    await asyncio.sleep(0)
            self._tell_presence()

    def _begin(self, first: AnyEvent) -> None:
        standing = self._events.standing
        for event in standing.events() if standing is not None else []:
            if event.seq < first.seq:
                self._history.add(event)
        # A page that was open already has heard nothing of these.
        self._hub.tell(self.hello())
        self._earlier = asyncio.create_task(self._fetch_earlier(first))

    def _take(self, event: AnyEvent) -> None:
        if isinstance(event, HeartbeatEvent):
            again = self._beat is not None and self._beat["run_id"] != event.run_id
            self._history.beat(event)
            self._beat = health_json(event) | {"missed": self._events.missed}
            self._heard = round(time.time() * 1000, 1)
            if again:
                self._hub.tell(self.hello())
            self._hub.tell({"t": "beat", "beat": self._beat, "time": self._heard})
            return
        row, mark = self._history.add(event)
        self._hub.tell({"t": "event", "row": row.json(), "mark": mark})

    def _tell_presence(self) -> None:
        presence = self._presence()
        said = {key: presence[key] for key in ("state", "why")}
        if said != self._told:
            self._told = said
            self._hub.tell(presence)

    async def _fetch_earlier(self, first: AnyEvent) -> None:
        """What was said in the last hours, where the service can still give it; live events do not wait for it."""
        if first.seq <= 0:
            return
        start = max(0, first.seq - EARLIER_EVENTS)
        oldest_ns = (time.time() - EARLIER_S) * 1e9
        earlier = Earlier(self._history)
        heard = 0
        last: AnyEvent | None = None
        async with AsyncSubscriber(self.address, start=start, **self._how) as events:
            while True:
                try:
                    event = await events.receive(EARLIER_PATIENCE_S)
                except BusError:
                    break
                if event is None or (event.run_id == first.run_id and event.seq >= first.seq):
                    break
                if event.at is None or event.at.wall_ns >= oldest_ns:
                    earlier.add(event)
                heard += 1
                if heard % TURN == 0:
                    await asyncio.sleep(0)
                last = event
        if last is not None and last.run_id != first.run_id:
            earlier.end()
        self._history.add_earlier(earlier)
        self._hub.tell(self.hello())

    async def _look(self) -> None:
        seen = 0
        while True:
            self._looks.look_at(self._hub.pictures)
            shown = await self._looks.receive(LOOK_S)
            if shown is None:
                continue
            message = shown.message
            if isinstance(message, Trace):
                if message.frame:
                    self._hub.trace(self._history.trace(message))
            elif shown.picture is not None:
                head = json.dumps(
                    {
                        "stream": message.stream,
                        "time": round(message.wall_ns / 1e6, 1),
                        "width": message.width,
                        "height": message.height,
                        "faces": [face.model_dump() for face in message.faces],
                    },
                    separators=(",", ":"),
                )
                self._hub.picture(message.stream, head.encode(), shown.picture)
            seen += 1
            if seen % TURN == 0:
                await asyncio.sleep(0)
