"""``rtme synth``: prepared synthetic material from folders of faces."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from rtme.cli.console import print_json
from rtme.cli.extras import extra
from rtme.cli.options import Json, Seed, Workers, output
from rtme.cli.progress import tell

_FILES = (".yaml", ".yml")


class _Kind(StrEnum):
    mixed = "mixed"
    conversation = "conversation"


class _Input(StrEnum):
    motion = "motion"
    rgb = "rgb"


def synth(
    faces: Annotated[
        Path | None,
        typer.Argument(
            help="Folder of portraits (JPEG, PNG) and, for mixed, real videos; or a YAML file that says everything.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path | None, output("The store's folder; give the same again to go on.")] = None,
    people: Annotated[
        Path | None,
        typer.Option(
            help="Table file,person[,split]; people.csv in the folder when there is one, else each file is a person.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        _Kind | None,
        typer.Option(
            help="mixed: all there is to learn from; conversation: each clip is speaking or listening.",
            show_default="mixed",
        ),
    ] = None,
    clips: Annotated[
        int | None, typer.Option(min=0, help="Clips of training people.", show_default="1500")
    ] = None,
    validation: Annotated[
        int | None, typer.Option(min=0, help="Clips of validation people.", show_default="120")
    ] = None,
    test: Annotated[int | None, typer.Option(min=0, help="Clips of test people.", show_default="160")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=1, max=60, help="Length of a clip.", show_default="4")
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(min=1, max=240, help="Slots per second, mostly 30 or 60.", show_default="30"),
    ] = None,
    input_: Annotated[
        _Input | None, typer.Option("--input", help="What the engine will eat.", show_default="motion")
    ] = None,
    size: Annotated[int | None, typer.Option(min=32, help="Crop edge in pixels.", show_default="112")] = None,
    seed: Seed = None,
    workers: Workers = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print every setting and what it means; make nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Animate portraits with micro-expressions at known times, to train on.

    Examples:
    - `rtme synth faces -o clips` (what the default engine learns from)
    - `rtme synth faces -o talks --kind conversation --clips 500 --fps 60`
    - `rtme synth --show > corpus.yaml` (every setting, in a file to change)
    - `rtme synth corpus.yaml` (as the file says; a flag that is given goes before it)
    """
    with extra("train", "making clips"):
        from rtme.data.corpus import load
        from rtme.data.explained import explained
        from rtme.data.make import make
        from rtme.data.material import read
    file = faces if faces is not None and faces.suffix.lower() in _FILES and not faces.is_dir() else None
    flags: dict[str, Any] = {
        "faces": faces if file is None else None,
        "out": out,
        "people": people,
        "kind": kind,
        "train": clips,
        "validation": validation,
        "test": test,
        "seconds": seconds,
        "store.fps": fps,
        "store.input": input_,
        "store.size": size,
        "seed": seed,
    }
    said = {name: value for name, value in flags.items() if value is not None}
    # What is only shown need not be anywhere.
    corpus = load(file, said, {"faces": "faces", "out": "clips"} if show else None)
    if show:
        if as_json:
            print_json(corpus.model_dump(mode="json"))
        else:
            print(explained(corpus), end="")
        return
    made = make(
        read(corpus.faces, corpus.people), corpus.out, corpus.plan, workers or os.cpu_count() or 1, tell
    )
    minutes = sum(clip.n_frames / clip.fps for clip in made.clips) / 60
    n_me = sum(len(clip.of_type("me")) for clip in made.clips)
    if as_json:
        print_json(
            {
                "store": corpus.out,
                "clips": len(made.clips),
                "minutes": minutes,
                "micro_expressions": n_me,
                "synthetic": True,
            }
        )
        return
    print(
        f"{corpus.out} has {len(made.clips)} clips, {minutes:.1f} min, {n_me} micro-expressions, all of them SYNTHETIC"
    )
