"""``rtme compare``: how far a person's annotations and rtme's, or two people's, agree."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from rtme.cli.console import check_folders, notes, print_json, results
from rtme.cli.extras import need
from rtme.cli.options import Fps, Json

if TYPE_CHECKING:
    from rtme.annotations import Reading
    from rtme.score.agreement import Spread
    from rtme.view.comparison import Comparison

NAMES = {"me": "ME", "mae": "MaE"}


def compare(
    a: Annotated[
        Path, typer.Argument(help="A person's annotations: .eaf, .TextGrid, .vtt, .csv, .parquet or .json.")
    ],
    b: Annotated[Path, typer.Argument(help="What rtme found, or what another person marked, likewise.")],
    tiers_a: Annotated[
        list[str] | None,
        typer.Option(
            "--tier-a",
            help="Read this tier of A alone; NAME=me, mae, speaking or listening says what it marks. May be repeated.",
            show_default=False,
        ),
    ] = None,
    tiers_b: Annotated[
        list[str] | None, typer.Option("--tier-b", help="Likewise of B.", show_default=False)
    ] = None,
    fps: Fps = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw both over time here (.png, .svg).", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare two files of annotations: F1 of intervals, kappa of frames, and how far boundaries lie apart.

    Intervals are matched one to one at IoU >= 0.5. Cohen's kappa corrects for chance: 0 is what two would reach who mark
    as much as these did, anywhere. Differences are B minus A, so above 0 where B is later. Where one file does not say its
    frame rate, that of the other counts.

    Examples:
    - `rtme compare coded.eaf found.json`
    - `rtme compare anna.eaf ben.eaf --fps 30 --picture both.png`
    - `rtme compare coded.eaf found.json --tier-a Ausdruck=me --json`
    """
    from rtme.view.comparison import compare as compare_files

    if picture is not None:
        need("bench", "a picture", "matplotlib")
        check_folders(picture)
    ours, theirs = _read(a, b, tiers_a, tiers_b, fps)
    said = notes()
    for name, path, reading in (("A", a, ours), ("B", b, theirs)):
        for sentence in reading.tiers:
            said.print(f"{name}, {path}: {sentence}", style="dim")
    found = compare_files(ours.recordings, theirs.recordings)
    if as_json:
        print_json({"a": a, "b": b, **found.summary()})
    else:
        _show(found, a, b)
    for note in found.notes:
        said.print(f"note: {note}", style="yellow")
    if picture is not None:
        from rtme.view.comparison_picture import draw

        draw(found, picture, a.name, b.name)


def _read(
    a: Path, b: Path, tiers_a: list[str] | None, tiers_b: list[str] | None, fps: float | None
) -> "tuple[Reading, Reading]":
    """Both files; where one does not say its frame rate, that of the other counts."""
    from rtme.annotations import NoFrameRateError, parse_choice, read

    choices_a, choices_b = ([parse_choice(words) for words in tiers or ()] for tiers in (tiers_a, tiers_b))
    try:
        ours = read(a, fps=fps, tiers=choices_a)
    except NoFrameRateError:
        theirs = read(b, fps=fps, tiers=choices_b)
        return read(a, tiers=choices_a, default_fps=_rate(theirs)), theirs
    return ours, read(b, fps=fps, tiers=choices_b, default_fps=_rate(ours))


def _rate(reading: "Reading") -> float | None:
    return next((one.fps for one in reading.recordings), None)


def _show(found: "Comparison", a: Path, b: Path) -> None:
    console = results(soft_wrap=True)
    console.print(f"A {a}, B {b}: {found.frames} frames; {found.rules}", markup=False)
    counts = Table("", "A", "B", "matched", "F1", "kappa", box=None)
    apart = Table("B minus A", "onset", "apex", "offset", "pairs", box=None)
    for kind, one in found.expressions.items():
        name = NAMES[kind]
        counts.add_row(name, str(one.a), str(one.b), str(one.matched), _figure(one.f1), _figure(one.kappa))
        if one.matched:
            apart.add_row(f"{name}, frames", *map(_spread, one.frames.values()), str(one.matched))
            apart.add_row(f"{name}, ms", *(_spread(said, 0) for said in one.ms.values()), "")
    counts.add_row("state", "", "", "", "", _figure(found.states_kappa))
    console.print(counts)
    if apart.row_count:
        console.print(apart)
    console.print(
        "differences: median (quartiles); kappa: Cohen's, over frames, corrected for chance; of states over the "
        f"{found.states_frames} frames in which both mark one; - where it is not defined",
        style="dim",
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _spread(said: "Spread | None", digits: int = 1) -> str:
    if said is None:
        return "-"
    median, q1, q3 = (f"{value:+.{digits}f}" for value in (said.median, said.q1, said.q3))
    return f"{median} ({q1}, {q3})"
