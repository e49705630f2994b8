"""The tables of a report card, each with what one must know to read it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rtme.trial.card import Card
from rtme.trial.markdown import NONE, error, number, percent, table, with_ends
from rtme.trial.targets import SIZES

Row = Mapping[str, Any]

_UNITS = {
    "AU1": "inner brow raiser", "AU2": "outer brow raiser", "AU4": "brow lowerer", "AU5": "upper lid raiser",
    "AU6": "cheek raiser", "AU7": "lid tightener", "AU9": "nose wrinkler", "AU10": "upper lip raiser",
    "AU12": "lip corner puller", "AU14": "dimpler", "AU15": "lip corner depressor", "AU17": "chin raiser",
    "AU20": "lip stretcher",
}  # fmt: skip
_PLANTED_PARTS = {
    "displacement": "at the apex, in pixels of a 112-pixel face",
    "duration": "from first to last visible frame",
    "action unit": "one in which several units move counts for each of them",
}
_TIME_PARTS = {
    "head": "as the landmarks show it: still below 5, slow below 20 degrees a second",
    "speech": "what the person does at the time; in real clips by the sound",
    "distance of the eyes": "outer corners, in pixels of the picture",
}
_SIGNS = {
    "blink": "the eyes close",
    "mouth": "the mouth opens, closes or widens by more than 2 px",
    "brow": "the brows move by more than 1.5 px",
    "head": "the head turns faster than 10 degrees a second",
    "speech": "the person speaks, by the sound",
    "none of these": "none of these",
}
_POINTS = 10
_WHERE = {"portraits": "animated portraits", "real": "real clips, planted"}


def scores(card: Card) -> str:
    """Every set of clips."""
    sets = card["sets"]
    rows = [("animated portraits, full interference", sets["portraits"])]
    for folder in sets["real"]:
        name = folder["folder"]
        rows.append((f"{name}, planted", folder["planted"]))
        rows.append((f"{name}, of these {SIZES[0]:g} to {SIZES[1]:g} px", folder["sized"]))
        rows.append((f"{name}, untouched", folder["untouched"]))
    talks = sets["conversations"]
    for state in ("speaking", "listening"):
        rows.append((f"conversations, {state} throughout", {**talks[state], "people": talks["people"]}))
    names = ("set", "people", "min", "planted", "matched", "F1", "precision", "recall", "false a minute")
    return "\n\n".join(
        [
            "## Scores",
            table((*names, "onset", "offset"), [_score(name, found) for name, found in rows]),
            "Onset and offset: median and 90th percentile of the error of matched pairs, in frames of their clips.",
            *_sensitivities(card["sensitivities"]),
        ]
    )


def parts(card: Card) -> str:
    """Counts in parts."""
    blocks = ["## In parts"]
    for name, note in _PLANTED_PARTS.items():
        rows = _part(card["parts"][name], 1, lambda row: [f"{number(row['recall'])} ({row['planted']})"])
        columns = [f"{where}: recall (planted)" for where in _WHERE.values()]
        blocks += [f"**By {name}**: {note}", table(("", *columns), rows)]
    blocks.append(
        "A false alarm has no size, duration or action unit; it has a time, at which the head turns or the person speaks:"
    )
    figures = ("F1 (planted)", "recall", "false a minute (of min)")
    for name, note in _TIME_PARTS.items():
        columns = [f"{where}: {figure}" for where in _WHERE.values() for figure in figures]
        rows = _part(card["parts"][name], len(figures), _at_the_time)
        blocks += [f"**By {name}**: {note}", table(("", *columns), rows)]
    return "\n\n".join(blocks)


def cameras(card: Card) -> str:
    """The same performances under other conditions."""
    if not card["cameras"]:
        return ""
    people = max(row["people"] for row in card["cameras"])
    minutes = number(card["cameras"][0]["minutes"], 1)
    return "\n\n".join(
        [
            "## Cameras and light",
            f"The same performances of {people} people, full interference, {minutes} min, seen by each camera. The "
            "reference has 30 frames a second, 320×320, eyes 80 pixels apart, even light, sensor noise of 1 gray level and "
            "no compression. At low rates the shortest may fall between two frames: then there are fewer to find.",
            table(
                ("", "camera", "planted", "F1", "recall", "false a minute", "loss of F1", "against"),
                map(_camera, card["cameras"]),
            ),
        ]
    )


def speaker(card: Card) -> str:
    """Speaking or listening: how well, how late."""
    sets = {"animated portraits": card["sets"]["portraits"]["speaker"]}
    for folder in card["sets"]["real"]:
        if folder["spoken"]:
            sets[f"{folder['folder']}, untouched"] = folder["speaker"]
    states = [
        (
            name, number(found["balanced_accuracy"]), percent(found["speaking_recall"]),
            percent(found["listening_recall"]), str(found["frames"]), str(found["undecided_frames"]),
        )
        for name, found in sets.items()
    ]  # fmt: skip
    delays = [_delay(name, to, row) for name, found in sets.items() for to, row in found["changes"].items()]
    return "\n\n".join(
        [
            "## Speaking or listening",
            table(
                ("set", "balanced accuracy", "speaking told", "listening told", "frames", "undecided"), states
            ),
            "How long after a true change it is told: seconds of footage up to the newest frame that was seen then. The "
            "last column is the part that is waited by design. A change that is missed counts as told never. Cut off: the "
            "clip ended first, or its end made it be told; these do not count. The truth in real clips is the sound, and a "
            "mouth moves before it is heard.",
            table(
                ("set", "change", "changes", "told", "missed", "cut off", "median", "90 %", "by design"),
                delays,
            ),
        ]
    )


def alarms(card: Card) -> str:
    """What else happened when nothing was planted."""
    found = card["alarms"]
    n = found["alarms"]
    rows = [
        (
            _SIGNS[name], f"{row['alarms']} of {n}", percent(row["alarms"] / n if n else None),
            percent(row["share_of_time"]),
        )
        for name, row in found["with"].items()
    ]  # fmt: skip
    return "\n\n".join(
        [
            "## False alarms in real clips, and what else happened",
            f"{n} in {number(found['minutes'], 1)} min of clips in which nothing was planted. Several things may happen "
            "at once, and what is seen in alarms no more often than at any time explains none. A real "
            "micro-expression may be among them: nobody looked.",
            table(("in the middle of the alarm", "alarms", "of all alarms", "of all time"), rows),
        ]
    )


def confidence(card: Card) -> str:
    """Whether the confidence of an interval means what it says."""
    rows = [
        (
            where, f"{row['from']:.1f} to {row['to']:.1f}", str(row["found"]), str(row["right"]),
            number(row["right"] / row["found"]), number(row["confidence"]),
        )
        for name, where in _WHERE.items()
        for row in card["confidence"][name]
    ]  # fmt: skip
    blocks = [
        "## How far confidence can be trusted",
        "Were it a probability, the share that is right would be its mean.",
        table(("set", "confidence", "found", "right", "share right", "mean confidence"), rows),
    ]
    if card["curve"]:
        blocks += _curve(card["curve"])
    return "\n\n".join(blocks)


def _curve(curve: Row) -> list[str]:
    """Some ten of its points."""
    kinds, rates = list(curve["recall"]), curve["false_per_minute"]
    step = max(1, len(rates) // _POINTS)
    rows = [
        (number(rates[place], 1), *(number(curve["recall"][kind][place]) for kind in kinds))
        for place in range(0, len(rates), step)
    ]
    return [
        "Recall against false alarms, as it was when the engine's thresholds were chosen, on validation people; false "
        f"alarms in {number(curve['minutes'], 1)} min of {curve['false_alarms_in']}:",
        table(("false a minute", *(f"recall, {kind}" for kind in kinds)), rows),
    ]


def _score(name: str, found: Row) -> Sequence[str]:
    return (
        name,
        str(found["people"]),
        number(found["minutes"], 1),
        str(found["planted"]),
        str(found["matched"]),
        with_ends(found["f1"], found.get("f1_interval")),
        number(found["precision"]),
        with_ends(found["recall"], found.get("recall_interval")),
        with_ends(found["false_per_minute"], found.get("false_interval"), 1),
        error(found.get("onset_error")),
        error(found.get("offset_error")),
    )


def _sensitivities(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    lines = [
        (
            row["set"], row["sensitivity"], str(row["planted"]), number(row["f1"]), number(row["precision"]),
            number(row["recall"]), number(row["false_per_minute"], 1),
        )
        for row in rows
    ]  # fmt: skip
    names = ("set", "sensitivity", "planted", "F1", "precision", "recall", "false a minute")
    return ["A part of the same clips at each sensitivity:", table(names, lines)]


def _part(part: Mapping[str, Sequence[Row]], width: int, cells: Any) -> Iterable[Sequence[str]]:
    """A line for each part that has anything in it, portraits beside real clips."""
    names = dict.fromkeys(row["part"] for rows in part.values() for row in rows)
    for name in sorted(names, key=_unit_number):
        line: list[str] = []
        for where in _WHERE:
            row = next((one for one in part[where] if one["part"] == name), None)
            empty = row is None or not (row["planted"] or row["minutes"])
            line += [NONE] * width if empty else cells(row)
        if set(line) != {NONE}:
            yield f"{name} {_UNITS[name]}" if name in _UNITS else name, *line


def _unit_number(name: str) -> int:
    return int(name.removeprefix("AU")) if name in _UNITS else 0


def _at_the_time(row: Row) -> list[str]:
    return [
        f"{number(row['f1'])} ({row['planted']})",
        number(row["recall"]),
        f"{number(row['false_per_minute'], 1)} ({number(row['minutes'], 1)})",
    ]


def _camera(row: Row) -> Sequence[str]:
    itself = row["name"] == row["against"]
    return (
        row["group"],
        row["name"] + (f", {row['kbit_s']:.0f} kbit/s" if row["kbit_s"] is not None else ""),
        str(row["planted"]),
        number(row["f1"]),
        number(row["recall"]),
        number(row["false_per_minute"], 1),
        NONE if itself else with_ends(row["drop"], row["drop_interval"]),
        NONE if itself else row["against"],
    )


def _delay(name: str, to: str, row: Row) -> Sequence[str]:
    return (
        name,
        {"all": "any", "speaking": "begins to speak", "listening": "ceases to"}[to],
        *(str(row[key]) for key in ("changes", "told", "missed", "cut_off")),
        *(number(row[key]) for key in ("median_s", "p90_s", "algorithmic_s")),
    )
