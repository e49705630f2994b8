"""``rtme ablate``: what each loss and each part of the model brings, over several seeds."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from rtme.cli.extras import extra
from rtme.cli.options import Accelerator, Json, Recipe, Set, output
from rtme.cli.progress import tell
from rtme.errors import RtmeError

app = typer.Typer(no_args_is_help=True)

_Data = Annotated[Path | None, typer.Option(help="Prepared material, instead of the recipe's.")]
_Out = Annotated[Path, output("Folder for all runs and tables; give the same again to go on.")]
_Seeds = Annotated[int, typer.Option(min=1, help="Runs of each variant.")]
_Jobs = Annotated[int, typer.Option(min=1, help="Runs side by side, with one CPU thread each.")]
_Only = Annotated[list[str] | None, typer.Option(help="Only this variant; may be given again.")]


@app.command("losses")
def losses(
    recipe: Recipe,
    out: _Out,
    data: _Data = None,
    seeds: _Seeds = 5,
    jobs: _Jobs = 1,
    only: _Only = None,
    set_: Set = None,
    accelerator: Accelerator = "auto",
    as_json: Json = False,
) -> None:
    """The boundary-aware loss against BCE, Smooth L1, IoU, MSE and MAE for the locator; the model stays.

    Examples:
    - `rtme ablate losses default --data clips -o ablations/losses --jobs 2`
    - `rtme ablate losses default --data clips -o trial --seeds 2 --only BAL --only BCE --set fit.epochs=5`
    """
    _ablate("losses", recipe, out, data, None, seeds, jobs, only, set_, accelerator, as_json)


@app.command("parts")
def parts(
    recipe: Recipe,
    out: _Out,
    data: _Data = None,
    rgb_data: Annotated[
        Path | None, typer.Option(help="The same clips, prepared with --input rgb: one more variant.")
    ] = None,
    seeds: _Seeds = 5,
    jobs: _Jobs = 1,
    only: _Only = None,
    set_: Set = None,
    accelerator: Accelerator = "auto",
    as_json: Json = False,
) -> None:
    """The model without its enhancer, its regional features, its BiLSTM; with the other join; with rgb input.

    Examples:
    - `rtme ablate parts default --data clips --rgb-data clips-rgb -o ablations/parts`
    """
    _ablate("parts", recipe, out, data, rgb_data, seeds, jobs, only, set_, accelerator, as_json)


@app.command("table")
def table(
    recipe: Recipe,
    out: _Out,
    data: _Data = None,
    seeds: _Seeds = 5,
    jobs: _Jobs = 1,
    only: _Only = None,
    set_: Set = None,
    accelerator: Accelerator = "auto",
    as_json: Json = False,
) -> None:
    """MELDAE, MELDAE* and two classical methods (LBP-TOP, optical flow as in MDMD), through the same metrics.

    Examples:
    - `rtme ablate table default --data clips -o ablations/table`
    """
    _ablate("table", recipe, out, data, None, seeds, jobs, only, set_, accelerator, as_json)


def _ablate(
    kind: Literal["losses", "parts", "table"],
    recipe: str,
    out: Path,
    data: Path | None,
    rgb_data: Path | None,
    seeds: int,
    jobs: int,
    only: list[str] | None,
    set_: list[str] | None,
    accelerator: str,
    as_json: bool,
) -> None:
    with extra("train", "training"):
        from rtme.train import recipe as recipes
        from rtme.train.ablate import ablate
        from rtme.train.studies import study_of
    changes: dict[str, object] = recipes.read_changes(set_ or ())
    if data is not None:
        changes["data.store"] = str(data)
    chosen = recipes.load(recipe).with_changes(changes)
    study = study_of(kind, chosen, rgb_data)
    if only:
        study = study.only(only)
    text, failed = ablate(study, chosen, out, seeds, tell, jobs, accelerator)
    print((out / "ablation.json").read_text(encoding="utf-8") if as_json else text, end="")
    if failed:
        name, why = next(iter(failed.items()))
        raise RtmeError(
            f"{len(failed)} of the runs in {out} failed and are not in the table; {name}: {why}. "
            "Give the same command again when that is mended"
        )
