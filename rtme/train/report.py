"""All runs below a folder as one HTML page, that needs nothing but itself, and as a picture."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from rtme import __version__
from rtme.errors import DataError, RtmeError, SettingsError
from rtme.score import Rules
from rtme.train.curves import Curves, read_curves
from rtme.train.evaluate import RunScore, evaluate_runs, figures_of, read_decoder
from rtme.train.outcome import Outcome
from rtme.train.pictures import curves_svg, draw_page, folds_svg
from rtme.train.plan import folds_of
from rtme.train.results import COLUMNS
from rtme.train.runs import Run, is_done, read_fold_json, write_text
from rtme.view.page import render, style

_ALWAYS = ("f1", "precision", "recall", "acc_me", "acc_state", "f1_s", "f1_l", "f1_dr", "frame_ap")
_WITH_MACRO = ("f1_mae", "f1_overall")
_FOLD_COLUMNS = (
    "fold",
    "tested",
    "clips",
    "ME",
    "found",
    "F1 (ME)",
    "Acc_ME",
    "Acc_State",
    "on",
    "off",
    "p_ME",
    "epochs",
    "best",
    "time",
)
_SYNTHETIC = "SYNTHETIC material: these figures say nothing of real micro-expressions, and stand beside no published ones."


@dataclass(slots=True)
class _Fold:
    name: str
    folder: Path | None
    done: Mapping[str, Any] | None = None
    people: Mapping[str, Any] = field(default_factory=dict)
    outcome: Outcome | None = None
    curves: Curves | None = None


@dataclass(slots=True)
class _Seen:
    """One run as the page shows it."""

    name: str
    run: Run
    folds: list[_Fold]
    score: RunScore | None
    why: str = ""

    @property
    def finished(self) -> int:
        return sum(fold.done is not None for fold in self.folds)

    @property
    def settings(self) -> dict[str, Any]:
        return _flat(self.run.recipe.model_dump(mode="json"))

    @property
    def kind(self) -> str:
        """Equal for runs that differ in their seed only."""
        return json.dumps(
            {name: value for name, value in self.settings.items() if name not in ("seed", "name")}
        )

    @property
    def curves(self) -> list[Curves]:
        return [fold.curves for fold in self.folds if fold.curves is not None]

    def figure(self, name: str) -> float | None:
        return self.score.figures.get(name) if self.score is not None else None


def write_report(folder: Path, html: Path | None, png: Path | None, rules: Rules | None = None) -> int:
    """Write the report of a folder.

    Args:
        folder: A run's, or one with runs below it.
        html: The page; None writes none.
        png: The picture; None draws none.
        rules: How found and labelled intervals are matched, the same for all runs.

    Returns:
        How many runs it shows.

    Raises:
        SettingsError: There is no run in the folder.
        DataError: A file of a run cannot be read, or the report cannot be written.
    """
    rules = rules or Rules()
    runs = [_see(folder, path.parent, rules) for path in sorted(folder.rglob("recipe.yaml"))]
    if not runs:
        raise SettingsError(
            f"{folder} holds no run (no recipe.yaml at any depth): train one with `rtme train`"
        )
    groups, shown = _groups(runs), _shown(runs)
    if html is not None:
        write_text(html, _render(_page(folder, runs, groups, rules)))
    if png is not None:
        values = {
            name: [value for run in some if (value := run.figure("f1")) is not None]
            for name, some in groups.items()
        }
        curves = {name: [curve for run in some for curve in run.curves] for name, some in groups.items()}
        table = [
            [name, *(_spread([run.figure(key) for run in some]) for key in shown)]
            for name, some in groups.items()
        ]
        title = "\n".join(
            [f"{_title(folder)}: {len(runs)} run{'' if len(runs) == 1 else 's'}", *_labels(runs)]
        )
        draw_page(title, [_rule(rules)], values, curves, _columns(shown), table, png)
    return len(runs)


def _see(root: Path, folder: Path, rules: Rules) -> _Seen:
    run = Run(folder)
    name = str(folder.relative_to(root)) if folder != root else folder.resolve().name
    folds = _folds(run)
    score, why = None, ""
    if any(fold.outcome is not None and fold.outcome.clips for fold in folds):
        try:
            score = evaluate_runs([run], rules, partial=True).runs[0]
        except DataError as error:
            why = str(error)
    elif any(fold.done is not None for fold in folds):
        why = "nobody is left to be tested on: see `rtme eval --data`"
    return _Seen(name, run, folds, score, why)


def _folds(run: Run) -> list[_Fold]:
    try:
        names = [fold.name for fold in folds_of(run.store(), run.recipe)]
    except RtmeError:
        # The material may lie elsewhere by now: what was begun can be shown all the same.
        names = []
    begun = {folder.name: folder for folder in run.folds()}
    folds = []
    for name in names:
        folds.append(_Fold(name, begun.pop(run.fold(name).name, None)))
    folds += [_Fold(folder.name, folder) for folder in begun.values()]
    for fold in folds:
        if fold.folder is not None:
            fold.people = read_fold_json(fold.folder / "fold.json")
            fold.curves = read_curves(fold.folder)
            if is_done(fold.folder):
                fold.done = read_fold_json(fold.folder / "done.json")
                fold.outcome = Outcome.read(fold.folder)
    return folds


def _page(root: Path, runs: list[_Seen], groups: Mapping[str, list[_Seen]], rules: Rules) -> dict[str, Any]:
    differing, shown = _differing(runs), _shown(runs)
    best = {
        key: max((value for run in runs if (value := run.figure(key)) is not None), default=None)
        for key in shown
    }
    return {
        "title": _title(root),
        "style": style("page.css"),
        "version": __version__,
        "written": datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        "labels": _labels(runs),
        "rule": _rule(rules),
        "unfinished": sum(run.finished < len(run.folds) or not run.folds for run in runs),
        "columns": _columns(shown),
        "fold_columns": _FOLD_COLUMNS,
        "differing": differing,
        "groups": [
            {
                "name": name,
                "seeds": len(some),
                "cells": [_spread([run.figure(key) for run in some]) for key in shown],
            }
            for name, some in groups.items()
        ]
        if any(len(some) > 1 for some in groups.values())
        else [],
        "picture": curves_svg(
            {name: [c for run in some for c in run.curves] for name, some in groups.items()}
        ),
        "runs": [_run(run, differing, shown, best if len(runs) > 1 else {}, rules) for run in runs],
    }


def _run(
    seen: _Seen,
    differing: Sequence[str],
    shown: Sequence[str],
    best: Mapping[str, float | None],
    rules: Rules,
) -> dict[str, Any]:
    seconds = sum(_seconds(fold) for fold in seen.folds)
    cells = []
    for key in shown:
        value = seen.figure(key)
        cells.append({"text": _number(value), "best": bool(value) and value == best.get(key)})
    return {
        "name": seen.name,
        "seed": seen.run.recipe.seed,
        "summary": seen.run.recipe.summary,
        "open": seen.finished < len(seen.folds) or not seen.folds,
        "folds_text": f"{seen.finished} of {len(seen.folds)}" if seen.folds else "not begun",
        "time": _duration(seconds),
        "cells": cells,
        "settings": [_text(seen.settings.get(name)) for name in differing],
        "material": _material(seen),
        "folds": [_fold(fold, seen, rules) for fold in seen.folds],
        "subjects": [] if seen.score is None else [one.model_dump() for one in seen.score.subjects],
        "notes": [*(seen.score.notes if seen.score is not None else ()), *([seen.why] if seen.why else ())],
        "picture": folds_svg(seen.curves),
        "recipe": seen.run.recipe.to_yaml(),
    }


def _fold(fold: _Fold, seen: _Seen, rules: Rules) -> dict[str, Any]:
    tested = fold.people.get("people", {}).get("test", [])
    if fold.folder is None or fold.done is None or fold.outcome is None:
        logged = "" if fold.curves is None else f" after {len(fold.curves.epochs)} epochs"
        state = "not begun" if fold.folder is None else f"unfinished{logged}"
        return {"name": f"{fold.name}: {state}", "open": True, "cells": [""] * (len(_FOLD_COLUMNS) - 1)}
    outcome, decoder = fold.outcome, read_decoder(fold.folder)
    figures = figures_of(outcome, rules, seen.run.recipe) if outcome.clips else {}
    return {
        "name": fold.name,
        "open": False,
        "cells": [
            tested[0] if len(tested) == 1 else f"{len(tested)} people",
            len(outcome.clips),
            sum(one.type == "me" for one in outcome.truth),
            sum(one.type == "me" for one in outcome.found),
            *(_number(figures.get(key)) for key in ("f1", "acc_me", "acc_state")),
            f"{decoder.intervals.on:.2f}",
            f"{decoder.intervals.off:.2f}",
            f"{decoder.p_me:.2f}",
            fold.done.get("epochs", "—"),
            fold.done.get("best_epoch", "—"),
            _duration(_seconds(fold)),
        ],
    }


def _material(seen: _Seen) -> str:
    if seen.score is None:
        return seen.why or "No fold is done yet: there are no figures."
    score = seen.score
    kinds = {"synthetic": "SYNTHETIC material", "recorded": "recorded material"}
    return (
        f"{kinds[score.material]} in {seen.run.recipe.data.store}; tested on {score.clips} clips of "
        f"{len(score.subjects)} people, {score.minutes:g} minutes, {score.truths.get('me', 0)} micro-expressions."
    )


def _labels(runs: list[_Seen]) -> list[str]:
    return (
        [_SYNTHETIC]
        if any(run.score is not None and run.score.material == "synthetic" for run in runs)
        else []
    )


def _rule(rules: Rules) -> str:
    return f"Matching of intervals: {rules}."


def _title(root: Path) -> str:
    return f"Runs in {root.resolve().name}"


def _shown(runs: list[_Seen]) -> list[str]:
    """The figures of the page; those of macro-expressions where a run looks for them."""
    macro = [key for key in _WITH_MACRO if any(run.figure(key) is not None for run in runs)]
    return [*_ALWAYS, *macro]


def _columns(shown: list[str]) -> list[str]:
    return [COLUMNS[key] for key in shown]


def _groups(runs: list[_Seen]) -> dict[str, list[_Seen]]:
    """Runs that differ in their seed only, by the folder that they share, or else the first one's name."""
    by_kind: dict[str, list[_Seen]] = {}
    for run in runs:
        by_kind.setdefault(run.kind, []).append(run)
    groups: dict[str, list[_Seen]] = {}
    for some in by_kind.values():
        parents = {run.run.folder.parent for run in some}
        shared = str(Path(some[0].name).parent)
        alone = len(some) == 1 or len(parents) > 1 or shared == "."
        name = some[0].name if alone else shared
        groups[name if name not in groups else some[0].name] = some
    return groups


def _differing(runs: list[_Seen]) -> list[str]:
    names = dict.fromkeys(name for run in runs for name in run.settings)
    return [name for name in names if len({_text(run.settings.get(name)) for run in runs}) > 1]


def _flat(content: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in content.items():
        flat |= _flat(value, f"{at}{name}.") if isinstance(value, dict) else {f"{at}{name}": value}
    return flat


def _seconds(fold: _Fold) -> float:
    return float(sum((fold.done or {}).get("seconds", {}).values()))


def _spread(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "—"
    return _number(mean(known)) + (f" ± {_number(stdev(known))}" if len(known) > 1 else "")


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _text(value: object) -> str:
    return "—" if value is None else str(value)


def _duration(seconds: float) -> str:
    if not seconds:
        return "—"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _render(page: Mapping[str, Any]) -> str:
    text = (resources.files("rtme.train") / "report.html.j2").read_text(encoding="utf-8")
    return render(text, page=page)
