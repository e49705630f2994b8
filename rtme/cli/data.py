"""``rtme data``: look at a copy of a dataset, and prepare it for training."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from rtme.cli import completing
from rtme.cli.console import print_json, results
from rtme.cli.extras import extra
from rtme.cli.options import Json, Workers, output
from rtme.cli.progress import progress
from rtme.errors import DataError, SettingsError

if TYPE_CHECKING:
    from rtme.data.manifest import Manifest
    from rtme.data.outcomes import Outcome
    from rtme.data.readers.reading import Dataset, Reading

app = typer.Typer(no_args_is_help=True)

_Repair = Annotated[
    list[str] | None,
    typer.Option(help="KEY=VALUE: what to do with a kind of faulty row; may be given again."),
]


@app.command("check")
def check(
    dataset: Annotated[
        str,
        typer.Argument(
            help="Short name, such as casme2sq or samm_lv; own for your own.",
            autocompletion=completing.datasets,
        ),
    ],
    path: Annotated[Path, typer.Argument(help="The folder it was unpacked into.")],
    repair: _Repair = None,
    as_json: Json = False,
    out: Annotated[Path | None, output("Write the manifest (CSV) here, its videos beside it.")] = None,
) -> None:
    """Find the files, read every label, and say what was found, repaired and not usable.

    Examples:
    - `rtme data check casme2sq /data/CASME2sq`
    - `rtme data check own recordings -o manifest.csv`
    """
    chosen, reading = _read(dataset, path, repair)
    if as_json:
        print_json(_facts(chosen, reading))
    else:
        _show(chosen, reading)
    _refuse_problems(chosen, reading, "" if out is None else f". {out} was not written")
    if out is not None:
        reading.usable().save(out)
        if not as_json:
            print(
                f"{out} has {len(reading.manifest.intervals)} intervals of {len(reading.manifest.videos)} videos"
            )


@app.command("prepare")
def prepare(
    dataset: Annotated[
        str,
        typer.Argument(
            help="Short name of a dataset, as for `check`; or a manifest (.csv).",
            autocompletion=completing.datasets,
        ),
    ],
    out: Annotated[Path, output("Folder of the store.")],
    path: Annotated[
        Path | None, typer.Argument(help="The folder it was unpacked into; none with a manifest.")
    ] = None,
    repair: _Repair = None,
    input: Annotated[
        str,
        typer.Option(
            help="What the engine eats: rgb or motion.", autocompletion=completing.one_of("motion", "rgb")
        ),
    ] = "motion",
    size: Annotated[int, typer.Option(help="Crop edge in pixels.")] = 112,
    fps: Annotated[float, typer.Option(help="Frames per second of the engine's time grid.")] = 30.0,
    flow_lag: Annotated[int, typer.Option(help="Slots back that motion is measured against.")] = 6,
    workers: Workers = None,
    skip_faulty: Annotated[
        bool, typer.Option("--skip-faulty", help="Do without videos that cannot be prepared.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Track and align the face in every video, and store what the engine would see of it.

    Stopped at any moment, the same command goes on where it was. The store holds pictures of faces.

    Examples:
    - `rtme data prepare casme2sq /data/CASME2sq -o prepared/casme2sq`
    - `rtme data prepare manifest.csv -o prepared/mine --input rgb --size 224`
    """
    with extra("train", "preparing datasets"):
        from pydantic import ValidationError

        from rtme.data.manifest import sentence
        from rtme.data.outcomes import outcomes
        from rtme.data.prepare import FaultyVideosError
        from rtme.data.prepare import prepare as run
        from rtme.data.store import StorePlan
    try:
        plan = StorePlan.model_validate({"input": input, "size": size, "fps": fps, "flow_lag": flow_lag})
    except ValidationError as error:
        raise SettingsError(sentence(error)) from error
    manifest = _manifest(dataset, path, repair)
    frames, began, faulty = 0, time.monotonic(), None
    with progress("frames") as bar:

        def advance(done: int, expected: int) -> None:
            nonlocal frames
            frames = done
            bar.at(done, expected)

        try:
            run(manifest, out, plan, workers, advance, skip_faulty)
        except FaultyVideosError as error:
            faulty = error
    seconds = time.monotonic() - began
    facts = _prepared(out, outcomes(out))
    facts |= {"seconds": round(seconds, 1), "frames_per_second": round(frames / seconds, 1)}
    if as_json:
        print_json(facts)
    else:
        _show_prepared(facts)
    if faulty is not None:
        raise faulty


