"""``rtme ablate``: what each loss and each part of the model brings, over several seeds."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from rtme.errors import RtmeError, SettingsError

app = typer.Typer(
    help="Train variants of a recipe with the same seeds and data, and compare them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

_Recipe = Annotated[str, typer.Argument(help="A YAML file, or the name of a recipe that comes with rtme.")]
_Data = Annotated[Path | None, typer.Option(help="Prepared material, instead of the recipe's.")]
_Out = Annotated[Path, typer.Option(help="Folder for all runs and tables; give the same again to go on.")]
_Seeds = Annotated[int, typer.Option(min=1, help="Runs of each variant.")]
_Jobs = Annotated[int, typer.Option(min=1, help="Runs side by side, with one CPU thread each.")]
_Only = Annotated[list[str] | None, typer.Option(help="Only this variant; may be given again.")]
_Set = Annotated[
    list[str] | None, typer.Option("--set", help="SETTING=VALUE of the recipe, for all variants.")
]
_Accelerator = Annotated[str, typer.Option(help="auto, cpu or gpu.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON, not Markdown.")]


@app.command("losses")
def losses(
    recipe: _Recipe,
    out: _Out,
    data: _Data = None,
    seeds: _Seeds = 5,
    jobs: _Jobs = 1,
    only: _Only = None,
    set_: _Set = None,
    accelerator: _Accelerator = "auto",
    as_json: _Json = False,
) -> None:
    """The boundary-aware loss against BCE, Smooth L1, IoU, MSE and MAE for the locator; the model stays.

    Examples:
    - `rtme ablate losses default --data clips --out ablations/losses --jobs 2`
    - `rtme ablate losses default --data clips --out trial --seeds 2 --only BAL --only BCE --set fit.epochs=5`
    """
    _ablate("losses", recipe, out, data, None, seeds, jobs, only, set_, accelerator, as_json)


@app.command("parts")
def parts(
    recipe: _Recipe,
    out: _Out,
    data: _Data = None,
    rgb_data: Annotated[
        Path | None, typer.Option(help="The same clips, prepared with --input rgb: one more variant.")
    ] = None,
    seeds: _Seeds = 5,
    jobs: _Jobs = 1,
    only: _Only = None,
    set_: _Set = None,
    accelerator: _Accelerator = "auto",
    as_json: _Json = False,
) -> None:
    """The model without its enhancer, its regional features, its BiLSTM; with the other join; with rgb input.

    Example: `rtme ablate parts default --data clips --rgb-data clips-rgb --out ablations/parts`
    """
    _ablate("parts", recipe, out, data, rgb_data, seeds, jobs, only, set_, accelerator, as_json)


@app.command("table")
def table(
    recipe: _Recipe,
    out: _Out,
    data: _Data = None,
    seeds: _Seeds = 5,
    jobs: _Jobs = 1,
    only: _Only = None,
    set_: _Set = None,
    accelerator: _Accelerator = "auto",
    as_json: _Json = False,
) -> None:
    """MELDAE, MELDAE* and two classical methods (LBP-TOP, optical flow as in MDMD), through the same metrics.

    Example: `rtme ablate table default --data clips --out ablations/table`
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
    try:
        from rtme.train import recipe as recipes
        from rtme.train.ablate import ablate
        from rtme.train.studies import study_of
    except ModuleNotFoundError as error:
        raise SettingsError(f"training needs {error.name}: pip install 'rtme[train]'") from error
    changes: dict[str, object] = recipes.read_changes(set_ or ())
    if data is not None:
        changes["data.store"] = str(data)
    chosen = recipes.load(recipe).with_changes(changes)
    study = study_of(kind, chosen, rgb_data)
    if only:
        study = study.only(only)
    text, failed = ablate(study, chosen, out, seeds, _tell, jobs, accelerator)
    print((out / "ablation.json").read_text(encoding="utf-8") if as_json else text, end="")
    if failed:
        name, why = next(iter(failed.items()))
        raise RtmeError(
            f"{len(failed)} of the runs in {out} failed and are not in the table; {name}: {why}. "
            "Give the same command again when that is mended"
        )


def _tell(line: str) -> None:
    from rich.console import Console

    Console(stderr=True, soft_wrap=True, highlight=False, log_path=False).log(line, markup=False)
