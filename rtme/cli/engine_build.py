"""``rtme engine build``: what a backend needs to be built before it runs an engine."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rtme.cli.console import print_json
from rtme.cli.options import Device, EngineName, Json
from rtme.cli.progress import tell


class _Backend(StrEnum):
    tensorrt = "tensorrt"


class _Precision(StrEnum):
    fp16 = "fp16"
    bf16 = "bf16"
    fp32 = "fp32"


def build(
    engine: EngineName,
    backend: Annotated[_Backend, typer.Option(help="For which backend.")] = _Backend.tensorrt,
    precision: Annotated[_Precision, typer.Option(help="What it computes in.")] = _Precision.fp16,
    max_batch: Annotated[int, typer.Option(min=1, help="Crops and windows run at once, at most.")] = 16,
    device: Device = 0,
    plans: Annotated[
        Path | None,
        typer.Option(help="Folder for the plans; $RTME_PLANS or the user's cache else.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Build an engine's TensorRT plans for this machine's GPU, once; `rtme live` then runs them.

    Each plan is compared with the engine's own graph on the CPU before it is kept. Build again after an update of
    TensorRT, on another GPU, or for another engine.

    Examples:
    - `rtme engine build default --backend tensorrt`
    - `rtme engine build engines/mine --backend tensorrt --precision bf16 --max-batch 8`
    """
    from rtme.engine.backend import Wish
    from rtme.engine.bundle import load_bundle
    from rtme.engine.trt.making import make_plans
    from rtme.engine.trt.plans import HOME, PlanStore, plans_folder

    bundle = load_bundle(engine)
    store = PlanStore(plans or plans_folder())
    wish = Wish(backend.value, device=device, max_batch=max_batch)
    made = make_plans(bundle, wish, precision.value, store, tell)
    if as_json:
        print_json(
            {"engine": bundle.manifest.name, "folder": store.folder, "plans": [plan.path for plan in made]}
        )
        return
    for plan in made:
        print(f"written to {plan.path}")
    if store.folder != plans_folder():
        print(f"set {HOME}={store.folder} wherever rtme runs, so that it finds them")
