"""The tables of a study say who won, by how much, and on what."""

import csv
import json
from pathlib import Path

import pytest

from rtme.train.curves import Curves
from rtme.train.results import Row, cell, verdict, write_results
from rtme.train.studies import Study, Variant

FACTS = {
    "label": "SYNTHETIC clips; not comparable with figures of real micro-expressions",
    "material": "clips, 30 slots/s",
    "test": "4 clips with 3 micro-expressions",
    "seeds": "2 (7 to 8)",
    "matching": "one_to_one, IoU >= 0.5",
}
STUDY = Study(
    "losses", "Loss of the temporal locator", (Variant("BAL"), Variant("BCE"), Variant("MAE")), "BAL"
)


def row(name: str, f1: list[float], epochs: list[float]) -> Row:
    figures = {
        seed: {"f1": one, "frame_ap": one / 2, "epochs_to_90": n}
        for seed, (one, n) in enumerate(zip(f1, epochs, strict=True), 7)
    }
    curves = [Curves([0, 1], {"val_frame_ap": [0.1, one], "val_frame_f1": [0.2, one]}) for one in f1]
    return Row(name, figures, curves)


def test_mean_and_standard_deviation_by_hand() -> None:
    # mean of 0.4 and 0.6, and the root of ((-0.1)^2 + 0.1^2) / (2 - 1)
    assert cell(row("BAL", [0.4, 0.6], [2, 3]), "f1") == "0.500 ± 0.141"
    assert cell(row("BAL", [0.4, 0.6], [2, 3]), "epochs_to_90") == "2.5 ± 0.7"
    assert cell(row("BAL", [0.4], [2]), "f1") == "0.400"
    assert cell(row("BAL", [0.4], [2]), "acc_state") == "—"


def test_it_says_that_another_loss_won_and_that_it_is_no_accident() -> None:
    rows = [
        row("BAL", [0.50, 0.52], [3, 3]),
        row("BCE", [0.60, 0.62], [2, 2]),
        row("MAE", [0.2, 0.3], [2, 2]),
    ]
    f1, _, first = verdict(STUDY, rows)
    assert f1 == (
        "F1 (ME): BCE has the highest mean, 0.610 ± 0.014; BAL is 2nd of 3 with 0.510 ± 0.014. The difference, 0.100, "
        "exceeds the larger of the two standard deviations, 0.014; BCE is ahead with 2 of 2 seeds."
    )
    assert first == (
        "Convergence: BCE and MAE reach 90 % of their own best validation frame AP first, after 2.0 ± 0.0 epochs; "
        "BAL after 3.0 ± 0.0."
    )


def test_it_says_that_a_lead_is_within_the_spread() -> None:
    rows = [row("BAL", [0.5, 0.7], [2, 2]), row("MAE", [0.2, 0.3], [3, 3]), row("BCE", [0.6, 0.5], [3, 3])]
    f1 = verdict(STUDY, rows)[0]
    assert f1.startswith("F1 (ME): BAL has the highest mean, 0.600 ± 0.141; BCE is 2nd of 3")
    assert "0.050, does not exceed the larger of the two standard deviations, 0.141" in f1
    assert f1.endswith("BAL is ahead with 1 of 2 seeds.")


def test_one_seed_says_nothing_about_chance() -> None:
    f1 = verdict(STUDY, [row("BAL", [0.5], [2]), row("BCE", [0.4], [2])])[0]
    assert f1.endswith("The difference, 0.100, is of one run each: it says nothing about chance.")


def test_files_hold_every_run_and_what_it_was_measured_on(tmp_path: Path) -> None:
    failed = Row("MAE", {}, (), None, {7: "the loss is not a number"})
    rows = [row("BAL", [0.5, 0.7], [2, 2]), row("BCE", [0.6, 0.5], [3, 3]), failed]
    text = write_results(STUDY, rows, FACTS, tmp_path)
    assert text == (tmp_path / "ablation.md").read_text(encoding="utf-8")
    assert "| BAL | 2 | 0.600 ± 0.141 |" in text
    assert "FAILED: MAE, seed 7: the loss is not a number" in text
    for said in FACTS.values():
        assert said in text
    with (tmp_path / "ablation.csv").open(encoding="utf-8") as file:
        runs = list(csv.DictReader(file))
    assert [(one["variant"], one["seed"], one["f1"]) for one in runs] == [
        ("BAL", "7", "0.5"),
        ("BAL", "8", "0.7"),
        ("BCE", "7", "0.6"),
        ("BCE", "8", "0.5"),
    ]
    content = json.loads((tmp_path / "ablation.json").read_text(encoding="utf-8"))
    assert content["label"] == FACTS["label"]
    assert content["variants"][0]["mean"]["f1"] == pytest.approx(0.6)
    assert content["variants"][2]["failed"] == {"7": "the loss is not a number"}
    assert (tmp_path / "curves.png").stat().st_size > 10_000
