"""Two files of annotations side by side: how far a person and rtme, or two people, agree.

A is taken for what is there, B for what was found; agreement (F1, kappa) is the same the other way round, the sign of
differences turns.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtme.annotations import Recording, Span
from rtme.annotations.recording import EXPRESSIONS, STATES, Kind, same_rate
from rtme.errors import DataError
from rtme.score import Interval, Rules, match
from rtme.score.agreement import Spread, kappa, spread

BOUNDARIES = ("onset", "apex", "offset")
MAX_FRAMES = 50_000_000
"""Frames with a label each of all pairs together: nine days at 60 frames per second, and 50 MB."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The same recording in both files, and for each face (None: all faces together) what either marks."""

    a: Recording
    b: Recording
    faces: tuple[int | None, ...]

    @property
    def n_frames(self) -> int:
        """Its length: what a file says, and at least up to the last frame that either marks."""
        said = [one.n_frames for one in (self.a, self.b) if one.n_frames]
        return max(
            [min(said) if said else 0, *(span.last + 1 for one in (self.a, self.b) for span in one.spans)]
        )

    @property
    def length_is_known(self) -> bool:
        """Whether a file says how long it is."""
        return bool(self.a.n_frames or self.b.n_frames)

    def spans(self, recording: Recording, face: int | None, *kinds: Kind) -> list[Span]:
        """What one of the two marks on a face."""
        return [span for span in recording.of(*kinds) if face is None or span.face == face]


