"""What an engine is asked for, beside what it does."""

import operator
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rtme.trial.conditions import HALF_BITS, NOISY, SLOW, SMALL

SIZES = (1.0, 3.0)
"""Pixels of a 112-pixel face between which planted micro-expressions are asked for in real clips."""


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that is asked for.

    Attributes:
        what: In words.
        unit: Of the figures, empty for shares.
        sign: Whether more or less is better.
        asked: The bound.
        measured: None where it could not be measured.
        low: Where the true value may lie as well, None where nobody can say.
        high: Likewise.
        note: Why it was not measured, or what to know of it.
        failed: There is no figure because what was asked for did not happen.
    """

    what: str
    sign: Literal[">=", "<="]
    asked: float
    measured: float | None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    note: str = ""
    failed: bool = False

    @property
    def passed(self) -> bool | None:
        """None where it was not measured."""
        if self.measured is None:
            return False if self.failed else None
        return bool((operator.ge if self.sign == ">=" else operator.le)(self.measured, self.asked))

    def row(self) -> dict[str, Any]:
        """For a table or JSON."""
        return {**asdict(self), "passed": self.passed}


def targets(card: Mapping[str, Any]) -> list[Target]:
    """Everything that is asked for, from a card's figures."""
    return [
        *_portraits(card["sets"]["portraits"]),
        *(target for folder in card["sets"]["real"] for target in _real(folder)),
        *_state(card["sets"]),
        *_cameras(card["cameras"]),
        *_cost(card["engine"]),
    ]


def _portraits(found: Mapping[str, Any]) -> list[Target]:
    where = "animated portraits, full interference"
    return [
        Target(f"F1, {where}", ">=", 0.8, found["f1"], "", *_ends(found["f1_interval"])),
        *(
            Target(
                f"median {end} error, {where}",
                "<=",
                1.0,
                error["median"] if (error := found[f"{end}_error"]) else None,
                "frames at 30 fps",
                note="" if error else "nothing matched",
            )
            for end in ("onset", "offset")
        ),
    ]


def _real(folder: Mapping[str, Any]) -> list[Target]:
    name, plain = folder["folder"], folder["untouched"]
    alarms = Target(
        f"false alarms, {name} as it is",
        "<=",
        3.0 if folder["spoken"] else 4.0,
        plain["false_per_minute"],
        "a minute",
        *_ends(plain["false_interval"]),
        note=f"{plain['minutes']:.1f} min of {plain['people']} people: few" if plain["minutes"] < 30 else "",
    )
    if not folder["spoken"]:
        return [alarms]
    sized = folder["sized"]
    where = f"{name}, planted {SIZES[0]:g} to {SIZES[1]:g} px"
    few = f"{sized['planted']} planted, {sized['people']} people"
    speaker = folder["speaker"]
    delay = speaker["changes"]["all"]
    return [
        Target(f"F1, {where}", ">=", 0.6, sized["f1"], "", *_ends(sized["f1_interval"]), note=few),
        Target(
            f"recall, {where}", ">=", 0.6, sized["recall"], "", *_ends(sized["recall_interval"]), note=few
        ),
        alarms,
        Target(f"speaking or listening, balanced accuracy, {name}", ">=", 0.9, speaker["balanced_accuracy"]),
        Target(
            f"median delay of a change of speaker, {name}",
            "<=",
            0.5,
            delay["median_s"],
            "s",
            note=f"{delay['told']} of {delay['changes']} changes told, {delay['missed']} missed, "
            f"{delay['cut_off']} cut off by the clip's end; 90 %: {_seconds(delay['p90_s'])}",
            failed=delay["missed"] > delay["told"],
        ),
    ]


def _state(sets: Mapping[str, Any]) -> list[Target]:
    found = sets["conversations"]
    note = f"F1_S {found['speaking']['f1'] or 0:.2f}, F1_L {found['listening']['f1'] or 0:.2f}"
    return [
        Target(
            "F1_DR, synthetic conversations",
            ">=",
            0.6,
            found["f1_dr"],
            "",
            *_ends(found["f1_dr_interval"]),
            note=note,
        )
    ]


def _cameras(rows: list[Mapping[str, Any]]) -> list[Target]:
    asked = {condition.name for condition in (NOISY, HALF_BITS, SLOW, SMALL)}
    return [
        Target(
            f"loss of F1: {row['name']}",
            "<=",
            0.1,
            row["drop"],
            "",
            *_ends(row["drop_interval"]),
            note=f"F1 {row['f1'] or 0:.2f}, against {row['against_f1'] or 0:.2f} ({row['against']})",
        )
        for row in rows
        if row["name"] in asked
    ]


def _cost(engine: Mapping[str, Any]) -> list[Target]:
    return [
        Target("encoder, one crop on one core", "<=", 4.0, engine["encoder_ms"], "ms"),
        Target("the engine's files", "<=", 12.0, engine["megabytes"], "MB"),
    ]


def _ends(interval: tuple[float, float] | None) -> tuple[float | None, float | None]:
    return (None, None) if interval is None else (interval[0], interval[1])


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"
