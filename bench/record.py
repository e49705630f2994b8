"""How every bench writes down what it saw: the figures, the machine, the versions, the commit."""

import argparse
import json
from pathlib import Path
from typing import Any

from rtme.settings import Settings, load_settings
from rtme.trial.speed.machine import label, machine
from rtme.trial.speed.pictures import draw
from rtme.trial.speed.record import in_a_line, record
from rtme.trial.speed.spread import Often

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"


def save(
    name: str, result: dict[str, Any], known: dict[str, Any] | None = None, *, picture: bool = False
) -> None:
    """Write ``bench/results/<name>-<machine>.json``, and a picture beside it, and say where.

    Args:
        name: Of the bench.
        result: What it saw.
        known: The machine as it was before the bench; looked at now when None.
        picture: Draw one.
    """
    known = known or machine()
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{label(known)}.json"
    written = record(name, result, known)
    path.write_text(json.dumps(written, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    print(f"written to {path.relative_to(ROOT)}")
    if picture:
        draw(name, result, path.with_suffix(".png"), f"{label(known)}, {written['when'][:10]}")
        print(f"picture in {path.with_suffix('.png').relative_to(ROOT)}")
    print("the page docs/performance.md is made by: python bench/page.py")


def begin() -> dict[str, Any]:
    """The machine as it is before a bench; printed, since no figure means anything without it."""
    known = machine()
    print(in_a_line(known), flush=True)
    return known


def parser_of(text: str | None) -> argparse.ArgumentParser:
    """What all speed benches can be told."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="default")
    parser.add_argument("--backend", default="auto")
    parser.add_argument(
        "--precision", help="fp32, bf16, fp16 or int8; the backend's own choice when not given"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of the encoder")
    parser.add_argument(
        "--runs",
        type=int,
        nargs=2,
        metavar=("LEAST", "MOST"),
        help="runs of each measurement: at least, and at most until the middle half of them lies within 5 %%",
    )
    return parser


def settings_of(arguments: argparse.Namespace) -> Settings:
    return load_settings(
        None,
        engine=arguments.engine,
        backend=arguments.backend,
        precision=arguments.precision,
        threads=arguments.threads,
    ).model_copy(update={"source": [], "bind": None, "journal": None})


def often_of(arguments: argparse.Namespace, least: int, most: int) -> Often:
    return Often(*(arguments.runs or (least, most)))


def tell(what: str, done: float) -> None:
    if round(done) % 10 == 0:
        print(f"  {what}: {done:.0f}", flush=True)