@dataclass(frozen=True, slots=True)
class Agreement:
    """On one type of expression.

    Attributes:
        a: Intervals that A marks.
        b: Intervals that B marks.
        matched: Of them one to one at IoU >= 0.5.
        kappa: Over frames, inside against outside an interval; None where both mark nothing, or everything.
        frames: Differences B - A of matched pairs by boundary, in frames; None without a pair (apex: that has one in both).
        ms: Likewise in milliseconds.
    """

    a: int
    b: int
    matched: int
    kappa: float | None
    frames: dict[str, Spread | None]
    ms: dict[str, Spread | None]

    @property
    def f1(self) -> float | None:
        """2 matched / (a + b), None where neither marks any."""
        return 2 * self.matched / (self.a + self.b) if self.a + self.b else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything about two files.

    Attributes:
        pairs: Recordings that both have.
        expressions: By type, ``me`` and ``mae``.
        states_kappa: Over frames in which both mark speaking or listening; None where that is not defined.
        states_frames: How many frames those are.
        frames: Frames of all pairs; of several faces each counts.
        notes: Sentences that a reader of the figures must know.
    """

    pairs: tuple[Pair, ...]
    expressions: dict[Kind, Agreement]
    states_kappa: float | None
    states_frames: int
    frames: int
    rules: Rules
    notes: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """Every figure by name, for JSON."""
        return {
            "rules": str(self.rules),
            "recordings": [
                {"a": pair.a.source, "b": pair.b.source, "fps": pair.a.fps, "frames": pair.n_frames}
                for pair in self.pairs
            ],
            "frames": self.frames,
            "expressions": {
                kind: {
                    "a": one.a,
                    "b": one.b,
                    "matched": one.matched,
                    "f1": one.f1,
                    "kappa": one.kappa,
                    "b_minus_a_frames": {name: said and asdict(said) for name, said in one.frames.items()},
                    "b_minus_a_ms": {name: said and asdict(said) for name, said in one.ms.items()},
                }
                for kind, one in self.expressions.items()
            },
            "states": {"kappa": self.states_kappa, "frames": self.states_frames},
            "notes": list(self.notes),
        }


def compare(a: Sequence[Recording], b: Sequence[Recording]) -> Comparison:
    """Compare what two files mark.

    Where both have one recording these are compared, whatever they are called; otherwise those of the same name. Faces are
    told apart where both files have several.

    Raises:
        DataError: No recording is in both, or their frame rates differ.
    """
    rules = Rules()
    notes: list[str] = []
    pairs = _pairs(a, b, notes)
    if sum(pair.n_frames * len(pair.faces) for pair in pairs) > MAX_FRAMES:
        raise DataError(f"more than {MAX_FRAMES:,} frames: compare fewer recordings at a time")
    expressions: dict[Kind, Agreement] = {kind: _agreement(kind, pairs, rules) for kind in EXPRESSIONS}
    states = [
        (ours[both], theirs[both])
        for pair in pairs
        for face in pair.faces
        for ours, theirs in [(_states(pair, pair.a, face), _states(pair, pair.b, face))]
        for both in [(ours > 0) & (theirs > 0)]
    ]
    ours, theirs = (np.concatenate(one) for one in zip(*states, strict=True))
    notes += _warnings(pairs, expressions)
    frames = sum(pair.n_frames * len(pair.faces) for pair in pairs)
    return Comparison(tuple(pairs), expressions, kappa(ours, theirs), len(ours), frames, rules, tuple(notes))


def _pairs(a: Sequence[Recording], b: Sequence[Recording], notes: list[str]) -> list[Pair]:
    if len(a) == len(b) == 1:
        return [_pair(a[0], b[0], notes)]
    ours, theirs = (_by_name(recordings) for recordings in (a, b))
    pairs = [_pair(one, theirs[name], notes) for name, one in ours.items() if name in theirs]
    if not pairs:
        raise DataError(
            f"no recording is in both files: A has {_list(ours)}, B {_list(theirs)}; names count without folder and ending"
        )
    if alone := sorted({*ours} ^ {*theirs}):
        notes.append(f"in one file only, and left out: {_list(alone)}")
    return pairs


def _by_name(recordings: Sequence[Recording]) -> dict[str, Recording]:
    found: dict[str, Recording] = {}
    for recording in recordings:
        if found.setdefault(_name(recording), recording) is not recording:
            raise DataError(
                f"two recordings are called {_name(recording)!r} in one file: compare them one by one"
            )
    return found


def _name(recording: Recording) -> str:
    return Path(recording.source).stem.casefold()


def _list(names: Iterable[str]) -> str:
    found = [name or "one without a name" for name in names]
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")


def _pair(a: Recording, b: Recording, notes: list[str]) -> Pair:
    if not same_rate(a.fps, b.fps):
        raise DataError(
            f"A counts {a.fps:g} and B {b.fps:g} frames per second: their frames are not the same; if one is wrong, "
            "give the right one with --fps"
        )
    ours, theirs = ({span.face for span in one.spans} for one in (a, b))
    if len(ours) > 1 and len(theirs) > 1:
        return Pair(a, b, tuple(sorted(ours | theirs)))
    if len(ours) > 1 or len(theirs) > 1:
        notes.append("only one of the files tells faces apart: all faces are taken together")
    return Pair(a, b, (None,))


def _agreement(kind: Kind, pairs: Sequence[Pair], rules: Rules) -> Agreement:
    marked_a = marked_b = matched = 0
    frames: dict[str, list[float]] = {name: [] for name in BOUNDARIES}
    ms: dict[str, list[float]] = {name: [] for name in BOUNDARIES}
    inside: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]] = []
    for pair in pairs:
        for face in pair.faces:
            ours, theirs = (pair.spans(one, face, kind) for one in (pair.a, pair.b))
            kept = match(list(_intervals(ours)), list(_intervals(theirs)), rules)
            marked_a += len(ours)
            marked_b += len(theirs)
            matched += len(kept)
            for i, j in kept:
                for name, difference in _differences(ours[i], theirs[j]):
                    frames[name].append(difference)
                    ms[name].append(1000 * difference / pair.a.fps)
            inside.append((_covered(ours, pair.n_frames), _covered(theirs, pair.n_frames)))
    said, heard = (np.concatenate(one) for one in zip(*inside, strict=True))
    return Agreement(
        marked_a,
        marked_b,
        matched,
        kappa=kappa(said, heard),
        frames={name: spread(found) for name, found in frames.items()},
        ms={name: spread(found) for name, found in ms.items()},
    )


def _intervals(spans: Sequence[Span]) -> Iterator[Interval]:
    # Without scores they are matched in the order of time, so that neither file comes first.
    return (Interval("", span.first, span.last, "me") for span in spans)


def _differences(a: Span, b: Span) -> Iterator[tuple[str, int]]:
    yield "onset", b.first - a.first
    if a.apex is not None and b.apex is not None:
        yield "apex", b.apex - a.apex
    yield "offset", b.last - a.last


def _covered(spans: Sequence[Span], n_frames: int) -> NDArray[np.bool_]:
    covered = np.zeros(n_frames, bool)
    for span in spans:
        covered[span.first : span.last + 1] = True
    return covered


def _states(pair: Pair, recording: Recording, face: int | None) -> NDArray[np.int8]:
    """For each frame 1 where speaking is marked, 2 for listening, 0 for neither."""
    states = np.zeros(pair.n_frames, np.int8)
    for number, state in reversed(list(enumerate(STATES, 1))):
        for span in pair.spans(recording, face, state):
            states[span.first : span.last + 1] = number
    return states


def _warnings(pairs: Sequence[Pair], expressions: dict[Kind, Agreement]) -> Iterator[str]:
    for pair in pairs:
        name = Path(pair.a.source or pair.b.source).name or "the recording"
        if not pair.length_is_known:
            yield (
                f"neither file says how long {name} is: kappa counts frames up to the last one that is marked, and would be "
                "higher over the whole"
            )
        lengths = {one.n_frames for one in (pair.a, pair.b) if one.n_frames}
        if len(lengths) == 2:
            yield f"the files give {name} two lengths, {min(lengths)} and {max(lengths)} frames: the shorter one counts"
        a, b = pair.a.of(*EXPRESSIONS), pair.b.of(*EXPRESSIONS)
        if (
            a
            and b
            and not any(one.first <= other.last and other.first <= one.last for one in a for other in b)
        ):
            yield (
                f"no interval of A shares a frame with one of B in {name}: are they of the same recording, at the same "
                "rate?"
            )
    if all(one.f1 is None for one in expressions.values()):
        yield "neither file marks an expression: there is nothing to agree on"
    yield from sorted({one.engine_note for pair in pairs for one in (pair.a, pair.b)} - {""})
