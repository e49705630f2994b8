"""How training went, epoch by epoch, from a fold's ``log/metrics.csv``."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from rtme.errors import DataError
from rtme.train.runs import Run


@dataclass(frozen=True, slots=True)
class Curves:
    """What was logged of one fold.

    Attributes:
        epochs: In order.
        columns: By name (``val_frame_ap`` and so on): a value for each epoch, NaN where none was logged.
    """

    epochs: list[int]
    columns: dict[str, list[float]]

    def best(self, name: str) -> float | None:
        """The highest value, None where there is none."""
        known = [value for value in self.columns.get(name, ()) if not math.isnan(value)]
        return max(known) if known else None

    def epochs_to(self, share: float, name: str = "val_frame_ap") -> int | None:
        """How many epochs it took to reach a share of the best value; 1 is the first."""
        best = self.best(name)
        if best is None:
            return None
        values = self.columns[name]
        return next(n for n, value in enumerate(values, 1) if value >= share * best)


def curves_of(run: Run) -> list[Curves]:
    """The curves of a run's folds, of those that have any.

    Raises:
        DataError: A fold's cannot be read.
    """
    return [curves for fold in run.folds() if (curves := read_curves(fold)) is not None]


def read_curves(fold: Path) -> Curves | None:
    """The curves of a fold's folder, None where no epoch was logged yet.

    Raises:
        DataError: The file cannot be read.
    """
    path = fold / "log" / "metrics.csv"
    if not path.is_file():
        return None
    found: dict[int, dict[str, float]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("epoch"):
                    epoch = found.setdefault(int(float(row["epoch"])), {})
                    epoch.update(
                        {name: float(text) for name, text in row.items() if text and name != "epoch"}
                    )
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{path} cannot be read ({error}): remove the fold's folder and train it again"
        ) from error
    if not found:
        return None
    epochs = sorted(found)
    names = dict.fromkeys(name for epoch in epochs for name in found[epoch])
    return Curves(epochs, {name: [found[epoch].get(name, math.nan) for epoch in epochs] for name in names})
