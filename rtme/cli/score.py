"""``rtme score``: how well anybody's intervals were found."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.table import Table

from rtme.cli.completing import one_of
from rtme.cli.console import notes, print_json, results
from rtme.cli.options import Json
from rtme.cli.progress import progress
from rtme.errors import DataError, SettingsError

if TYPE_CHECKING:
    from rtme.score import BoundaryError, Interval, Scorecard

NAMES = {"me": "ME", "mae": "MaE", "overall": "overall"}


def score(
    pred: Annotated[Path, typer.Option(help="Table (CSV) of what was found.")],
    gt: Annotated[
        Path, typer.Option(help="Table (CSV) of what is labelled, or a manifest of `rtme data check`.")
    ],
    match: Annotated[
        str,
        typer.Option(
            help="one_to_one, ground_truth_centric or many_to_many.",
            autocompletion=one_of("one_to_one", "ground_truth_centric", "many_to_many"),
        ),
    ] = "one_to_one",
    iou: Annotated[float, typer.Option(help="Threshold of IoU.")] = 0.5,
    comparator: Annotated[str, typer.Option(help="Of IoU with the threshold: >= or >.")] = ">=",
    inclusive: Annotated[
        bool, typer.Option("--inclusive/--no-inclusive", help="Count both ends of a range (+1) in IoU.")
    ] = True,
    videos: Annotated[
        Path | None,
        typer.Option(
            help="Table (CSV) of all videos that were looked through, with fps, n_frames and state where known; "
            "LABELS.videos.csv beside LABELS.csv where not given.",
            show_default=False,
        ),
    ] = None,
    absent: Annotated[
        str,
        typer.Option(
            help="What a class without any matched pair counts: zero, or skip it.",
            autocompletion=one_of("zero", "skip"),
        ),
    ] = "zero",
    pred_format: Annotated[
        str,
        typer.Option(
            help="table, or a challenge's file: spotting or recognition.",
            autocompletion=one_of("table", "spotting", "recognition"),
        ),
    ] = "table",
    out_submission: Annotated[
        Path | None,
        typer.Option(help="Write what was found as a challenge's file here.", show_default=False),
    ] = None,
    out_format: Annotated[
        str,
        typer.Option(
            help="Of that file: spotting or recognition.", autocompletion=one_of("spotting", "recognition")
        ),
    ] = "spotting",
    first: Annotated[int, typer.Option(help="Number of the first frame in a challenge's file.")] = 1,
    as_json: Json = False,
) -> None:
    """Score a table of intervals against labels.

    Spotting, boundaries, false alarms, states and recognition. Tables have the columns video (or dataset, subject, video),
    onset, offset, type (me or mae), and where known score, emotion, state. Frames count from 0, and both onset and offset
    belong to an interval. A row of labels with neither
    onset, offset nor type is a video in which nothing is labelled: what is found there is false. Predictions in videos
    that neither table knows are left out, with a note.

    Examples:
    - `rtme score --pred found.csv --gt labels.csv`
    - `rtme score --pred found.csv --gt labels.csv --match many_to_many --comparator '>' --videos videos.csv --json`
    - `rtme score --pred submission.csv --pred-format spotting --gt manifest.csv`
    """
    from rtme.score import (
        Rules,
        read_looked_through,
        read_table,
        read_videos,
        scorecard,
        videos_beside,
        write_submission,
    )

    for flag, value, known in (
        ("--pred-format", pred_format, ("table", "spotting", "recognition")),
        ("--out-format", out_format, ("spotting", "recognition")),
        ("--absent", absent, ("zero", "skip")),
    ):
        if value not in known:
            raise SettingsError(f"{flag} is {value}: choose of {', '.join(known)}")
    rules = Rules(cast("Any", match), iou, cast("Any", comparator), inclusive)
    truth, found = read_table(gt), _found(pred, pred_format, first)
    videos = videos or videos_beside(gt)
    try:
        facts = read_looked_through(gt) if videos is None else read_videos(videos)
        with progress("matching"):
            card = scorecard(truth, found, facts, rules, cast("Any", absent))
    except DataError as error:
        raise DataError(f"{pred} against {gt}: {error}") from error
    if as_json:
        print_json({"pred": pred, "gt": gt, **card.summary()})
    else:
        _show(card)
    said = notes()
    for note in card.notes:
        said.print(f"note: {note}", style="yellow")
    if out_submission is not None:
        kept = [one for one in found if out_format == "spotting" or one.type == "me"]
        write_submission(out_submission, kept, cast("Any", out_format), first)
        left = len(found) - len(kept)
        said.print(
            f"{out_submission} has {len(kept)} intervals; the first frame has the number {first}"
            + (f"; {left} macro-expressions have no place in it" if left else "")
        )


def _found(path: Path, form: str, first: int) -> "list[Interval]":
    from rtme.score import read_submission, read_table

    return read_table(path) if form == "table" else read_submission(path, cast("Any", form), first)


def _show(card: "Scorecard") -> None:
    console = results(soft_wrap=True)
    rules = str(card.spots.rules)
    rows = {NAMES[kind]: card.counts(kind) for kind in NAMES}
    if card.states is not None:
        rows |= {"ME, speaking": card.states.speaking, "ME, listening": card.states.listening}
    console.print(f"{card.videos} videos; {rules}", markup=False)
    counts = Table("", "labelled", "found", "TP", "FP", "FN", "P", "R", "F1", "false/min", box=None)
    errors = Table("found minus labelled", "onset", "|onset|", "offset", "|offset|", "pairs", box=None)
    for name, one in rows.items():
        counts.add_row(
            name,
            *map(str, (one.truths, one.found, one.tp, one.fp, one.fn)),
            *(f"{value:.4f}" for value in (one.precision, one.recall, one.f1)),
            _or_dash(one.false_alarms_per_minute, ".2f"),
        )
        if one.pairs:
            errors.add_row(name, *_error(one.onset_error), *_error(one.offset_error), str(len(one.pairs)))
    console.print(counts)
    if errors.row_count:
        console.print(errors)
    if card.states is not None:
        speaking, listening = card.states.speaking, card.states.listening
        console.print(
            f"F1_S {speaking.f1:.4f} ({speaking.truths} labelled), "
            f"F1_L {listening.f1:.4f} ({listening.truths} labelled), F1_DR "
            f"{card.states.f1_dr:.4f}; ME, {rules}; {card.states.unknown} clips of unknown state are in neither",
            markup=False,
        )
    for kind, named in card.named.items():
        count = card.counts(kind)
        if named.recognition.classes:
            console.print(
                f"{NAMES[kind]}: STRS {named.strs:.4f} = F1 {named.f1_spot:.4f} ({count.truths} labelled; {rules}) x F1_rec "
                f"{named.f1_rec:.4f}; UF1 {named.recognition.uf1:.4f}, UAR {named.recognition.uar:.4f} of "
                f"{len(count.pairs) - named.unlabelled} matched pairs in {len(named.recognition.classes)} classes "
                f"({', '.join(named.recognition.classes)}; absent ones: {named.recognition.absent})",
                markup=False,
            )


def _error(error: "BoundaryError | None") -> tuple[str, str]:
    if error is None:
        return "-", "-"
    ms = (
        ("", "")
        if error.mean_ms is None
        else (f" ({error.mean_ms:+.1f} ms)", f" ({error.mean_abs_ms:.1f} ms)")
    )
    return f"{error.mean:+.2f}{ms[0]}", f"{error.mean_abs:.2f}{ms[1]}"


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
