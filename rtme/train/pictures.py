"""Pictures of training and of results, with matplotlib."""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from rtme.errors import DataError
from rtme.train.curves import Curves

# Okabe and Ito's colours, told apart by most people with a colour vision deficiency; the first is the reference's.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7f7f7f", "#8c6d31")

_GREY = "#808890"
"""Readable on white and on black: pictures in a page have no background of their own."""

PANELS = (("val_frame_ap", "validation frame AP"), ("val_frame_f1", "validation frame F1"))


def over_seeds(runs: Sequence[Curves], name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of a column by epoch; a run that ended early keeps its last value."""
    length = max((len(run.columns.get(name, ())) for run in runs), default=0)
    rows = [
        [*values, *[values[-1]] * (length - len(values))]
        for values in (run.columns.get(name) for run in runs)
        if values
    ]
    table = np.array(rows, np.float64).reshape(len(rows), length)
    if not rows:
        return np.zeros(0), np.zeros(0)
    return table.mean(0), table.std(0, ddof=1) if len(rows) > 1 else np.zeros(length)


def draw_study(
    variants: Mapping[str, Sequence[Curves]], title: str, notes: Sequence[str], path: Path
) -> None:
    """The picture of the paper's Fig. 2: a line for each variant's mean, a band for its standard deviation.

    Raises:
        DataError: It cannot be written.
    """
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=11.5, fontweight="bold")
    for axes, (name, label) in zip(figure.subplots(1, 2), PANELS, strict=True):
        _lines(axes, variants, name)
        axes.set(xlabel="epoch", title=label)
        _plain(axes)
    names = list(variants)
    handles = figure.axes[0].get_legend_handles_labels()[0]
    figure.legend(handles, names, loc="outside right center", frameon=False)
    figure.supxlabel("\n".join(notes), x=0.01, ha="left", fontsize=8.5, color="#555555")
    save(figure, path)


def curves_svg(variants: Mapping[str, Sequence[Curves]]) -> str | None:
    """Validation curves as an image for a page, None where nothing was logged."""
    shown = {
        name: runs for name, runs in variants.items() if any(run.columns.get(PANELS[0][0]) for run in runs)
    }
    if not shown:
        return None
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    for axes, (name, label) in zip(figure.subplots(1, 2), PANELS, strict=True):
        _lines(axes, shown, name)
        axes.set(xlabel="epoch", title=label)
        _plain(axes, _GREY)
    if 1 < len(shown) <= len(COLOURS):
        handles = figure.axes[0].get_legend_handles_labels()[0]
        figure.legend(
            handles, list(shown), loc="outside lower center", ncols=4, frameon=False, labelcolor=_GREY
        )
    return _svg(figure)


def folds_svg(folds: Sequence[Curves]) -> str | None:
    """Losses and validation scores of one run's folds as an image for a page."""
    if not folds:
        return None
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, names in (
        (left, ("train_loss", "val_loss")),
        (right, ("val_frame_ap", "val_acc_me", "val_acc_state")),
    ):
        for colour, name in zip(COLOURS, names, strict=False):
            for number, fold in enumerate(folds):
                if name in fold.columns:
                    label = name.replace("_", " ") if number == 0 else None
                    axes.plot(_epochs(fold), fold.columns[name], color=colour, lw=1, alpha=0.8, label=label)
        axes.set(xlabel="epoch")
        _plain(axes, _GREY)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(frameon=False, labelcolor=_GREY, fontsize=9)
    return _svg(figure)


def draw_page(
    title: str,
    notes: Sequence[str],
    f1: Mapping[str, Sequence[float]],
    curves: Mapping[str, Sequence[Curves]],
    columns: Sequence[str],
    table: Sequence[Sequence[str]],
    path: Path,
) -> None:
    """The figures of many runs on one picture: F1 of each run, validation curves, and the table.

    Args:
        title: At its head.
        notes: Below it.
        f1: Of each run of a group, by the group's name.
        curves: Of each fold of a group, likewise.
        columns: Names of the table's figures.
        table: A row for each group, its name first.
        path: Where it is written.

    Raises:
        DataError: It cannot be written.
    """
    rows = min(len(table), _ROWS)
    figure = Figure(figsize=(14, 5.2 + 0.32 * rows), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    grid = figure.add_gridspec(2, 1, height_ratios=[4.4, 0.8 + 0.32 * rows])
    upper, lower = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
    left, right = upper.subplots(1, 2)
    names = list(f1)[:_ROWS]
    for place, name in enumerate(names):
        colour = COLOURS[place % len(COLOURS)]
        values = list(f1[name])
        left.plot(values, [place] * len(values), "o", color=colour, alpha=0.45, ms=7)
        if values:
            left.plot(np.mean(values), place, "|", color=colour, ms=20, mew=3)
    left.set(
        yticks=range(len(names)), yticklabels=names, title="F1 (ME), a dot for each run, a bar for their mean"
    )
    left.set_xlim(-0.02, 1.02)
    left.set_ylim(len(names) - 0.5, -0.5)
    _lines(right, {name: curves[name] for name in names if curves.get(name)}, PANELS[0][0])
    right.set(xlabel="epoch", title=PANELS[0][1])
    for axes in (left, right):
        _plain(axes)
    _table(lower.subplots(), columns, table[:rows])
    lower.supxlabel(
        "\n".join(
            [*notes, *([f"{len(table) - rows} more are on the page only"] if len(table) > rows else [])]
        ),
        x=0.01,
        ha="left",
        fontsize=9,
        color="#555555",
    )
    save(figure, path)


_ROWS = 16
"""Groups that a picture has room for."""


def _table(axes: Axes, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    axes.axis("off")
    widths = [0.22, *[0.78 / len(columns)] * len(columns)]
    table = axes.table(
        [list(row) for row in rows], colLabels=["", *columns], colWidths=widths, loc="center", cellLoc="right"
    )
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    table.scale(1, 1.35)
    for (row, column), cell in table.get_celld().items():
        cell.set_edgecolor("#dde1e6")
        cell.visible_edges = "B"
        if column == 0:
            cell.set_text_props(ha="left")
        if row == 0:
            cell.set_text_props(fontweight="bold")


def save(figure: Figure, path: Path) -> None:
    """Write a picture.

    Raises:
        DataError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error


def _lines(axes: Axes, variants: Mapping[str, Sequence[Curves]], name: str) -> None:
    for number, (label, runs) in enumerate(variants.items()):
        mean, spread = over_seeds(runs, name)
        epochs = np.arange(1, len(mean) + 1)
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(
            epochs,
            mean,
            color=colour,
            lw=2.2 if number == 0 else 1.5,
            label=label,
            zorder=3 if number == 0 else 2,
        )
        if spread.any():
            low, high = np.clip(mean - spread, 0, 1), np.clip(mean + spread, 0, 1)
            axes.fill_between(epochs, low, high, color=colour, alpha=0.13, lw=0)


def _epochs(curves: Curves) -> list[int]:
    return list(range(1, len(curves.epochs) + 1))


def _plain(axes: Axes, colour: str = "#333333") -> None:
    axes.spines[["top", "right"]].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color(colour)
    axes.tick_params(colors=colour)
    for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
        text.set_color(colour)
    if axes.get_xlabel() == "epoch":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=colour, alpha=0.2, lw=0.8)


def _svg(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", transparent=True)
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
