"""``rtme engine build``: what a backend needs to be built before it runs an engine."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rtme.engine.backend import Wish
from rtme.engine.bundle import load_bundle


class _Backend(StrEnum):
    tensorrt = "tensorrt"


class _Precision(StrEnum):
    fp16 = "fp16"
    bf16 = "bf16"
    fp32 = "fp32"


def build(
    engine: Annotated[str, typer.Argument(help="Name or folder of an engine bundle.")],
    backend: Annotated[_Backend, typer.Option(help="For which backend.")] = _Backend.tensorrt,
    precision: Annotated[_Precision, typer.Option(help="What it computes in.")] = _Precision.fp16,
    max_batch: Annotated[int, typer.Option(min=1, help="Crops and windows run at once, at most.")] = 16,
    device: Annotated[int, typer.Option(min=0, help="Number of the GPU.")] = 0,
    plans: Annotated[
        Path | None,
        typer.Option(help="Folder for the plans; $RTME_PLANS or the user's cache else.", show_default=False),
    ] = None,
) -> None:
    """Build an engine's TensorRT plans for this machine's GPU, once; `rtme live` then runs them.

    Each plan is compared with the engine's own graph on the CPU before it is kept. Build again after an update of
    TensorRT, on another GPU, or for another engine.

    Examples:
    - `rtme engine build default --backend tensorrt`
    - `rtme engine build engines/mine --backend tensorrt --precision bf16 --max-batch 8`
    """
    from rtme.engine.trt.making import make_plans
    from rtme.engine.trt.plans import HOME, PlanStore, plans_folder

    bundle = load_bundle(engine)
    store = PlanStore(plans or plans_folder())
    wish = Wish(backend.value, device=device, max_batch=max_batch)
    for plan in make_plans(bundle, wish, precision.value, store, _tell):
        _tell(f"written to {plan.path}")
    if store.folder != plans_folder():
        _tell(f"set {HOME}={store.folder} wherever rtme runs, so that it finds them")


def _tell(line: str) -> None:
    from rich.console import Console

    Console(soft_wrap=True, highlight=False, log_path=False).log(line, markup=False)
