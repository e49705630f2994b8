"""Tiers: what their names mean, which ones a recording is written to, and what is understood of anybody's."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rtme.annotations.label import Label, find_label
from rtme.annotations.recording import STATES, Kind, NoFrameRateError, Span, in_order
from rtme.annotations.timing import frames
from rtme.errors import DataError

MEANINGS: dict[str, Kind] = {
    "me": "me",
    "micro": "me",
    "micro-expression": "me",
    "mae": "mae",
    "macro": "mae",
    "macro-expression": "mae",
    "speaking": "speaking",
    "listening": "listening",
}
"""What a tier marks, by its name in lower case; every annotation in it is one."""
STATE, APEX, FRAMES = "state", "apex", "frames"
"""A tier whose values are speaking and listening; one of apexes; one that says the frames of the tier it depends on."""
_NAMES = {"me": "ME", "mae": "MaE", "speaking": STATE, "listening": STATE}
_FACE = re.compile(r"face *([0-9]{1,9})")
_LANE = re.compile(r" \([0-9]+\)$")


@dataclass(frozen=True, slots=True)
class Entry:
    """A stretch of time with a text; ``label`` is a text with its frames, where that stands elsewhere."""

    begin_ms: float
    end_ms: float
    text: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Tier:
    """A row of stretches, as other programs have it; ``participant`` says whom it is about."""

    name: str
    entries: tuple[Entry, ...] = ()
    participant: str = ""


@dataclass(frozen=True, slots=True)
class _Apex:
    frame: int
    as_written: bool


def kind_of(name: str) -> str:
    """What a tier is about: its name up to any "@", in lower case."""
    return name.partition("@")[0].strip().casefold()


def name_of(span: Span) -> str:
    """The tier that a span is written to."""
    return f"{_NAMES[span.kind]}@face{span.face}"


def tiers_of(spans: Sequence[Span], fps: float) -> list[Tier]:
    """The tiers of a recording: ``ME``, ``MaE``, ``apex`` and ``state`` of each face, without overlaps.

    Where spans of one tier overlap in time, which no program allows in one, further tiers take them: ``ME@face1 (2)``.
    """
    entries: dict[str, list[Entry]] = {}
    for span in in_order(spans):
        edges = span.edges_ms(fps)
        label = str(Label(span.first, span.apex, span.last, edges, span.confidence))
        text = span.kind if span.kind in STATES else ""
        entries.setdefault(name_of(span), []).append(Entry(*edges, text, label))
        if span.apex is not None:
            edges = span.apex_edges_ms(fps)
            said = Entry(*edges, "", str(Label(span.apex, None, span.apex, edges)))
            apexes = entries.setdefault(f"{APEX}@face{span.face}", [])
            if said not in apexes:
                apexes.append(said)
    return [tier for name, found in entries.items() for tier in _lanes(name, found)]


def _lanes(name: str, entries: list[Entry]) -> list[Tier]:
    lanes: list[list[Entry]] = []
    for entry in sorted(entries, key=lambda one: (one.begin_ms, one.end_ms)):
        free = next((lane for lane in lanes if lane[-1].end_ms <= entry.begin_ms), None)
        if free is None:
            lanes.append([entry])
        else:
            free.append(entry)
    return [
        Tier(name if number == 1 else f"{name} ({number})", tuple(lane))
        for number, lane in enumerate(lanes, 1)
    ]


@dataclass(frozen=True, slots=True)
class Choice:
    """A tier that somebody asked for by its name, and what it is to mean; None: what its name says, else ``me``."""

    name: str
    kind: Kind | None = None


def parse_choice(words: str) -> Choice:
    """``NAME`` or ``NAME=me``.

    Raises:
        DataError: The word after the last "=" is no meaning.
    """
    name, equals, meaning = words.rpartition("=")
    if not equals:
        return Choice(words)
    if meaning.casefold() not in MEANINGS:
        raise DataError(f"a tier cannot be {meaning!r}: write {name}=me, mae, speaking or listening")
    return Choice(name, MEANINGS[meaning.casefold()])


def understand(
    tiers: Sequence[Tier], fps: float | None, choices: Sequence[Choice] = ()
) -> tuple[tuple[Span, ...], list[str]]:
    """What tiers mark, and a sentence about each that says how it was read.

    Args:
        tiers: All tiers of a file.
        fps: Frames per second; None only where every entry still has the times of its label.
        choices: Read these alone, and apexes.

    Raises:
        DataError: A chosen tier is not there, or a value cannot be.
        NoFrameRateError: ``fps`` is needed.
    """
    if lacking := [one.name for one in choices if not any(_fits(one, tier.name) for tier in tiers)]:
        raise DataError(_no_tier(lacking[0], [tier.name for tier in tiers]))
    faces = _faces(tiers)
    apexes: dict[int, list[_Apex]] = {}
    for tier, face in zip(tiers, faces, strict=True):
        if kind_of(tier.name) == APEX:
            apexes.setdefault(face, []).extend(_apex(one, fps) for one in tier.entries)
    spans: list[Span] = []
    said = []
    for tier, face in zip(tiers, faces, strict=True):
        if kind_of(tier.name) == FRAMES:
            continue
        kind = _meaning(tier, choices)
        read = [_span(one, kind, face, fps, apexes) for one in tier.entries] if kind else []
        spans += [span for span in read if span is not None]
        said.append(_sentence(tier, kind, sum(span is not None for span in read)))
    return in_order(spans), said


def choose(spans: Sequence[Span], choices: Sequence[Choice]) -> tuple[tuple[Span, ...], list[str]]:
    """The same for a file that has spans already: those of the chosen tiers, which are named as they would be written.

    Raises:
        DataError: A chosen tier is not there.
    """
    names = list(dict.fromkeys(map(name_of, spans)))
    if lacking := [one.name for one in choices if not any(_fits(one, name) for name in names)]:
        raise DataError(_no_tier(lacking[0], names))
    found, said = [], []
    for name in names:
        choice = next((one for one in choices if _fits(one, name)), None)
        own = [span for span in spans if name_of(span) == name]
        if choices and choice is None:
            said.append(f"{name}: {len(own)}, not read")
            continue
        kind = None if choice is None else choice.kind
        found += own if kind is None else [replace(span, kind=kind) for span in own]
        said.append(f"{name}: {len(own)}" + ("" if kind is None else f", read as {kind}"))
    return in_order(found), said


def _no_tier(name: str, there: Sequence[str]) -> str:
    return f"no tier {name}: " + (f"it has {', '.join(there)}" if there else "it has none")


def _meaning(tier: Tier, choices: Sequence[Choice]) -> str | None:
    """A kind, ``state`` or None: not read."""
    own = kind_of(tier.name)
    named = STATE if own == STATE else MEANINGS.get(own)
    if not choices:
        return named
    choice = next((one for one in choices if _fits(one, tier.name)), None)
    return None if choice is None else choice.kind or named or "me"


def _fits(choice: Choice, name: str) -> bool:
    wanted = choice.name.casefold()
    return wanted in (name.casefold(), _LANE.sub("", name).casefold(), name.partition("@")[0].casefold())


def _span(
    entry: Entry, kind: str, face: int, fps: float | None, apexes: dict[int, list[_Apex]]
) -> Span | None:
    if kind == STATE:
        kind = next((word for word in STATES if entry.text.casefold().startswith(word)), "")
        if not kind:
            return None
    first, last = _frames(entry, fps)
    label = find_label(entry.label or entry.text)
    meant: Kind = MEANINGS[kind]
    apex = None
    if meant not in STATES:
        own = None if label is None else label.apex
        inside = [one for one in apexes.get(face, ()) if first <= one.frame <= last]
        # An apex that somebody moved or added counts more than the label; one that is as it was written is its own span's.
        fits = [one.frame for one in inside if one.frame == own] or [
            one.frame for one in inside if not one.as_written
        ]
        if not fits and own is not None and first <= own <= last:
            fits = [own]
        apex = fits[0] if fits else None
    times = (label.edges_ms[0], None, label.edges_ms[1]) if label and _unmoved(entry, label) else None
    return Span(meant, first, last, face, apex, None if label is None else label.confidence, times)


def _apex(entry: Entry, fps: float | None) -> _Apex:
    label = find_label(entry.label or entry.text)
    return _Apex(_frames(entry, fps)[0], label is not None and _unmoved(entry, label))


def _unmoved(entry: Entry, label: Label) -> bool:
    # Seconds of a TextGrid are not always to the last digit what was written.
    begin, end = label.edges_ms
    return abs(entry.begin_ms - begin) < 0.5 and abs(entry.end_ms - end) < 0.5


def _frames(entry: Entry, fps: float | None) -> tuple[int, int]:
    label = find_label(entry.label or entry.text)
    if label and label.first <= label.last and _unmoved(entry, label):
        return label.first, label.last
    if fps is None:
        raise NoFrameRateError("the frame rate is not known: give it with --fps")
    return frames(max(0.0, entry.begin_ms), max(0.0, entry.end_ms), fps)


def _faces(tiers: Sequence[Tier]) -> list[int]:
    """The face of each tier: the number in its name, else one for each participant or word after "@"."""
    found: list[int | str] = []
    for tier in tiers:
        about = _LANE.sub("", tier.name.rpartition("@")[2]) if "@" in tier.name else ""
        number = _FACE.fullmatch(about.strip().casefold())
        found.append(int(number[1]) if number else tier.participant.strip() or about.strip())
    taken = {one for one in found if isinstance(one, int)}
    numbers: dict[str, int] = {}
    for one in found:
        if isinstance(one, str) and one not in numbers:
            numbers[one] = next(n for n in range(1, len(found) + 2) if n not in taken)
            taken.add(numbers[one])
    return [numbers[one] if isinstance(one, str) else one for one in found]


def _sentence(tier: Tier, kind: str | None, read: int) -> str:
    count = len(tier.entries)
    amount = f"tier {tier.name}: {count} annotation{'' if count == 1 else 's'}"
    if kind_of(tier.name) == APEX and kind is None:
        return f"{amount}, read as apexes"
    if kind is None:
        return f"{amount}, not read"
    what = (
        "speaking and listening"
        if kind == STATE
        else {"me": "micro-expressions", "mae": "macro-expressions"}.get(kind, kind)
    )
    left = (
        ""
        if read == count
        else f", {count - read} of them with another value than speaking or listening left out"
    )
    return f"{amount}, read as {what}{left}"
