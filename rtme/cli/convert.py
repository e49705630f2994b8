"""``rtme convert``: annotations from one form of file to others."""

from pathlib import Path
from typing import Annotated

import typer

from rtme.cli.console import notes, print_json
from rtme.cli.options import Fps, Json, Tiers


def convert(
    source: Annotated[
        Path,
        typer.Argument(
            help="What was found or marked: .json, .eaf, .TextGrid, .vtt, .csv, .parquet; or .jsonl, events "
            "that `rtme events -o` wrote."
        ),
    ],
    targets: Annotated[
        list[Path],
        typer.Argument(help="Files to write: .eaf, .TextGrid, .vtt, .csv, .megc.csv, .parquet or .json."),
    ],
    fps: Fps = None,
    tiers: Tiers = None,
    as_json: Json = False,
) -> None:
    """Write intervals and turns in other forms: ELAN, Praat, WebVTT, CSV, Parquet, JSON, MEGC.

    Each name's ending says the form. Of several recordings, `found.eaf`, `found.TextGrid` and `found.vtt` stand for a folder
    `found` with a file for each.

    Examples:
    - `rtme convert found.json found.eaf`
    - `rtme convert corrected.eaf corrected.csv --fps 30`
    - `rtme convert coded.eaf coded.vtt --tier Ausdruck=me --fps 25`
    - `rtme convert sent.jsonl sent.vtt --fps 30`
    """
    from rtme.annotations import check_writable, parse_choice, read, write
    from rtme.annotations.forms import ending_of
    from rtme.view.export import read_events

    for target in targets:
        check_writable(target)
    said = notes()
    written: list[Path] = []
    if source.suffix.casefold() == ".jsonl":
        recordings = read_events(source, fps)
    else:
        reading = read(source, fps=fps, tiers=[parse_choice(words) for words in tiers or ()])
        recordings = list(reading.recordings)
        for sentence in reading.tiers:
            said.print(f"{source}, {sentence}", style="dim")
    for target in targets:
        written += write(target, recordings)
        gone = [one.source for one in recordings if Path(one.source).suffix and not Path(one.source).exists()]
        if ending_of(target) == ".eaf" and gone:
            what = gone[0] if len(gone) == 1 else f"{gone[0]} and {len(gone) - 1} more"
            said.print(f"note: {what} cannot be found: ELAN will ask where it is", style="yellow")
    if as_json:
        print_json({"files": written, "recordings": len(recordings)})
    else:
        print(*written, sep="\n")
    for note in sorted({one.engine_note for one in recordings if one.engine_note}):
        said.print(f"note: {note}", style="dim")
