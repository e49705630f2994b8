"""Everything that two tables of intervals tell when they are held against each other."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rtme.errors import DataError
from rtme.score.interval import TYPES, Interval, VideoFacts
from rtme.score.matching import Rules
from rtme.score.names import with_full_names
from rtme.score.recognition import Absent, SpotThenRecognise, strs
from rtme.score.spotting import Counts, Spotting, by_name, spotting
from rtme.score.states import StateScore, f1_by_state

SHOWN = 3
KINDS = (*TYPES, "overall")


@dataclass(frozen=True, slots=True)
class Scorecard:
    """How well intervals were found.

    Attributes:
        videos: How many were scored.
        spots: Counts of all of them.
        states: Micro-expressions in clips of each state, None where no clip's state is known.
        named: Recognition by "me", "mae" and "overall", where labels and predictions name emotions; else empty.
        notes: What a reader must know of these figures.
    """

    videos: int
    spots: Spotting
    states: StateScore | None
    named: dict[str, SpotThenRecognise]
    notes: tuple[str, ...]

    def counts(self, kind: str) -> Counts:
        """Those of "me", "mae" or "overall"."""
        return {"me": self.spots.me, "mae": self.spots.mae, "overall": self.spots.overall}[kind]

    def summary(self) -> dict[str, Any]:
        """Every figure by name, for JSON."""
        return {
            "rules": asdict(self.spots.rules),
            "videos": self.videos,
            **{kind: self.counts(kind).summary() for kind in KINDS},
            "states": None
            if self.states is None
            else {
                "of": "me",
                "f1_s": self.states.f1_s,
                "f1_l": self.states.f1_l,
                "f1_dr": self.states.f1_dr,
                "speaking": self.states.speaking.summary(),
                "listening": self.states.listening.summary(),
                "clips_of_unknown_state": self.states.unknown,
            },
            "recognition": {
                kind: {
                    "strs": one.strs,
                    "f1_spot": one.f1_spot,
                    "f1_rec": one.f1_rec,
                    **one.recognition.summary(),
                    "pairs": int(one.recognition.confusion.sum() + one.recognition.unanswered.sum()),
                    "pairs_without_true_class": one.unlabelled,
                }
                for kind, one in self.named.items()
            }
            or None,
            "notes": list(self.notes),
        }


def scorecard(
    truth: Sequence[Interval],
    found: Sequence[Interval],
    videos: Sequence[VideoFacts] | None = None,
    rules: Rules | None = None,
    absent: Absent = "zero",
) -> Scorecard:
    """Score what was found.

    Predictions in videos that are not known are left out, and a note says so: nobody knows what is true there. A video in
    which nothing is labelled is known when it is among ``videos``; then what was found in it is false.

    Args:
        truth: Labelled intervals.
        found: Predictions; their videos' names may lack dataset or subject.
        videos: All that were looked through. A state that is missing is taken from the video's labels, where they
            agree. None: those that have a label.
        rules: How intervals are matched.
        absent: What a class without any matched pair counts in recognition.

    Raises:
        DataError: There is nothing to score, a label lies in no known video, or an interval lies beyond its video's end.
    """
    facts = _facts(truth, videos)
    if not facts:
        raise DataError("no label and no video to score: list the videos that were looked through")
    known = by_name(facts)
    everything = with_full_names(found, known)
    kept = [one for one in everything if one.video in known]
    for what, intervals in (("labelled", truth), ("found", kept)):
        _refuse_beyond_end(what, intervals, known)
    spots = spotting(truth, kept, facts, rules)
    named = {}
    if all(any(one.emotion is not None for one in table) for table in (truth, found)):
        for kind in KINDS:
            of_kind = [one for one in truth if kind in (one.type, "overall")]
            named[kind] = strs(getattr(spots, kind), of_kind, absent)
    return Scorecard(
        videos=len(facts),
        spots=spots,
        states=f1_by_state(truth, kept, facts, rules) if any(one.state for one in facts) else None,
        named=named,
        notes=tuple(_notes(everything, known, videos is None)),
    )


def _facts(truth: Sequence[Interval], videos: Sequence[VideoFacts] | None) -> list[VideoFacts]:
    states = defaultdict(set)
    for one in truth:
        states[one.video].add(one.state)
    return [
        replace(video, state=next(iter(states[video.video])))
        if video.state is None and len(states[video.video]) == 1
        else video
        for video in (videos if videos is not None else [VideoFacts(name) for name in list(states)])
    ]


def _refuse_beyond_end(what: str, intervals: Sequence[Interval], known: dict[str, VideoFacts]) -> None:
    for one in intervals:
        facts = known.get(one.video)
        if facts is not None and facts.n_frames is not None and one.offset >= facts.n_frames:
            raise DataError(
                f"{one.onset} to {one.offset} is {what} in video {one.video}, which has {facts.n_frames} frames, counted "
                "from 0: correct the interval, or the length in the table of videos"
            )


def _notes(found: Sequence[Interval], known: dict[str, VideoFacts], by_labels: bool) -> list[str]:
    notes = []
    if by_labels:
        notes.append(
            f"only the {len(known)} videos with a label are scored, because no table lists the videos that were looked "
            "through: false alarms in others do not count"
        )
    strangers = list(dict.fromkeys(one.video for one in found if one.video not in known))
    if strangers:
        n = sum(one.video not in known for one in found)
        names = ", ".join(strangers[:SHOWN]) + (", ..." if len(strangers) > SHOWN else "")
        notes.append(
            f"LEFT OUT: {n} predictions in {len(strangers)} videos that are not known ({names}); list these videos in the "
            "table of videos to have them counted as false"
        )
    return notes


def videos_beside(path: Path) -> Path | None:
    """The table of videos of a manifest: NAME.videos.csv beside NAME.csv, None where there is none."""
    beside = path.with_name(f"{path.stem}.videos{path.suffix}")
    return beside if beside.is_file() else None
