"""The outcome of a study as tables, a picture and a sentence that says who won."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from rtme.train.curves import Curves
from rtme.train.pictures import draw_study
from rtme.train.runs import write_json, write_text
from rtme.train.studies import Study

Figures = Mapping[str, float | None]

COLUMNS = {
    "f1": "F1 (ME)",
    "precision": "precision",
    "recall": "recall",
    "acc_me": "Acc_ME",
    "acc_state": "Acc_State",
    "f1_s": "F1_S",
    "f1_l": "F1_L",
    "f1_dr": "F1_DR",
    "frame_ap": "frame AP",
    "f1_mae": "F1 (MaE)",
    "f1_overall": "F1 (ME and MaE)",
    "val_frame_ap": "best val. frame AP",
    "epochs_to_90": "epochs to 90 %",
}
"""Figures of a run and their names in tables."""

_OF_KIND = {
    "losses": ("f1", "precision", "recall", "acc_me", "acc_state", "f1_dr", "frame_ap", "epochs_to_90"),
    "parts": ("f1", "precision", "recall", "acc_me", "acc_state", "f1_dr", "frame_ap", "epochs_to_90"),
    "table": ("acc_me", "acc_state", "f1_s", "f1_l", "f1_dr", "f1", "precision", "recall", "frame_ap"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A variant and what came of it.

    Attributes:
        name: The variant's.
        figures: Of each seed that is complete, by seed; None where a figure does not exist.
        curves: Training curves of these runs; none of a classical method.
        about: What else is said of it in JSON.
        failed: Seeds that failed, and why.
    """

    name: str
    figures: Mapping[int, Figures]
    curves: Sequence[Curves] = ()
    about: Mapping[str, Any] | None = None
    failed: Mapping[int, str] | None = None

    def known(self, figure: str) -> list[float]:
        """A figure's values over the seeds."""
        return [value for one in self.figures.values() if (value := one.get(figure)) is not None]

    def mean(self, figure: str) -> float | None:
        """Mean over the seeds, None where no run has it."""
        values = self.known(figure)
        return mean(values) if values else None

    def spread(self, figure: str) -> float | None:
        """Standard deviation over the seeds (of a sample), None with fewer than two."""
        values = self.known(figure)
        return stdev(values) if len(values) > 1 else None


def write_results(study: Study, rows: Sequence[Row], facts: Mapping[str, str], out: Path) -> str:
    """Write ``ablation.json``, ``.csv``, ``.md`` and ``curves.png`` into a study's folder.

    Args:
        study: Which.
        rows: In the study's order.
        facts: What the figures were made on and how they were counted; every output says it.
        out: The study's folder.

    Returns:
        The Markdown.

    Raises:
        DataError: Something cannot be written.
    """
    columns = _OF_KIND[study.kind]
    sentences = verdict(study, rows)
    text = markdown(study, rows, facts, columns, sentences)
    write_text(out / "ablation.md", text)
    write_text(out / "ablation.csv", _csv(rows))
    write_json(out / "ablation.json", _content(study, rows, facts, sentences))
    drawn = {row.name: row.curves for row in rows if row.curves}
    if drawn:
        notes = [f"{name}: {said}" for name, said in facts.items() if name in ("material", "test", "seeds")]
        notes.append(
            "a line is the mean over seeds, its band one standard deviation; slots are counted one by one"
        )
        draw_study(drawn, f"{study.title}\n{facts['label']}", notes, out / "curves.png")
    return text


def markdown(
    study: Study,
    rows: Sequence[Row],
    facts: Mapping[str, str],
    columns: Sequence[str],
    sentences: Sequence[str],
) -> str:
    """The table for people: mean ± standard deviation over seeds, with what they were measured on."""
    lines = [f"# {study.title}", "", f"**{facts['label']}**", ""]
    lines += ["| variant | seeds | " + " | ".join(COLUMNS[name] for name in columns) + " |"]
    lines += ["|---|--:|" + "--:|" * len(columns)]
    for row in rows:
        cells = (cell(row, name) for name in columns)
        lines.append(f"| {row.name} | {len(row.figures)} | " + " | ".join(cells) + " |")
    lines += ["", *(f"- {sentence}" for sentence in sentences), ""]
    lines += [f"- {name}: {said}" for name, said in facts.items() if name != "label"]
    if study.note:
        lines += [f"- {study.note}"]
    for row in rows:
        lines += [f"- FAILED: {row.name}, seed {seed}: {why}" for seed, why in (row.failed or {}).items()]
    return "\n".join(lines) + "\n"


