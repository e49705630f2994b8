"""``rtme watch`` on a terminal: a page that is drawn again several times a second."""

import threading
import time
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from rtme.bus.subscriber import Subscriber
from rtme.bus.watching import Onlooker
from rtme.cli.interrupt import stopping
from rtme.errors import BusError
from rtme.traces import Trace
from rtme.view.scene import Scene
from rtme.view.screen import page
from rtme.view.tally import Tally

PATIENCE_S = 2.0
REDRAW_S = 0.2
STEP_S = 0.05


def fits(console: Console) -> bool:
    """Whether pages can be shown there."""
    return console.is_terminal and not console.is_dumb_terminal and console.encoding.startswith("utf")


def watch_screen(
    console: Console,
    address: str,
    streams: list[str] | None,
    seconds: float | None,
    *,
    keys: Path | None,
    insecure: bool,
) -> tuple[Tally, Subscriber]:
    """Show pages until a signal, or the time, ends it. The terminal is left as it was.

    Returns:
        What was seen, and the closed subscriber that saw it.
    """
    over = threading.Event()
    tally = Tally()
    with (
        Subscriber(address, start="snapshot", keys=keys, insecure=insecure) as events,
        Onlooker(address, keys=keys, insecure=insecure) as onlooker,
        stopping(over.set),
        suppress(OSError),  # the terminal is gone
        Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False) as pages,
    ):
        deadline = time.monotonic() + seconds if seconds is not None else float("inf")
        watched = _Watched(events, onlooker, Scene(streams), tally, streams)
        while not over.is_set() and time.monotonic() < deadline:
            watched.take_in()
            pages.update(watched.page(console, address), refresh=True)
    return tally, events


class _Watched:
    def __init__(
        self, events: Subscriber, onlooker: Onlooker, scene: Scene, tally: Tally, streams: list[str] | None
    ) -> None:
        self._events = events
        self._onlooker = onlooker
        self._scene = scene
        self._tally = tally
        self._streams = streams
        self._started = self._heard = time.monotonic()
        self._seeded = False
        self._refusal: str | None = None

    def take_in(self) -> None:
        """Whatever comes until the next page is due."""
        due = time.monotonic() + REDRAW_S
        while (left := due - time.monotonic()) > 0:
            try:
                event = self._events.receive(min(STEP_S, left))
            except BusError as error:  # it tries again by itself, and may be let in then
                self._refusal = str(error)
                continue
            if not self._seeded and self._events.standing is not None:
                self._seeded = True
                for known in self._events.standing.events():
                    if known != event:
                        self._scene.add(known)
            if event is not None:
                self._refusal = None
                self._scene.add(event)
                if self._streams is None or event.stream in self._streams:
                    self._tally.add(event)
            while (shown := self._onlooker.receive(0)) is not None:
                if isinstance(shown.message, Trace):
                    self._scene.trace(shown.message)
            if self._events.alive:
                self._heard = time.monotonic()

    def page(self, console: Console, address: str) -> Text:
        width, height = console.size
        return page(
            self._scene, width, height, address=address, silence=self._silence(), note=self._events.note
        )

    def _silence(self) -> str | None:
        if self._refusal is not None:
            return self._refusal
        if self._events.alive:
            return None
        silent = time.monotonic() - self._heard
        if self._scene.beat is not None:
            return f"no heartbeat for {silent + 3:.0f} s: the service has ended or cannot be reached; waiting"
        if time.monotonic() - self._started < PATIENCE_S:
            return None
        return "no service here yet; waiting (`rtme live demo` starts one)"