def _manifest(dataset: str, path: Path | None, repair: list[str] | None) -> "Manifest":
    from rtme.data import manifest

    if path is None:
        if not dataset.lower().endswith(".csv"):
            raise SettingsError(
                f"where is {dataset}? Give the folder it was unpacked into, or a manifest (.csv)"
            )
        if repair:
            raise SettingsError("a manifest needs no --repair: its rows were repaired when it was written")
        return manifest.load(Path(dataset))
    chosen, reading = _read(dataset, path, repair)
    _refuse_problems(chosen, reading, ". Nothing was prepared")
    return reading.usable()


def _read(dataset: str, path: Path, repair: list[str] | None) -> "tuple[Dataset, Reading]":
    with extra("train", "reading datasets"):
        from rtme.data import readers

        chosen = readers.find(dataset)
    with progress("reading labels"):
        return chosen, chosen.read(path, chosen.repairs(repair or ()))


def _refuse_problems(dataset: "Dataset", reading: "Reading", then: str) -> None:
    if reading.problems:
        n = len(reading.problems)
        raise DataError(
            f"{n} {'row' if n == 1 else 'rows'} of {dataset.title} cannot be used; {reading.problems[0]}{then}"
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
    console = results(soft_wrap=True)
    known = bool(reading.published)
    counts = Table("", "found", *["published"] * known, title=dataset.title, title_justify="left")
    for what, count in reading.counts.items():
        published = reading.published.get(what)
        style = "yellow" if published not in (None, count) else None
        counts.add_row(what, str(count), *["" if published is None else str(published)] * known, style=style)
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


def _prepared(folder: Path, outcomes: "list[Outcome]") -> dict[str, Any]:
    from rtme.data.store import Store

    not_judged: dict[str, int] = {}
    for one in outcomes:
        for reason, count in one.not_judged.items():
            not_judged[reason] = not_judged.get(reason, 0) + count
    store = Store(folder)
    return {
        "store": str(folder),
        "plan": store.plan.model_dump(mode="json"),
        "clips": len(store.clips),
        "slots": store.n_rows,
        "frames": sum(one.seen for one in outcomes),
        "judged": sum(one.judged for one in outcomes),
        "not_judged": dict(sorted(not_judged.items(), key=lambda each: -each[1])),
        "never_judged": [one.video for one in outcomes if one.fault is None and not one.judged],
        "repeated": sum(one.repeated for one in outcomes),
        "unreadable": {one.video: list(one.unreadable) for one in outcomes if one.unreadable},
        "faulty": {one.video: one.fault for one in outcomes if one.fault is not None},
    }


def _show_prepared(facts: dict[str, Any]) -> None:
    console = results(soft_wrap=True)

    def say(line: str, style: str | None = None) -> None:
        console.print(line, markup=False, style=style)

    share = facts["judged"] / max(facts["frames"], 1)
    say(f"{facts['store']}: {facts['clips']} clips, {facts['slots']} slots, {facts['frames']} frames")
    say(f"{share:.1%} of the frames show a face that may be judged")
    for reason, count in facts["not_judged"].items():
        say(f"  {reason}: {count}")
    for video in facts["never_judged"]:
        say(f"note: {video} has no face that may be judged in any frame")
    if facts["repeated"]:
        say(f"{facts['repeated']} frames are dropped or empty: the last good one stands in for them")
    for video, names in facts["unreadable"].items():
        some = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        say(f"{video}: {len(names)} pictures cannot be decoded, the last good one stands in for them: {some}")
    for video, fault in facts["faulty"].items():
        say(f"not prepared: {video}: {fault}", "red")
    if facts["frames_per_second"]:
        say(f"{facts['frames_per_second']:g} frames/s")
    say(f"{facts['store']} holds face crops: keep it as you keep the dataset")