def cell(row: Row, figure: str) -> str:
    """A figure of a row as text."""
    value, spread = row.mean(figure), row.spread(figure)
    if value is None:
        return "—"
    digits = 1 if figure == "epochs_to_90" else 3
    return f"{value:.{digits}f}" + ("" if spread is None else f" ± {spread:.{digits}f}")


def verdict(study: Study, rows: Sequence[Row]) -> list[str]:
    """Who won, whether or not it is what the paper proposes, and whether the lead exceeds the seeds' spread."""
    figure = "f1_dr" if study.kind == "table" else "f1"
    sentences = [_winner(rows, figure, study.reference)]
    if study.kind != "table":
        sentences.append(_winner(rows, "frame_ap", study.reference))
        sentences.append(_first(rows, study.reference))
    return [sentence for sentence in sentences if sentence]


def _winner(rows: Sequence[Row], figure: str, reference: str) -> str:
    ranked = sorted(
        (row for row in rows if row.mean(figure) is not None), key=lambda row: -(row.mean(figure) or 0.0)
    )
    if len(ranked) < 2:
        return ""
    best, *others = ranked
    # The reference is what a reader asks for; where it leads itself, the next one is.
    rival = next((row for row in others if row.name == reference), others[0])
    lead = (best.mean(figure) or 0.0) - (rival.mean(figure) or 0.0)
    if lead <= 0:
        return f"{COLUMNS[figure]}: {best.name} and {rival.name} are level at {cell(best, figure)}."
    text = f"{COLUMNS[figure]}: {best.name} has the highest mean, {cell(best, figure)}"
    place = ranked.index(rival) + 1
    text += f"; {rival.name} is {_ordinal(place)} of {len(ranked)} with {cell(rival, figure)}. "
    spreads = [value for row in (best, rival) if (value := row.spread(figure)) is not None]
    if not spreads:
        return text + f"The difference, {lead:.3f}, is of one run each: it says nothing about chance."
    largest = max(spreads)
    exceeds = "exceeds" if lead > largest else "does not exceed"
    text += f"The difference, {lead:.3f}, {exceeds} the larger of the two standard deviations, {largest:.3f}"
    shared = sorted(set(best.figures) & set(rival.figures))
    won = sum(_value(best, seed, figure) > _value(rival, seed, figure) for seed in shared)
    return text + (f"; {best.name} is ahead with {won} of {len(shared)} seeds." if len(shared) > 1 else ".")


def _first(rows: Sequence[Row], reference: str) -> str:
    ranked = sorted(
        (row for row in rows if row.mean("epochs_to_90") is not None),
        key=lambda row: row.mean("epochs_to_90") or 0.0,
    )
    if len(ranked) < 2:
        return ""
    earliest = ranked[0].mean("epochs_to_90")
    firsts = [row for row in ranked if row.mean("epochs_to_90") == earliest]
    names = " and ".join(row.name for row in firsts)
    text = f"Convergence: {names} reach{'es' if len(firsts) == 1 else ''} 90 % of {'its' if len(firsts) == 1 else 'their'} "
    text += f"own best validation frame AP first, after {cell(firsts[0], 'epochs_to_90')} epochs"
    rival = next((row for row in ranked if row.name == reference and row not in firsts), None)
    return text + (f"; {reference} after {cell(rival, 'epochs_to_90')}." if rival else ".")


def _value(row: Row, seed: int, figure: str) -> float:
    value = row.figures[seed].get(figure)
    return -math.inf if value is None else value


def _ordinal(place: int) -> str:
    endings = {1: "1st", 2: "2nd", 3: "3rd"}
    return endings.get(place, f"{place}th")


def _csv(rows: Sequence[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["variant", "seed", *COLUMNS])
    for row in rows:
        for seed, figures in row.figures.items():
            values = (figures.get(name) for name in COLUMNS)
            writer.writerow([row.name, seed, *("" if v is None else round(v, 6) for v in values)])
    return buffer.getvalue()


def _content(
    study: Study, rows: Sequence[Row], facts: Mapping[str, str], sentences: Sequence[str]
) -> dict[str, Any]:
    return {
        "study": study.kind,
        "title": study.title,
        **facts,
        "note": study.note,
        "verdict": list(sentences),
        "variants": [
            {
                "name": row.name,
                "about": dict(row.about or {}),
                "mean": {name: row.mean(name) for name in COLUMNS},
                "sd": {name: row.spread(name) for name in COLUMNS},
                "runs": [{"seed": seed, **dict(figures)} for seed, figures in row.figures.items()],
                "failed": {str(seed): why for seed, why in (row.failed or {}).items()},
            }
            for row in rows
        ],
    }
