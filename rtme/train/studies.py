"""What the ablations vary: each variant is a recipe with some settings changed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rtme.errors import SettingsError
from rtme.train.baselines import lbp_top, mdmd
from rtme.train.baselines.answers import Method
from rtme.train.recipe import Recipe

Kind = Literal["losses", "parts", "table"]


@dataclass(frozen=True, slots=True)
class Variant:
    """One row of a study.

    Attributes:
        name: For people, and of its folder.
        changes: Settings of the recipe that differ.
        method: A classical method instead of a recipe.
    """

    name: str
    changes: dict[str, Any] = field(default_factory=dict)
    method: Method | None = None

    @property
    def folder_name(self) -> str:
        """The name as a folder's."""
        return "-".join(
            "".join(c if c.isalnum() else " " for c in self.name.lower().replace("*", " star")).split()
        )


@dataclass(frozen=True, slots=True)
class Study:
    """Variants that are compared.

    Attributes:
        kind: Which study.
        title: For people.
        variants: Its rows, in order.
        reference: The row that the others are compared with: what the paper proposes.
        note: What a reader has to know of the rows.
    """

    kind: Kind
    title: str
    variants: tuple[Variant, ...]
    reference: str
    note: str = ""

    def only(self, names: list[str]) -> "Study":
        """The study with some of its variants.

        Raises:
            SettingsError: There is no such variant.
        """
        known = {name: one for one in self.variants for name in (one.name, one.folder_name)}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise SettingsError(
                f"no variant {', '.join(unknown)}: choose of {', '.join(v.name for v in self.variants)}"
            )
        chosen = [known[name] for name in names]
        variants = tuple(one for one in self.variants if one in chosen)
        return Study(self.kind, self.title, variants, self.reference, self.note)


_LOSSES = {"BAL": "bal", "BCE": "bce", "Smooth L1": "smooth_l1", "IoU": "iou", "MSE": "mse", "MAE": "mae"}


def study_of(kind: Kind, recipe: Recipe, rgb_data: Path | None = None) -> Study:
    """A study of a recipe.

    Args:
        kind: losses: of the locator; parts: what each part of the model brings; table: beside classical methods.
        recipe: What is varied.
        rgb_data: Parts only: the same clips, prepared with ``--input rgb``.
    """
    if kind == "losses":
        rows = (Variant(name, {"loss.locator": code}) for name, code in _LOSSES.items())
        return Study(kind, "Loss of the temporal locator", tuple(rows), "BAL")
    if kind == "parts":
        return Study(kind, "Parts of the model", tuple(_parts(recipe, rgb_data)), "full")
    without = {"model.enhancer": False, "model.regional": False}
    note = (
        "MELDAE* is our reading, without the enhancer and its regional features: the paper does not say what it leaves "
        "out. LBP-TOP and MDMD-like learn a threshold and a length from the validation clips, and have no speaker state."
    )
    rows_of_table = (
        Variant("MELDAE"),
        Variant("MELDAE*", without),
        Variant("LBP-TOP", method=lbp_top.curve),
        Variant("MDMD-like", method=mdmd.curve),
    )
    return Study(kind, "MELDAE and classical methods", rows_of_table, "MELDAE", note)


def _parts(recipe: Recipe, rgb_data: Path | None) -> list[Variant]:
    joins = {"broadcast": ("readout", "join: read-out"), "readout": ("broadcast", "join: broadcast")}
    other, joined = joins[recipe.model.join]
    variants = [
        Variant("full"),
        Variant("without enhancer", {"model.enhancer": False}),
        Variant("without regional features", {"model.regional": False}),
        Variant("without BiLSTM", {"model.lstm": False}),
        Variant(joined, {"model.join": other}),
    ]
    if rgb_data is not None:
        # A motion encoder knows nothing of rgb crops: this one begins from nothing, as that one once did.
        changes = {"model.input": "rgb", "data.store": str(rgb_data), "encoder.start": None}
        variants.append(Variant("rgb input", changes))
    return variants
