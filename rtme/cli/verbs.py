"""All verbs: their panel and sentence for ``rtme --help``, and the file that each is loaded from when it is called.

A verb is imported when it is called, so that ``rtme --help``, ``rtme --version`` and the shell's completion are quick.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

LIVE = "Live"
RESULTS = "Results"
ENGINES = "Engines"
TRAINING = "Data and training"
TOOLS = "Tools"


@dataclass(frozen=True, slots=True)
class Verb:
    """One line of ``rtme --help``.

    Attributes:
        panel: Where it stands.
        summary: What it does; the first sentence of its own ``--help`` says the same.
        home: ``file:name`` in this room, of a function or of a :class:`typer.Typer` with verbs below it.
    """

    panel: str
    summary: str
    home: str


VERBS: Mapping[str, Verb] = {
    "live": Verb(
        LIVE,
        "Find micro-expressions and speaker turns as they happen, print them and publish them over ZeroMQ.",
        "live:live",
    ),
    "dashboard": Verb(
        LIVE,
        "Show a running service in the browser: curves, intervals, turns, health and events, live.",
        "dashboard:dashboard",
    ),
    "watch": Verb(
        LIVE,
        "Show how a running service does and what it finds, or print its events as they arrive.",
        "watch:watch",
    ),
    "bridge": Verb(
        LIVE,
        "Carry the events of a running service to MQTT, a web server or another program.",
        "bridge:bridge",
    ),
    "keys": Verb(LIVE, "Keys, so that events can travel between machines, encrypted.", "keys:app"),
    "analyze": Verb(RESULTS, "Find micro-expressions and speaker turns in recordings.", "analyze:analyze"),
    "convert": Verb(
        RESULTS,
        "Write intervals and turns in other forms: ELAN, Praat, WebVTT, CSV, Parquet, JSON, MEGC.",
        "convert:convert",
    ),
    "compare": Verb(
        RESULTS,
        "Compare two files of annotations: F1 of intervals, kappa of frames, and how far boundaries lie apart.",
        "compare:compare",
    ),
    "events": Verb(RESULTS, "Show what a service has sent, from its journal.", "events:events"),
    "score": Verb(RESULTS, "Score a table of intervals against labels.", "score:score"),
    "report": Verb(RESULTS, "Show training runs side by side, on one page.", "report:report"),
    "engine": Verb(ENGINES, "Look at engines: what they are, what they find, what runs them.", "engine:app"),
    "bench": Verb(ENGINES, "How well an engine does where it is to be used, and how fast.", "bench:app"),
    "data": Verb(TRAINING, "Look at datasets, and prepare them for training.", "data:app"),
    "synth": Verb(
        TRAINING, "Animate portraits with micro-expressions at known times, to train on.", "synth:synth"
    ),
    "train": Verb(TRAINING, "Train an engine on prepared material.", "train:train"),
    "eval": Verb(TRAINING, "Say how well runs do on people they never saw.", "eval:evaluate"),
    "ablate": Verb(
        TRAINING, "Train variants of a recipe with the same seeds and data, and compare them.", "ablate:app"
    ),
    "export": Verb(TRAINING, "Make a trained run into an engine that `rtme live` runs.", "export:export"),
    "doctor": Verb(
        TOOLS,
        "Say what is installed, which cameras and backends there are, and what is wrong.",
        "doctor:doctor",
    ),
    "config": Verb(TOOLS, "Show the settings of a run, and where each comes from.", "config:app"),
    "schema": Verb(TOOLS, "Print the contract of the wire.", "schema:schema"),
}


class Verbs(TyperGroup):
    """The group at the root: it knows the names of its verbs, and loads one when it is asked for."""

    def __init__(self, *, commands: Any = None, **attributes: Any) -> None:
        super().__init__(commands=commands, **attributes)
        self.commands = _Loading(self.commands)

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Of the verbs, their lines are enough."""
        self._by_lines(super().format_help, ctx, formatter)

    def shell_complete(self, ctx: typer.Context, incomplete: str) -> Any:  # type: ignore[override]
        """Of the verbs, their lines are enough."""
        return self._by_lines(super().shell_complete, ctx, incomplete)

    def _by_lines(self, do: Any, *given: object) -> Any:
        loading = self.commands
        self.commands = {name: _line(name, verb) for name, verb in VERBS.items()} | {
            name: loading[name] for name in loading if name not in VERBS
        }
        try:
            return do(*given)
        finally:
            self.commands = loading


class _Loading(MutableMapping[str, Any]):
    """Verbs by name; each is imported when it is looked up."""

    def __init__(self, loaded: Mapping[str, Any]) -> None:
        self._loaded = dict(loaded)

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _load(name, VERBS[name])
        return self._loaded[name]

    def __setitem__(self, name: str, verb: Any) -> None:
        self._loaded[name] = verb

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**VERBS, **self._loaded})

    def __len__(self) -> int:
        return len({**VERBS, **self._loaded})


def _line(name: str, verb: Verb) -> TyperCommand:
    return TyperCommand(name, help=verb.summary, rich_help_panel=verb.panel)


def _load(name: str, verb: Verb) -> Any:
    file, _, attribute = verb.home.partition(":")
    found = getattr(import_module(f"rtme.cli.{file}"), attribute)
    around = typer.Typer(add_completion=False, rich_markup_mode="markdown", callback=_nothing)
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=name, help=verb.summary)
    else:
        around.command(name)(found)
    return typer.main.get_command(around).commands[name]  # type: ignore[attr-defined]


def _nothing() -> None:
    """Makes typer build a group of one verb, of which the verb is then taken."""
