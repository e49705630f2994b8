"""``rtme engine report``: what an engine finds on people it never saw."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rtme.cli.console import print_json
from rtme.cli.extras import extra
from rtme.cli.options import EngineName, Json, Workers, output
from rtme.cli.progress import tell


class _Split(StrEnum):
    test = "test"
    validation = "validation"


def report(
    engine: EngineName,
    faces: Annotated[Path, typer.Option(help="Folder of portraits and real videos.")],
    people: Annotated[
        Path | None,
        typer.Option(help="Table file,person,split; the engine's own people.csv else.", show_default=False),
    ] = None,
    split: Annotated[_Split, typer.Option(help="Whose people; compare engines on validation.")] = _Split.test,
    quick: Annotated[bool, typer.Option("--quick", help="A few people and cameras: minutes.")] = False,
    portraits: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="At most so many portraits, with conversations and cameras in proportion; every real clip.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path | None, output("Folder for the report; the engine's own else.")] = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Measure an engine through the whole live path on people it never saw, and write its report card.

    Micro-expressions are planted at known times in animated portraits and real videos, so the report is about
    SYNTHETIC ones. `REPORT.md`, its pictures and `report.json` are written beside the engine.

    Examples:
    - `rtme engine report default --faces faces`
    - `rtme engine report engines/mine --faces faces --split validation --quick -o trial`
    """
    with extra("bench", "a report"):
        from rtme.engine.bundle import load_bundle
        from rtme.trial.card import measure
        from rtme.trial.plan import FULL, QUICK, people_of, with_portraits
        from rtme.trial.report import check_folder, write
    bundle = load_bundle(engine)
    items = people_of(bundle, faces, people, split.value)
    folder = out or bundle.path
    check_folder(folder)
    plan = QUICK if quick else FULL if portraits is None else with_portraits(portraits)
    card = measure(bundle, items, split.value, plan, workers or os.cpu_count() or 1, tell)
    # Neither the engine's folder nor the faces': whoever reads the page has them elsewhere.
    words = ["rtme engine report", bundle.manifest.name, "--faces FOLDER"]
    words += ["--split validation"] if split is _Split.validation else []
    words += ["--quick"] if quick else [] if portraits is None else [f"--portraits {portraits}"]
    card["measured"] |= {"quick": quick, "command": " ".join(words)}
    page = write(card, folder)
    missed = [target["what"] for target in card["targets"] if target["passed"] is False]
    met = sum(target["passed"] is True for target in card["targets"])
    if as_json:
        print_json({"page": page, **card})
        return
    print(
        f"{met} of {len(card['targets'])} targets met" + (f"; missed: {'; '.join(missed)}" if missed else "")
    )
    print(f"written to {page}, on SYNTHETIC micro-expressions alone")
