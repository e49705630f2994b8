"""``rtme engine verify``: whether every backend here says the same."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from rtme.cli.console import print_json, results
from rtme.cli.options import Device, EngineName, Json, Threads
from rtme.cli.progress import progress
from rtme.errors import EngineError

if TYPE_CHECKING:
    from rtme.trial.verify import Verdict, Verification


def verify(
    engine: EngineName,
    source: Annotated[
        list[Path] | None,
        typer.Option(help="Video of a face, may be given again; the demo's face else.", show_default=False),
    ] = None,
    seconds: Annotated[float, typer.Option(min=2, help="So much of each at most.")] = 20.0,
    threads: Threads = None,
    device: Device = 0,
    as_json: Json = False,
) -> None:
    """Compare every backend and precision that works here with PyTorch in fp32, on real crops.

    A face is tracked once; each backend encodes its crops, scores its windows and decodes its intervals. Ends with an error
    where one changes an interval, or a probability by more than its precision may.

    Examples:
    - `rtme engine verify default`
    - `rtme engine verify engines/mine --source clip.mp4 --seconds 60 --json`
    """
    # Imported late, so that the other verbs start at once.
    from rtme.engine.backend import Wish
    from rtme.engine.bundle import load_bundle
    from rtme.trial.tracked import recordings, track
    from rtme.trial.verify import verify as run

    bundle = load_bundle(engine)
    with progress("seconds of footage") as bar:

        def tracking(name: str) -> Callable[[float], None]:
            return lambda done_s: bar.at(done_s, seconds, f"seconds of {name}")

        footage = recordings(source or [], seconds)
        clips = [track(each, bundle.manifest, seconds, tracking(each.name)) for each in footage]
        found = run(bundle, clips, Wish(threads=threads or 1, device=device), bar.say)
    if as_json:
        print_json(_record(found))
    else:
        _show(found, results(soft_wrap=True))
    failed = [f"{each.backend} {each.precision}" for each in found.verdicts if not each.passed]
    if failed:
        raise EngineError(
            f"{', '.join(failed)} {'does' if len(failed) == 1 else 'do'} not say what {found.reference} says: run this "
            "engine on another backend here"
        )


def _record(found: "Verification") -> dict[str, Any]:
    return {
        "reference": found.reference,
        "note": found.note,
        "passed": found.passed,
        "crops": found.heard.crops,
        "windows": found.heard.windows,
        "intervals": [one.model_dump() for clip in found.heard.intervals for one in clip],
        "ms_per_crop": found.heard.ms_per_crop,
        "ms_per_window": found.heard.ms_per_window,
        "backends": [{**asdict(each), "passed": each.passed} for each in found.verdicts],
        "refused": found.refused,
    }


def _show(found: "Verification", out: Console) -> None:
    heard = found.heard
    intervals = sum(map(len, heard.intervals))
    out.print(f"reference: {found.reference}", markup=False)
    if found.note:
        out.print(found.note, markup=False)
    out.print(
        f"{heard.crops} crops, {heard.windows} windows, {intervals} intervals; {heard.ms_per_crop:.2f} ms a crop, "
        f"{heard.ms_per_window:.2f} ms a window",
        markup=False,
    )
    if not intervals:
        out.print("no interval is in this footage, so that only numbers are compared", markup=False)
    for verdict in found.verdicts:
        for line in _lines(verdict):
            out.print(line, markup=False)
    for name, reason in found.refused.items():
        out.print(f"not run: {name}: {reason}", markup=False)


def _lines(each: "Verdict") -> Iterator[str]:
    yield f"{each.label}: {'ok' if each.passed else 'FAILED' if each.failure else 'DIFFERS'}"
    if each.failure is not None:
        yield f"  {each.failure}"
        return
    numbers = ", ".join(f"{name} {d.largest:.1e} (mean {d.mean:.0e})" for name, d in each.apart.items())
    yield f"  differs at most by: {numbers}; a probability may by {each.tolerance:.0e}"
    yield f"  {each.ms_per_crop:.2f} ms a crop, {each.ms_per_window:.2f} ms a window"
    yield f"  intervals: {each.intervals}"
    yield from (f"  {line}" for line in each.intervals.lines())
