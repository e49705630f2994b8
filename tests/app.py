"""The command's verbs, walked through."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import typer

from rtme.cli import app

ROOT: Any = typer.main.get_command(app)


def leaves(group: Any = ROOT, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every verb that does something, with its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


LEAVES = dict(leaves())


def examples(command: Any) -> list[str]:
    """The commands of its Examples part."""
    _, found, part = command.help.partition("Examples:")
    return re.findall(r"^\s*- `(rtme [^`]*)`", part, re.MULTILINE) if found else []


def parsed(line: str) -> tuple[Any, Any]:
    """The verb of a command as one types it, and the context that its words were read into.

    Raises:
        typer.Exit: It is only about help.
        Exception: Of typer: a verb, option or value that is none.
    """
    words = shlex.split(re.split(r"\s[|>]\s?|\s*&$", line)[0], comments=True)[1:]
    command, context = ROOT, ROOT.make_context("rtme", list(words))
    while hasattr(command, "commands"):
        name, command, words = command.resolve_command(context, words)
        if not hasattr(command, "commands"):
            return command, command.make_context(name, words, parent=context)
        context = command.make_context(name, list(words), parent=context)
    raise AssertionError(line)
