"""Options that several verbs share: one name, one meaning."""

from pathlib import Path
from typing import Annotated

import typer

from rtme.bus.address import DEFAULT_ADDRESS
from rtme.cli import completing

Engine = Annotated[
    str | None,
    typer.Option(
        help="Engine bundle: a name or a folder.", autocompletion=completing.engines, show_default=False
    ),
]
EngineName = Annotated[
    str, typer.Argument(help="Name or folder of an engine bundle.", autocompletion=completing.engines)
]
Sensitivity = Annotated[
    str | None,
    typer.Option(
        help="low, normal or high: fewer false alarms or more found.  [default: normal]",
        autocompletion=completing.one_of("low", "normal", "high"),
        show_default=False,
    ),
]
Faces = Annotated[int | None, typer.Option(help="Faces to follow per source.", show_default=False)]
Threads = Annotated[
    int | None, typer.Option(min=1, help="CPU threads that compute.  [default: 1]", show_default=False)
]
Device = Annotated[int, typer.Option(min=0, help="Number of the GPU.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes; one for each core when not given.", show_default=False)
]
Backend = Annotated[
    str | None,
    typer.Option(
        help="What runs the engine, such as openvino or onnxruntime.  [default: the best that works]",
        autocompletion=completing.backends,
        show_default=False,
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        help="What it computes in: fp32, bf16, fp16 or int8, where it can.",
        autocompletion=completing.one_of("fp32", "bf16", "fp16", "int8"),
        show_default=False,
    ),
]
Transport = Annotated[
    str | None,
    typer.Option(
        help="RTSP over tcp or udp.  [default: tcp]",
        autocompletion=completing.one_of("tcp", "udp"),
        show_default=False,
    ),
]
Bind = Annotated[
    str | None,
    typer.Option(help=f"Publish here over ZeroMQ.  [default: {DEFAULT_ADDRESS}]", show_default=False),
]
Journal = Annotated[
    str | None,
    typer.Option(
        help="Keep every event in this SQLite file.  [default: a file for the port in the user's state folder]",
        show_default=False,
    ),
]
NoJournal = Annotated[bool, typer.Option("--no-journal", help="Keep no events.")]
Replay = Annotated[
    str | None,
    typer.Option(
        help="Give again here what was sent, or `none`.  [default: the port after that of --bind]",
        show_default=False,
    ),
]
Metrics = Annotated[
    str | None,
    typer.Option(
        help="Serve /metrics (Prometheus) and /healthz here, such as 127.0.0.1:9464.", show_default=False
    ),
]
InsecureMetrics = Annotated[
    bool,
    typer.Option("--metrics-insecure", help="Allow --metrics where anybody on the network can read them."),
]
Preview = Annotated[
    bool,
    typer.Option(
        "--preview", help="Publish pictures of the sources too, for `rtme dashboard` and whoever listens."
    ),
]
LogFormat = Annotated[
    str | None,
    typer.Option(
        help="The log on stderr: text, or json (one object a line).  [default: text]",
        autocompletion=completing.one_of("text", "json"),
        show_default=False,
    ),
]
InsecureBind = Annotated[
    bool,
    typer.Option("--insecure", help="Allow a bind that anybody on the network can read, without keys."),
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
    typer.Option(
        "--kind",
        help="Only this kind of event; may be repeated.",
        autocompletion=completing.kinds,
        show_default=False,
    ),
]
Accelerator = Annotated[
    str,
    typer.Option(help="auto, cpu or gpu.", autocompletion=completing.one_of("auto", "cpu", "gpu")),
]
Recipe = Annotated[
    str,
    typer.Argument(
        help="A YAML file, or a recipe that comes with rtme: casme2sq, samm_lv, own, paper, default, conversation, quick.",
        autocompletion=completing.recipes,
    ),
]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="SETTING=VALUE of the recipe, such as fit.epochs=5.")
]
Seed = Annotated[
    int | None, typer.Option(min=0, help="The same seed gives the same again.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, not words.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print each event as one line of JSON.")]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", "--out", help="Write the JSON here too.", show_default=False)
]
Picture = Annotated[Path | None, typer.Option(help="Draw it here (PNG).", show_default=False)]


def output(what: str) -> typer.models.OptionInfo:
    """``-o``: where a verb writes what it makes; ``--out`` is what it was called before."""
    found: typer.models.OptionInfo = typer.Option("-o", "--output", "--out", help=what, show_default=False)
    return found


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
