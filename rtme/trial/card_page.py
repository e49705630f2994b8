"""A report card as a page in Markdown: every number in it stands in ``report.json`` as well."""

from collections.abc import Mapping

from rtme.trial import card_tables as tables
from rtme.trial.card import Card
from rtme.trial.markdown import number, table, with_ends

_SYNTHETIC = (
    "> **All micro-expressions in this report are SYNTHETIC**: painted into portraits and real clips at known times. It "
    "says nothing of real micro-expressions, which this engine was never tested on, and nothing of emotion, deceit or "
    "health, which no engine of this project claims to see."
)
_QUICK = "**A quick trial of few people: good for a look, not for a claim.**"
_VALIDATION = (
    "**These are people of the validation split: thresholds were chosen on them, so the figures flatter.**"
)
_READING = (
    "In brackets: 95 % confidence, by bootstrap over people, or over clips where people are few; for false alarms the exact "
    "Poisson interval. Whether a target is met goes by the figure before the brackets. F1 is one-to-one at IoU ≥ 0.5, "
    "pooled over clips."
)
_FEW = (
    "**Real clips are few**: minutes of a handful of people, most of them of one. Their intervals are wide, and those drawn "
    "over clips do not tell how another person would fare."
)
_NEVER = (
    "Real micro-expressions. No licensed footage of them was at hand. All that was to be found here was painted into the "
    "pictures by displacement fields, the same kind that the engine may have learned from.",
    "Real webcams and IP cameras: noise, compression, frame rates and light were put onto rendered clips.",
    "Conversation as it comes: the real clips are short and staged.",
    "Glasses, beards, masks, make-up, hands before the face and strong turns of the head, other than by chance.",
    "Whether it serves all people equally: nobody labelled these by age, sex or skin, and they are no sample of mankind.",
)


def page(card: Card, pictures: Mapping[str, str]) -> str:
    """The page.

    Args:
        card: All figures.
        pictures: File beside the page by what it shows; see :mod:`rtme.trial.card_pictures`.
    """
    parts = [
        *_head(card),
        *_targets(card),
        f"![F1, precision and recall of each set]({pictures['scores']})",
        tables.scores(card),
        *_material(card),
        tables.parts(card),
        f"![recall by size, duration and action unit]({pictures['parts']})",
        tables.cameras(card),
        f"![F1 by camera and light]({pictures['cameras']})" if card["cameras"] else "",
        tables.speaker(card),
        tables.alarms(card),
        tables.confidence(card),
        f"![share of right intervals by confidence]({pictures['confidence']})",
        "## What it was never tested on",
        "\n".join(f"- {line}" for line in _NEVER),
        *_how(card),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(card: Card) -> list[str]:
    engine, measured, targets = card["engine"], card["measured"], card["targets"]
    met, missed = (sum(target["passed"] is so for target in targets) for so in (True, False))
    rest = len(targets) - met - missed
    return [
        f"# Report card: {engine['name']} {engine['version']}",
        _SYNTHETIC,
        _QUICK if measured["quick"] else "",
        _VALIDATION if measured["people"] == "validation" else "",
        f"What it is: {engine['summary']} Licence: {engine['licence']}.",
        f"**{met} of {len(targets)} targets met, {missed} missed{f', {rest} not measured' if rest else ''}.**",
    ]


def _targets(card: Card) -> list[str]:
    signs = {">=": "≥", "<=": "≤"}
    results = {True: "met", False: "**missed**", None: "not measured"}
    rows = [
        (
            target["what"],
            f"{signs[target['sign']]} {target['asked']:g} {target['unit']}".strip(),
            with_ends(target["measured"], (target["low"], target["high"])),
            results[target["passed"]],
            target["note"],
        )
        for target in card["targets"]
    ]
    return ["## What was asked for", table(("", "asked", "measured", "result", "note"), rows), _READING]


def _material(card: Card) -> list[str]:
    sets, training = card["sets"], card["engine"]["training"]
    split = card["measured"]["people"]
    seen = [f"{sets['portraits']['people']} people in animated portraits"]
    for folder in sets["real"]:
        plain = folder["untouched"]
        seen.append(
            f"{plain['people']} in {plain['clips']} real clips of `{folder['folder']}` ({number(plain['minutes'], 1)} min)"
        )
    learned = training.get("people")
    people = [f"{count} {name}" for name, count in learned.items()] if isinstance(learned, Mapping) else []
    lines = [
        f"**Seen for this report**: {', '.join(seen)}, all of the {split} split: by its table of "
        "people, the engine never learned from them.",
        _FEW,
        f"**Learned from**: {training.get('material', 'its manifest does not say')}"
        + (f"; people by split: {', '.join(people)}" if people else "")
        + ". `rtme engine info` shows the recipe.",
    ]
    return ["## Data and people", "\n".join(f"- {line}" for line in lines)]


def _how(card: Card) -> list[str]:
    measured = card["measured"]
    return [
        "## How this was measured",
        f"`{measured['command']}`, rtme {measured['rtme']}, {measured['when'][:10]}, {measured['seconds'] / 60:.1f} min on "
        f"{measured['cores']} cores of {measured['processor']}. Every clip went through the whole live path "
        "(`rtme.analyze`). What happens in a clip follows from the name of its file, so the same command shows any "
        "engine the same clips. "
        f"Matching: {measured['matching']}. All figures: [report.json](report.json).",
    ]
