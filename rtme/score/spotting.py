"""Spotting: how many intervals were found, how exactly, and how many that are not there."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from rtme.errors import DataError
from rtme.score.interval import TYPES, Interval, VideoFacts
from rtme.score.matching import Rules, match


@dataclass(frozen=True, slots=True)
class BoundaryError:
    """Found minus labelled frame over matched pairs, above 0 where found too late.

    Attributes:
        mean: Signed, in frames of the video.
        mean_abs: Without its sign.
        mean_ms: Signed, in milliseconds; None unless the frame rate of each pair's video is known.
        mean_abs_ms: Likewise, without its sign.
    """

    mean: float
    mean_abs: float
    mean_ms: float | None
    mean_abs_ms: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """A labelled interval and the found one that was matched to it.

    Attributes:
        fps: Frames per second of their video, None where unknown.
    """

    truth: Interval
    found: Interval
    fps: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts pooled over videos (F1 of single videos is never averaged), and what follows from them.

    Attributes:
        truths: Labelled intervals, m.
        found: Predictions, n.
        tp: Pairs kept by the match rule, a.
        fp: Predictions in no pair.
        fn: Labelled intervals in no pair.
        minutes: Length of all videos, None unless each is known.
        pairs: The pairs.
    """

    truths: int
    found: int
    tp: int
    fp: int
    fn: int
    minutes: float | None
    pairs: tuple[Pair, ...]

    @property
    def precision(self) -> float:
        """TP / (TP + FP), 0 where nothing was found."""
        return self.tp / (self.tp + self.fp) if self.tp else 0.0

    @property
    def recall(self) -> float:
        """TP / (TP + FN), 0 where nothing is labelled."""
        return self.tp / (self.tp + self.fn) if self.tp else 0.0

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN), 0 where nothing is labelled and nothing was found."""
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn) if self.tp else 0.0

    @property
    def false_alarms_per_minute(self) -> float | None:
        """FP a minute of video, None where the length is not known."""
        return self.fp / self.minutes if self.minutes else None

    @property
    def onset_error(self) -> BoundaryError | None:
        """Of the first frames, None without a pair."""
        return _error([(pair.found.onset - pair.truth.onset, pair.fps) for pair in self.pairs])

    @property
    def offset_error(self) -> BoundaryError | None:
        """Of the last frames, None without a pair."""
        return _error([(pair.found.offset - pair.truth.offset, pair.fps) for pair in self.pairs])

    def summary(self) -> dict[str, Any]:
        """Every figure by name, for reports and JSON."""
        onset, offset = self.onset_error, self.offset_error
        return {
            "truths": self.truths,
            "found": self.found,
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "minutes": self.minutes,
            "false_alarms_per_minute": self.false_alarms_per_minute,
            "onset_error": onset and {name: getattr(onset, name) for name in BoundaryError.__slots__},
            "offset_error": offset and {name: getattr(offset, name) for name in BoundaryError.__slots__},
        }


@dataclass(frozen=True, slots=True)
class Spotting:
    """How well intervals were spotted.

    Attributes:
        rules: How they were matched.
        me: Micro-expressions.
        mae: Macro-expressions.
        overall: The counts of both together; they are matched apart.
    """

    rules: Rules
    me: Counts
    mae: Counts
    overall: Counts


def spotting(
    truth: Sequence[Interval],
    found: Sequence[Interval],
    videos: Sequence[VideoFacts],
    rules: Rules | None = None,
) -> Spotting:
    """Count over all videos; micro- and macro-expressions are matched apart.

    Args:
        truth: Labelled intervals.
        found: Predictions.
        videos: Everything that was looked through, videos with nothing in them too: what was found there is false.
        rules: How they are matched.

    Raises:
        DataError: An interval lies in none of the videos, or a video is there twice.
    """
    rules = rules or Rules()
    facts = by_name(videos)
    refuse_strangers(truth, found, facts)
    lengths = [video.minutes for video in videos]
    minutes = None if None in lengths else sum(length for length in lengths if length is not None)
    me, mae = (
        _count(
            [one for one in truth if one.type == kind],
            [one for one in found if one.type == kind],
            facts,
            minutes,
            rules,
        )
        for kind in TYPES
    )
    overall = Counts(
        me.truths + mae.truths,
        me.found + mae.found,
        me.tp + mae.tp,
        me.fp + mae.fp,
        me.fn + mae.fn,
        minutes,
        me.pairs + mae.pairs,
    )
    return Spotting(rules, me, mae, overall)


def by_name(videos: Sequence[VideoFacts]) -> dict[str, VideoFacts]:
    """Videos by their names.

    Raises:
        DataError: A name is there twice.
    """
    facts = {video.video: video for video in videos}
    if len(facts) != len(videos):
        names = [video.video for video in videos]
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"video {twice} is there twice: give each video its own name")
    return facts


def refuse_strangers(truth: Sequence[Interval], found: Sequence[Interval], videos: Container[str]) -> None:
    """Stop at an interval outside of the videos that are scored.

    Raises:
        DataError: There is one.
    """
    for what, intervals in (("labelled", truth), ("found", found)):
        for interval in intervals:
            if interval.video not in videos:
                raise DataError(
                    f"an interval is {what} in video {interval.video}, which is not among the videos that are scored: "
                    "add it there, or leave the interval out"
                )


def _count(
    truth: list[Interval],
    found: list[Interval],
    facts: dict[str, VideoFacts],
    minutes: float | None,
    rules: Rules,
) -> Counts:
    kept = match(truth, found, rules)
    return Counts(
        truths=len(truth),
        found=len(found),
        tp=len(kept),
        fp=len(found) - len({j for _, j in kept}),
        fn=len(truth) - len({i for i, _ in kept}),
        minutes=minutes,
        pairs=tuple(Pair(truth[i], found[j], facts[truth[i].video].fps) for i, j in kept),
    )


def _error(errors: list[tuple[int, float | None]]) -> BoundaryError | None:
    if not errors:
        return None
    frames = [error for error, _ in errors]
    ms = [1000 * error / fps for error, fps in errors if fps is not None]
    known = len(ms) == len(errors)
    return BoundaryError(
        _mean(frames),
        _mean([abs(error) for error in frames]),
        _mean(ms) if known else None,
        _mean([abs(error) for error in ms]) if known else None,
    )


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
