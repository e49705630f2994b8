"""An engine's report card: what it finds on people it never saw, as figures."""

import os
import platform
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rtme import __version__
from rtme.data.material import Item
from rtme.data.pool import work
from rtme.engine.bundle import Bundle
from rtme.spot.rules import Sensitivity
from rtme.trial import breakdown
from rtme.trial.breakdown import Rows
from rtme.trial.conditions import Condition
from rtme.trial.cost import encoder_ms, megabytes
from rtme.trial.figures import by_state, counts, drop, reliability, scores, speaker
from rtme.trial.perform import CAMERAS, PORTRAITS, TALKS, perform, planted_name, untouched_name
from rtme.trial.plan import Job, Plan, Split, folder_of, jobs
from rtme.trial.take import RULES, Take, tally, total
from rtme.trial.targets import SIZES, targets

Tell = Callable[[str], None]
Card = dict[str, Any]
"""Plain data, as it is written in ``report.json``."""

_TELL_EVERY_S = 15.0
_DIGITS = 4

_PARTS: dict[str, Callable[[Sequence[Take]], Rows]] = {
    "action unit": breakdown.by_unit,
    "displacement": breakdown.by_pixels,
    "duration": breakdown.by_duration,
    "head": breakdown.by_head,
    "speech": breakdown.by_speech,
    "distance of the eyes": breakdown.by_eyes,
}


def measure(
    bundle: Bundle, items: Sequence[Item], split: Split, plan: Plan, workers: int, tell: Tell
) -> Card:
    """Try an engine, and put its card together.

    Args:
        bundle: The engine.
        items: Material of people it never saw.
        split: Which people these are.
        plan: How much is tried.
        workers: Processes, each with an engine of its own.
        tell: Gets lines for people.
    """
    began = time.monotonic()
    others = sensitivities(bundle)
    takes = run(bundle, jobs(items, plan, 1 + len(others)), plan, others, workers, tell)
    card = assemble(bundle, items, takes, plan.conditions)
    card["measured"] = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "rtme": __version__,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "people": split,
        "seconds": round(time.monotonic() - began, 1),
        "matching": str(RULES),
    }
    return card


def sensitivities(bundle: Bundle) -> tuple[Sensitivity, ...]:
    """The operating points that the engine has besides its normal one."""
    return tuple(bundle.manifest.sensitivity)


def run(
    bundle: Bundle, todo: Sequence[Job], plan: Plan, others: tuple[Sensitivity, ...], workers: int, tell: Tell
) -> list[Take]:
    """Do all jobs, in processes, and say how far they are."""
    frames = sum(job.frames for job in todo)
    tell(f"{len(todo)} people and clips to try, about {frames} frames, {workers} at a time")
    began = told = time.monotonic()
    done, takes = 0, []
    with closing(_results(bundle, todo, plan, others, workers)) as results:
        for number, (job, made) in enumerate(results, start=1):
            takes += made
            if not made:
                tell(f"left out: {job.item.file}, in which no face or no picture is found")
            done += job.frames
            now = time.monotonic()
            if now - told > _TELL_EVERY_S or number == len(todo):
                left_s = (now - began) / done * (frames - done)
                left = f"{left_s / 60:.0f} min" if left_s > 90 else f"{left_s:.0f} s"
                tell(f"{number} of {len(todo)}, {left} left")
                told = now
    # Workers finish in any order.
    return sorted(takes, key=lambda take: (take.kind, take.clip, take.condition, take.sensitivity or ""))


def _results(
    bundle: Bundle, todo: Sequence[Job], plan: Plan, others: tuple[Sensitivity, ...], workers: int
) -> Generator[tuple[Job, list[Take]], None, None]:
    yield from work(todo, partial(perform, str(bundle.path), plan, others), workers)


