"""The ``rtme`` command: one file per verb."""

import sys

import typer
from rich.console import Console

from rtme import __version__
from rtme.cli import (
    ablate,
    analyze,
    bench,
    bridge,
    compare,
    convert,
    data,
    doctor,
    engine,
    events,
    export,
    keys,
    live,
    report,
    schema,
    score,
    synth,
    train,
    watch,
)
from rtme.cli import eval as evaluation
from rtme.errors import RtmeError

app = typer.Typer(
    help="Micro-expressions and speaker state, live, from a camera, stream or file to ZeroMQ.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("live")(live.live)
app.command("analyze")(analyze.analyze)
app.command("convert")(convert.convert)
app.command("compare")(compare.compare)
app.command("watch")(watch.watch)
app.command("bridge")(bridge.bridge)
app.command("events")(events.events)
app.command("schema")(schema.schema)
app.command("doctor")(doctor.doctor)
app.command("synth")(synth.synth)
app.command("train")(train.train)
app.command("eval")(evaluation.evaluate)
app.command("export")(export.export)
app.command("report")(report.report)
app.command("score")(score.score)
app.add_typer(keys.app, name="keys")
app.add_typer(bench.app, name="bench")
app.add_typer(engine.app, name="engine")
app.add_typer(data.app, name="data")
app.add_typer(ablate.app, name="ablate")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"rtme {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


def main() -> None:
    """Run the command; an error a user can meet ends in one sentence."""
    try:
        app()
    except RtmeError as error:
        Console(stderr=True, soft_wrap=True).print(
            f"rtme: {error}", style="red", markup=False, highlight=False
        )
        sys.exit(error.exit_code)
