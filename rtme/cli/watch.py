"""``rtme watch``: what a running service says."""

import time
from typing import Annotated

import typer

from rtme.bus.address import DEFAULT_ADDRESS
from rtme.bus.subscriber import Start, Subscriber
from rtme.cli.console import notes, results
from rtme.cli.options import JsonLines, Keys, Kinds, Streams
from rtme.cli.output import EventPrinter
from rtme.cli.watch_screen import fits, watch_screen
from rtme.errors import BusError, SettingsError
from rtme.events import AnyEvent
from rtme.view.tally import Tally

PATIENCE_S = 2.0
STEP_S = 0.25


class Presence:
    """Tells when the service is missed, lost and found again, and why something cannot be had of it; each change once."""

    def __init__(self, events: Subscriber) -> None:
        self._events = events
        self._since = time.monotonic()
        self._begin = (events.run_id, events.last_seq)
        self._missing = False
        self._was_alive = False
        self._restarts = 0
        self._note: str | None = None

    def change(self) -> str | None:
        """A sentence when something has changed since the last call."""
        if sentence := self._coming_or_going():
            return sentence
        if self._events.note == self._note:
            return None
        self._note = self._events.note
        return self._note

    def _coming_or_going(self) -> str | None:
        events = self._events
        if events.alive:
            back, again = self._missing, events.restarts > self._restarts
            self._missing, self._was_alive, self._restarts = False, True, events.restarts
            if again:
                return f"{events.address} was restarted"
            return f"{events.address} is there" if back else None
        nothing = (events.run_id, events.last_seq) == self._begin
        silent = self._was_alive or (nothing and time.monotonic() - self._since > PATIENCE_S)
        if self._missing or not silent:
            return None
        self._missing = True
        if self._was_alive:
            return f"no heartbeat from {events.address} any more: it has ended or cannot be reached; waiting"
        return f"no service at {events.address} yet; waiting (`rtme live demo` starts one)"


def watch(
    address: Annotated[str, typer.Argument(help="Where the service publishes.")] = DEFAULT_ADDRESS,
    streams: Streams = None,
    kinds: Kinds = None,
    count: Annotated[
        int | None, typer.Option(help="End after this many events.", min=1, show_default=False)
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="End after this long.", min=0.1, show_default=False)
    ] = None,
    json: JsonLines = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Print a line for each event on a terminal too, as into a pipe.")
    ] = False,
    first: Annotated[
        int | None,
        typer.Option("--from", help="Begin with the event of this number.", min=0, show_default=False),
    ] = None,
    snapshot: Annotated[
        bool, typer.Option("--snapshot", help="First show how things stand: sources, faces, what is open.")
    ] = False,
    keys: Keys = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Use no keys though the service is on another machine.")
    ] = False,
) -> None:
    """Show how a running service does and what it finds, or print its events as they arrive. Ctrl-C ends.

    On a terminal it is a page with the sources, their faces and live bars. Into a pipe, and with `--plain`, `--json`,
    `--kind`, `--count`, `--from` or `--snapshot`, each event is a line. Heartbeats are read but shown as a line only with
    `--json` or `--kind heartbeat`. What a connection loses is asked for again, where the service can give it.

    Examples:
    - `rtme watch`
    - `rtme watch tcp://192.0.2.7:5556 --stream door --kind interval`
    - `rtme watch --from 0 --json | jq .kind`
    - `rtme watch --snapshot --seconds 60`
    """
    said = notes()
    console = results()
    begun = time.monotonic()
    lines_wanted = plain or json or snapshot or bool(kinds) or count is not None or first is not None
    if not lines_wanted and fits(console):
        tally, events = watch_screen(console, address, streams or None, seconds, keys=keys, insecure=insecure)
        if seconds is not None and time.monotonic() >= begun + seconds:
            _complain_of_silence(events, address, seconds)
        said.print(_ending(tally, events))
        return
    printer = EventPrinter(json=json, heartbeats=bool(kinds))
    tally = Tally()
    if snapshot and first is not None:
        raise SettingsError("--snapshot begins now and --from earlier: leave one of them out")
    start: Start = "snapshot" if snapshot else "now" if first is None else first
    with Subscriber(
        address, streams or None, kinds or None, start=start, keys=keys, insecure=insecure
    ) as events:
        presence = Presence(events)
        deadline = time.monotonic() + seconds if seconds is not None else float("inf")
        shown = 0
        try:
            while time.monotonic() < deadline and (count is None or shown < count):
                event = events.receive(min(STEP_S, max(0.0, deadline - time.monotonic())))
                if note := presence.change():
                    said.print(note)
                if snapshot and (event is not None or events.standing is not None):
                    snapshot = False
                    for open_one in _open_ones(events, event, streams, kinds):
                        printer.show(open_one)
                if event is not None:
                    tally.add(event)
                    shown += printer.show(event)
        except KeyboardInterrupt:
            pass
        except BrokenPipeError:
            printer.hush()
            return
        if seconds is not None and time.monotonic() >= deadline:
            _complain_of_silence(events, address, seconds)
        said.print(_ending(tally, events))


def _complain_of_silence(events: Subscriber, address: str, seconds: float) -> None:
    if events.run_id is None:
        raise BusError(
            f"nothing was heard from {address} in {seconds:g} s: start a service with `rtme live demo`, "
            "or give the address it publishes on"
        )


def _open_ones(
    events: Subscriber, newest: AnyEvent | None, streams: list[str] | None, kinds: list[str] | None
) -> list[AnyEvent]:
    """How things stand, as the events that say so, but for the one that is shown next."""
    return [
        event
        for event in (events.standing.events() if events.standing is not None else [])
        if event != newest and (not streams or event.stream in streams) and (not kinds or event.kind in kinds)
    ]


def _ending(tally: Tally, events: Subscriber) -> str:
    text = tally.summary()
    if events.missed:
        reasons = ", ".join(sorted(events.missed_why))
        text += f" {events.missed} events were sent and could not be had here ({reasons})."
    if events.malformed:
        text += f" {events.malformed} messages were no events."
    if events.unknown:
        text += f" {events.unknown} events are of a newer release and were passed over: update rtme here."
    return text