def assemble(
    bundle: Bundle, items: Sequence[Item], takes: Sequence[Take], conditions: Sequence[Condition]
) -> Card:
    """All figures, from the clips.

    Args:
        bundle: The engine.
        items: What was to be had.
        takes: What was seen and found.
        conditions: Cameras, in the order in which they are shown.
    """
    own = [take for take in takes if take.sensitivity is None]
    portraits = [take for take in own if take.kind == PORTRAITS]
    folders = list(dict.fromkeys(folder_of(item) for item in items if item.kind == "clip"))
    planted = [take for take in own if take.kind in map(planted_name, folders)]
    untouched = [take for take in own if take.kind in map(untouched_name, folders)]
    manifest = bundle.manifest
    card: Card = {
        "engine": {
            "name": manifest.name,
            "version": manifest.version,
            "licence": manifest.licence,
            "summary": manifest.summary,
            "training": manifest.training,
            "look_ahead_ms": 1000 * manifest.look_ahead / manifest.fps,
            "encoder_ms": encoder_ms(bundle),
            "megabytes": megabytes(bundle),
        },
        "sets": {
            "portraits": {**scores(portraits), "speaker": speaker(portraits)},
            "real": [_folder(folder, own) for folder in folders],
            "conversations": by_state([take for take in own if take.kind == TALKS]),
        },
        "parts": {
            name: {"portraits": _rows(part(portraits)), "real": _rows(part(planted))}
            for name, part in _PARTS.items()
        },
        "cameras": [_camera(own, condition, conditions) for condition in conditions],
        "confidence": {"portraits": reliability(portraits), "real": reliability(planted)},
        "curve": curve_of(manifest.scores.get("curve")),
        "alarms": {
            "alarms": sum(len(take.found) for take in untouched),
            "minutes": sum(take.minutes for take in untouched),
            "with": breakdown.causes(untouched),
        },
        "sensitivities": _sensitivities(takes, folders),
    }
    card = rounded(card)
    # From the rounded figures, so that nobody reads 0.8000 and "missed".
    card["targets"] = rounded([target.row() for target in targets(card)])
    return card


def rounded(value: Any) -> Any:
    """Floats to four digits, so that page and JSON say the same and two runs compare."""
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, Mapping):
        return {str(key): rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    return value


def _folder(folder: str, takes: Sequence[Take]) -> dict[str, Any]:
    """Real clips of one folder, planted and as they are."""
    planted = [take for take in takes if take.kind == planted_name(folder)]
    plain = [take for take in takes if take.kind == untouched_name(folder)]
    return {
        "folder": folder,
        "spoken": any((take.speaking <= 1).any() for take in plain),
        "planted": scores(planted),
        "sized": scores(planted, SIZES),
        "untouched": scores(plain),
        "speaker": speaker(plain),
    }


def _rows(rows: Rows) -> list[dict[str, Any]]:
    return [{"part": name, **counts(row)} for name, row in rows.items()]


def _camera(takes: Sequence[Take], condition: Condition, conditions: Sequence[Condition]) -> dict[str, Any]:
    """The same performances through one camera, beside another."""
    seen = [take for take in takes if take.kind == CAMERAS and take.condition == condition.name]
    base = [take for take in takes if take.kind == CAMERAS and take.condition == condition.against]
    rates = [take.kbit_s for take in seen if take.kbit_s is not None]
    return {
        "group": condition.group,
        "name": condition.name,
        "people": len({take.person for take in seen}),
        "kbit_s": sum(rates) / len(rates) if rates else None,
        "against": condition.against,
        **counts(total(map(tally, seen))),
        "against_f1": total(map(tally, base)).f1,
        **drop(seen, base),
    }


def curve_of(measured: Any) -> dict[str, Any] | None:
    """Recall against false alarms as the trainer wrote it into the manifest, by what it was planted in.

    Args:
        measured: ``scores.curve`` of the manifest: ``points`` with ``on``, ``false_per_minute`` and a recall for each kind
            of clips, the ``minutes`` in which false alarms were counted, and in words ``false_alarms_in`` what.

    Returns:
        None for an engine that has none.
    """
    if not isinstance(measured, Mapping) or not measured.get("points"):
        return None
    points = sorted(measured["points"], key=lambda point: point["false_per_minute"])
    kinds = [name for name in points[0] if name not in ("on", "false_per_minute")]
    return {
        "minutes": measured["minutes"],
        "false_alarms_in": measured["false_alarms_in"],
        "false_per_minute": [point["false_per_minute"] for point in points],
        "recall": {kind: [point[kind] for point in points] for kind in kinds},
    }


def _sensitivities(takes: Sequence[Take], folders: Sequence[str]) -> list[dict[str, Any]]:
    """The clips that were run at every sensitivity, at each of them."""
    kinds = [
        PORTRAITS,
        *(kind for folder in folders for kind in (planted_name(folder), untouched_name(folder))),
    ]
    names = sorted({take.sensitivity for take in takes if take.sensitivity is not None})
    wide = {(take.kind, take.clip) for take in takes if take.sensitivity is not None}
    if not names:
        return []
    rows = []
    for kind in kinds:
        some = [take for take in takes if (take.kind, take.clip) in wide and take.kind == kind]
        for name in (None, *names):
            tallies = [tally(take) for take in some if take.sensitivity == name]
            rows.append({"set": kind, "sensitivity": name or "normal", **counts(total(tallies))})
    return rows


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
