"""Training curves as Lightning logs them."""

import math
from pathlib import Path

import numpy as np
import pytest

from rtme.errors import DataError
from rtme.train.curves import Curves, read_curves
from rtme.train.pictures import over_seeds


def test_rows_of_training_and_validation_are_brought_together(tmp_path: Path) -> None:
    _log(
        tmp_path,
        "epoch,step,train_loss,val_frame_ap\n0,2,1.5,\n0,2,,0.2\n1,5,1.1,\n1,5,,0.46\n2,8,0.9,\n2,8,,0.5\n3,9,0.8,\n",
    )
    curves = read_curves(tmp_path)
    assert curves is not None
    assert curves.epochs == [0, 1, 2, 3]
    assert curves.columns["train_loss"] == [1.5, 1.1, 0.9, 0.8]
    assert curves.columns["val_frame_ap"][:3] == [0.2, 0.46, 0.5]
    assert math.isnan(curves.columns["val_frame_ap"][3])
    assert curves.best("val_frame_ap") == 0.5
    # 0.46 is the first that reaches 0.9 * 0.5
    assert curves.epochs_to(0.9) == 2
    assert curves.epochs_to(0.9, "val_acc_me") is None


def test_no_log_yet_is_no_curve_and_a_broken_one_is_said(tmp_path: Path) -> None:
    assert read_curves(tmp_path) is None
    _log(tmp_path, "epoch,step,val_loss\n0,2,none\n")
    with pytest.raises(DataError, match=r"metrics\.csv cannot be read"):
        read_curves(tmp_path)


def test_a_run_that_ended_early_keeps_its_last_value() -> None:
    runs = [
        Curves([0, 1, 2], {"val_frame_ap": [0.1, 0.2, 0.6]}),
        Curves([0, 1], {"val_frame_ap": [0.3, 0.4]}),
    ]
    mean, spread = over_seeds(runs, "val_frame_ap")
    np.testing.assert_allclose(mean, [0.2, 0.3, 0.5])
    np.testing.assert_allclose(spread, np.array([0.2, 0.2, 0.2]) / np.sqrt(2))


def _log(fold: Path, text: str) -> None:
    (fold / "log").mkdir(exist_ok=True)
    (fold / "log" / "metrics.csv").write_text(text, encoding="utf-8")
