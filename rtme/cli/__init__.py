"""The ``rtme`` command: one file per verb, each imported when it is called (:mod:`rtme.cli.verbs`)."""

import os
import sys

import typer

from rtme.cli.verbs import Verbs
from rtme.errors import RtmeError

app = typer.Typer(
    cls=Verbs,
    help="Micro-expressions and speaker state, live, from a camera, stream or file to ZeroMQ.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _version(wanted: bool) -> None:
    if wanted:
        from rtme import __version__

        print(f"rtme {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    # A service has a log of its own to say it in, and `rtme config` has a place for it.
    if ctx.invoked_subcommand not in ("live", "config") and any(
        name.startswith("RTME_") for name in os.environ
    ):
        from rtme.cli.console import notes
        from rtme.settings import strange_variables

        for sentence in strange_variables():
            notes().print(f"rtme: {sentence}", style="yellow")


def main() -> None:
    """Run the command; an error a user can meet ends in one sentence."""
    try:
        app(prog_name="rtme")
    except RtmeError as error:
        from rich.console import Console

        Console(stderr=True, soft_wrap=True).print(
            f"rtme: {error}", style="red", markup=False, highlight=False
        )
        sys.exit(error.exit_code)
