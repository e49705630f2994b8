"""A trial as plain data, for JSON."""

from typing import Any

from rtme.events import Mark
from rtme.trial.groups import Group, Shown, by_duration, by_pixels, by_region, wilson
from rtme.trial.outcome import RULES, Alarm, Outcome

NOTE = (
    "planted expressions are synthetic: skin moved by displacement fields. This says how the engine does with faint, known "
    "movement on this footage, not with real micro-expressions"
)
FALSE_ALARMS = "a false alarm is what was found where nothing was planted; the person may really have made it: look there"


def record(outcome: Outcome) -> dict[str, Any]:
    """Every figure, every planted expression and every false alarm; no picture, no landmark, no credentials."""
    counts, wish = outcome.counts, outcome.wish
    return {
        "source": outcome.source,
        "kind": "live" if outcome.live else "recorded",
        "engine": outcome.engine,
        "matching": str(RULES),
        "note": NOTE,
        "false_alarms_note": FALSE_ALARMS,
        "seed": wish.seed,
        "every_s": wish.every_s,
        "pixels": list(wish.pixels),
        "stretch_s": wish.stretch_s,
        "planted": {
            **counts.summary(),
            "recall_95": wilson(counts.tp, counts.truths),
            "precision_95": wilson(counts.tp, counts.found),
            "found_by_chance": outcome.by_chance,
            "in_macro": sum(one.in_macro for one in outcome.shown),
        },
        "untouched": {
            "found": len(outcome.untouched),
            "minutes": outcome.untouched_minutes,
            "false_alarms_per_minute": outcome.untouched_per_minute,
        },
        "delay_ms": outcome.delays(),
        "by_pixels": [_group(one) for one in by_pixels(outcome.shown)],
        "by_region": [_group(one) for one in by_region(outcome.shown)],
        "by_duration": [_group(one) for one in by_duration(outcome.shown)],
        "by_state": [_group(one) for one in outcome.by_state()],
        "planting": {
            "judged": outcome.judged,
            "missed": dict(outcome.missed),
            "abandoned": [one.why for one in outcome.abandoned],
            "ms_per_frame": outcome.planting_ms(),
        },
        "lost": dict(outcome.drops),
        "truth": [_shown(one) for one in outcome.shown],
        "alarms": [_alarm(one) for one in outcome.alarms],
        "notes": outcome.notes,
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "planted": group.planted,
        "found": group.found,
        "recall": group.found / group.planted if group.planted else None,
        "recall_95": wilson(group.found, group.planted),
        "onset_error_frames": group.onset,
        "offset_error_frames": group.offset,
        "false_alarms_per_minute": group.alarms_per_minute,
    }


def _at(mark: Mark) -> dict[str, float]:
    return {"frame": mark.frame, "time_s": mark.time_s}


def _shown(one: Shown) -> dict[str, Any]:
    planted, found = one.planted, one.found
    return {
        "clip": one.clip,
        "epoch": planted.epoch,
        "onset": _at(planted.onset),
        "apex": _at(planted.apex),
        "offset": _at(planted.offset),
        "action_units": list(planted.units),
        "pixels": round(planted.pixels, 2),
        "state": one.state,
        "in_macro": one.in_macro,
        "found": found and {"onset": _at(found.onset), "offset": _at(found.offset)},
    }


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "clip": alarm.clip,
        "untouched": alarm.untouched,
        "epoch": alarm.found.epoch,
        "onset": _at(alarm.found.onset),
        "offset": _at(alarm.found.offset),
        "confidence": alarm.found.confidence,
        "state": alarm.state,
    }
