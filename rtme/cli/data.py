"""``rtme data``: look at a copy of a dataset before anything is trained on it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from rtme.errors import DataError, SettingsError

if TYPE_CHECKING:
    from rtme.data.readers.reading import Dataset, Reading

app = typer.Typer(help="Look at datasets.", no_args_is_help=True)


@app.callback()
def _data() -> None:
    pass


@app.command("check")
def check(
    dataset: Annotated[
        str, typer.Argument(help="Short name, such as casme2sq or samm_lv; own for your own.")
    ],
    path: Annotated[Path, typer.Argument(help="The folder it was unpacked into.")],
    repair: Annotated[
        list[str] | None,
        typer.Option(help="KEY=VALUE: what to do with a kind of faulty row; may be given again."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write the manifest (CSV) here, its videos beside it.")
    ] = None,
) -> None:
    """Find the files, read every label, and say what was found, repaired and not usable."""
    try:
        from rtme.data import readers

        chosen = readers.find(dataset)
    except ModuleNotFoundError as error:
        raise SettingsError(f"reading datasets needs {error.name}: pip install 'rtme[train]'") from error
    reading = chosen.read(path, chosen.repairs(repair or ()))
    if as_json:
        print(json.dumps(_facts(chosen, reading), indent=2, ensure_ascii=False))
    else:
        _show(chosen, reading)
    if reading.problems:
        n = len(reading.problems)
        raise DataError(
            f"{n} {'row' if n == 1 else 'rows'} of {chosen.title} cannot be used; {reading.problems[0]}"
            + ("" if out is None else f". {out} was not written")
        )
    if out is not None:
        reading.usable().save(out)
        if not as_json:
            print(
                f"{out} has {len(reading.manifest.intervals)} intervals of {len(reading.manifest.videos)} videos"
            )


def _facts(dataset: "Dataset", reading: "Reading") -> dict[str, Any]:
    return {
        "dataset": dataset.name,
        "title": dataset.title,
        "counts": reading.counts,
        "published": dict(reading.published),
        "choices": dict(reading.choices),
        "repairs": [vars(repair) for repair in reading.repairs],
        "problems": [vars(problem) for problem in reading.problems],
        "warnings": list(reading.warnings),
    }


def _show(dataset: "Dataset", reading: "Reading") -> None:
    console = Console(highlight=False, soft_wrap=True)
    counts = Table("", "found", "published", title=dataset.title, title_justify="left")
    for what, count in reading.counts.items():
        published = reading.published.get(what)
        style = "yellow" if published not in (None, count) else None
        counts.add_row(what, str(count), "" if published is None else str(published), style=style)
    console.print(counts)
    for warning in reading.warnings:
        console.print(f"note: {warning}", markup=False)
    if reading.repairs:
        console.print(f"{len(reading.repairs)} repairs ({_kinds(reading)})", markup=False)
        for repair in reading.repairs:
            console.print(f"  {repair.where}: {repair.what}: {repair.before} → {repair.after}", markup=False)
        console.print(
            "by: " + " ".join(f"{key}={value}" for key, value in reading.choices.items()), markup=False
        )
    for problem in reading.problems:
        console.print(f"not usable: {problem}", markup=False, style="red")


def _kinds(reading: "Reading") -> str:
    kinds: dict[str, int] = {}
    for repair in reading.repairs:
        kinds[repair.what] = kinds.get(repair.what, 0) + 1
    return ", ".join(f"{what} {count}" for what, count in kinds.items())
