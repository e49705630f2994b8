"""``rtme synth``: prepared synthetic material from a folder of faces."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rtme.errors import SettingsError


class _Kind(StrEnum):
    mixed = "mixed"
    conversation = "conversation"


class _Input(StrEnum):
    motion = "motion"
    rgb = "rgb"


def synth(
    faces: Annotated[
        Path, typer.Argument(help="Folder of portraits (JPEG, PNG) and, for mixed, real videos.")
    ],
    out: Annotated[Path, typer.Option(help="The store's folder; give the same again to go on.")],
    people: Annotated[
        Path | None,
        typer.Option(
            help="Table file,person[,split]; people.csv in the folder when there is one, else each file is a person."
        ),
    ] = None,
    kind: Annotated[
        _Kind,
        typer.Option(
            help="mixed: all there is to learn from; conversation: each clip is speaking or listening."
        ),
    ] = _Kind.mixed,
    clips: Annotated[int, typer.Option(min=0, help="Clips of training people.")] = 1500,
    validation: Annotated[int, typer.Option(min=0, help="Clips of validation people.")] = 120,
    test: Annotated[int, typer.Option(min=0, help="Clips of test people.")] = 160,
    seconds: Annotated[float, typer.Option(min=1, max=60, help="Length of a clip.")] = 4.0,
    fps: Annotated[float, typer.Option(min=1, max=240, help="Slots per second, mostly 30 or 60.")] = 30.0,
    input_: Annotated[_Input, typer.Option("--input", help="What the engine will eat.")] = _Input.motion,
    size: Annotated[int, typer.Option(min=32, help="Crop edge in pixels.")] = 112,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same clips.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; all cores when not given.", show_default=False)
    ] = None,
) -> None:
    """Animate portraits with micro-expressions at known times, as prepared material to train on.

    Examples:
    - `rtme synth faces --out clips` (what the default engine learns from)
    - `rtme synth faces --out talks --kind conversation --clips 500 --fps 60`
    """
    try:
        from rtme.data.jobs import SynthPlan
        from rtme.data.make import make
        from rtme.data.material import read
        from rtme.data.store import StorePlan
    except ModuleNotFoundError as error:
        raise SettingsError(f"making clips needs {error.name}: pip install 'rtme[train]'") from error
    # The flow looks back the same time, a fifth of a second, at every rate.
    store = StorePlan(input=input_.value, size=size, fps=fps, flow_lag=max(1, round(fps / 5)))
    plan = SynthPlan(
        kind=kind.value,
        store=store,
        seed=seed,
        seconds=seconds,
        train=clips,
        validation=validation,
        test=test,
    )
    made = make(read(faces, people), out, plan, workers or os.cpu_count() or 1, _tell)
    minutes = sum(clip.n_frames / clip.fps for clip in made.clips) / 60
    n_me = sum(len(clip.of_type("me")) for clip in made.clips)
    _tell(
        f"{out} has {len(made.clips)} clips, {minutes:.1f} min, {n_me} micro-expressions, all of them SYNTHETIC"
    )


def _tell(line: str) -> None:
    from rich.console import Console

    Console(soft_wrap=True, highlight=False, log_path=False).log(line, markup=False)
