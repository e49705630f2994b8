"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

Engine = Annotated[str | None, typer.Option(help="Engine bundle: a name or a folder.", show_default=False)]
Sensitivity = Annotated[
    str | None,
    typer.Option(
        help="low, normal or high: fewer false alarms or more found.  [default: normal]", show_default=False
    ),
]
Faces = Annotated[int | None, typer.Option(help="Faces to follow per source.", show_default=False)]
Threads = Annotated[int | None, typer.Option(help="Threads of the encoder.", show_default=False)]
Backend = Annotated[
    str | None,
    typer.Option(
        help="What runs the engine, such as openvino or onnxruntime.  [default: the best that works]",
        show_default=False,
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(help="What it computes in: fp32, bf16, fp16 or int8, where it can.", show_default=False),
]
Keys = Annotated[
    Path | None,
    typer.Option(
        help="Folder of keys (`rtme keys`).  [default: none on this machine, else rtme's own]",
        envvar="RTME_KEYS",
        show_envvar=False,
        show_default=False,
    ),
]
Streams = Annotated[
    list[str] | None,
    typer.Option("--stream", help="Only this stream; may be repeated.", show_default=False),
]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", help="Only this kind of event; may be repeated.", show_default=False),
]
Fps = Annotated[
    float | None,
    typer.Option(min=0.01, help="Frames per second.  [default: what the file says]", show_default=False),
]
Tiers = Annotated[
    list[str] | None,
    typer.Option(
        "--tier",
        help="Read this tier alone; NAME=me, mae, speaking or listening says what it marks. May be repeated.",
        show_default=False,
    ),
]
