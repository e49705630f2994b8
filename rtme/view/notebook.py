"""A result as a notebook shows it, and how far its work is."""

import html
import sys
from importlib import import_module
from types import TracebackType
from typing import Any, Self

from markupsafe import Markup

from rtme.view.page import render, style, template
from rtme.view.report_page import PURPOSE
from rtme.view.result import Result
from rtme.view.statistics import count_faces
from rtme.view.timeline_svg import SHORT, draw_legend, draw_overview, draw_strips
from rtme.view.words import TYPES, clock, length

ROWS = 12
"""Intervals and turns of a small table; the rest is in ``.data``."""


def card(result: Result) -> str:
    """Counts, timeline and intervals as a piece of HTML that goes with the notebook's colours."""
    faces = count_faces(result)
    counts = {name: sum(one.type == kind for one in result.report.intervals) for kind, name in TYPES.items()}
    judged = sum(face.judged_s for face in faces)
    overview = draw_overview(result)
    drawn = (
        [overview] if overview else [strip for epoch in result.epochs for strip in draw_strips(result, epoch)]
    )
    return render(
        template("notebook.html.j2"),
        style=style("notebook.css", "timeline.css"),
        name=result.name,
        counts=[f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items()],
        length=length(sum(result.length_s(epoch) for epoch in result.epochs)),
        judged=length(judged),
        faces=len(faces),
        drawn=[Markup(one) for one in drawn],
        whole=overview is None,
        legend=Markup(draw_legend()),
        intervals=[
            {
                "cells": [
                    SHORT[one.type],
                    result.face_name(one.epoch, one.face),
                    "not told" if (turn := result.state_of(one)) is None else turn.state,
                    clock(one.onset_s),
                    clock(one.apex_s),
                    clock(one.offset_s),
                    f"{1000 * (one.offset_s - one.onset_s):.0f}",
                    f"{one.confidence:.2f}",
                ]
            }
            for one in result.report.intervals[:ROWS]
        ],
        more=max(len(result.report.intervals) - ROWS, 0),
        warnings=result.report.warnings,
        note=f"{result.report.engine}: {result.report.engine_note}",
        purpose=PURPOSE,
    )


def in_notebook() -> bool:
    """Whether what is displayed reaches a notebook's page."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


class NotebookProgress:
    """One line in the cell's output that says how far it is, as long as that takes more than a second or two.

    Args:
        name: Of the recording.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._told = 0
        self._handle: Any = None
        self._ipython: Any = import_module("IPython.display")

    def __call__(self, frames: int, expected: int | None) -> None:
        """So many frames of so many are read; called about once a second."""
        self._told += 1
        if self._told < 2:
            return
        line = self._ipython.HTML(_progress(self._name, frames, expected))
        if self._handle is None:
            self._handle = self._ipython.display(line, display_id=True)
        else:
            self._handle.update(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            self._handle.update(self._ipython.HTML(""))


def _progress(name: str, frames: int, expected: int | None) -> str:
    name = html.escape(name)
    if not expected:
        return f"<span>{name}: {frames} frames</span>"
    done = min(frames / expected, 1.0)
    return (
        f'<label>{name}: <progress max="1" value="{done:.3f}"></progress> {done:.0%}, {frames} of about {expected} '
        "frames</label>"
    )
