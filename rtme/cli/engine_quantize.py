"""``rtme engine quantize``: an engine in int8, and what that changes."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtme.cli.console import print_json, results
from rtme.cli.options import EngineName, Json, output
from rtme.cli.progress import progress
from rtme.errors import EngineError

if TYPE_CHECKING:
    from rtme.trial.quantized import Quantized


def quantize(
    engine: EngineName,
    clips: Annotated[
        list[Path] | None,
        typer.Option(
            help="Video of a face, or a folder of them; may be given again. The demo's face else.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path | None, output("Folder of the new engine; NAME-int8 here else.")] = None,
    seconds: Annotated[float, typer.Option(min=2, help="So much of each clip at most.")] = 60.0,
    force: Annotated[bool, typer.Option("--force", help="Write it however much changed.")] = False,
    as_json: Json = False,
) -> None:
    """Write an engine whose encoder computes in int8, and say what that changes in what it finds.

    It is an engine like any other, for onnxruntime on a CPU: half the size, quicker where the processor has int8.
    It is not written where more than a tenth of the intervals are lost or gained; those that end elsewhere are told.

    Examples:
    - `rtme engine quantize default --clips recordings`
    - `rtme engine quantize engines/mine --clips clip.mp4 -o engines/mine-int8`
    """
    # Imported late, so that the other verbs start at once.
    from rtme.capture.sources import expand
    from rtme.engine.bundle import load_bundle
    from rtme.trial.quantized import MOST_CHANGED
    from rtme.trial.quantized import quantize as run
    from rtme.trial.tracked import recordings, track

    bundle = load_bundle(engine)
    folder = out or Path(f"{bundle.manifest.name}-int8")
    files = [Path(file) for each in clips or [] for file in expand(str(each))]
    with progress("seconds of footage") as bar:

        def tracking(name: str) -> Callable[[float], None]:
            return lambda done_s: bar.at(done_s, seconds, f"seconds of {name}")

        sources = recordings(files, seconds)
        tracked = [track(each, bundle.manifest, seconds, tracking(each.name)) for each in sources]
        bar.at(0, None, "comparing the engine in int8 with itself")
        found = run(bundle, tracked, folder, force=force)
    if as_json:
        print_json(_record(found))
    else:
        _show(found)
    if found.written is None:
        raise EngineError(
            f"{found.part:.0%} of the intervals are lost or gained, more than {MOST_CHANGED:.0%}: nothing is written; "
            "give more clips if these hold few, or --force"
        )


def _record(found: "Quantized") -> dict[str, Any]:
    return {
        "engine": None if found.written is None else str(found.written.path),
        "crops": found.before.crops,
        "intervals": sum(map(len, found.before.intervals)),
        "changed": asdict(found.intervals),
        "part_changed": found.part,
        "apart": {name: asdict(difference) for name, difference in found.apart.items()},
        "ms_per_crop": {"before": found.before.ms_per_crop, "after": found.after.ms_per_crop},
    }


def _show(found: "Quantized") -> None:
    show = results(soft_wrap=True)
    intervals = sum(map(len, found.before.intervals))
    lines = [
        f"{found.before.crops} crops, {intervals} intervals before: {found.intervals}",
        *found.intervals.lines(),
        *(
            f"{name}: differs by {d.largest:.1e} at most, {d.mean:.0e} in the mean"
            for name, d in found.apart.items()
        ),
        f"{found.before.ms_per_crop:.2f} ms a crop before, {found.after.ms_per_crop:.2f} after",
    ]
    for line in lines:
        show.print(line, markup=False)
    if not intervals:
        show.print("no interval is in this footage: give clips in which the engine finds some", markup=False)
    if found.written is not None:
        show.print(f"written to {found.written.path}: run it with `rtme live --engine`", markup=False)
