"""How well intervals were found. Intervals are ``(onset, offset)``, inclusive frames of one video."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Interval = tuple[int, int]


def iou(a: Interval, b: Interval) -> float:
    """Intersection over union of two inclusive frame ranges, 0 where they do not touch."""
    shared = min(a[1], b[1]) - max(a[0], b[0]) + 1
    if shared <= 0:
        return 0.0
    return shared / (max(a[1], b[1]) - min(a[0], b[0]) + 1)


def match(
    truth: Sequence[Interval], found: Sequence[Interval], threshold: float = 0.5
) -> list[tuple[int, int]]:
    """One-to-one matching: each prediction, in order, takes its best-IoU free ground truth.

    Args:
        truth: Ground-truth intervals of one video.
        found: Predicted intervals of the same video, in the order in which they may choose.
        threshold: A pair counts at this IoU or above.

    Returns:
        Pairs of indices (truth, found).
    """
    free = set(range(len(truth)))
    pairs = []
    for prediction, interval in enumerate(found):
        best = max(sorted(free), key=lambda index: iou(truth[index], interval), default=None)
        if best is not None and iou(truth[best], interval) >= threshold:
            free.remove(best)
            pairs.append((best, prediction))
    return pairs


@dataclass(slots=True)
class SpottingScore:
    """Counts pooled over videos (per-video F1 is never averaged), and what follows from them.

    Attributes:
        matched: Predictions that found a ground truth.
        truths: Ground-truth intervals.
        found: Predictions.
        frames: Frames looked at.
        fps: Frames per second.
        onset_errors: Signed frames, prediction minus truth, of each matched pair.
        offset_errors: Likewise.
    """

    matched: int = 0
    truths: int = 0
    found: int = 0
    frames: int = 0
    fps: float = 30.0
    onset_errors: list[int] = field(default_factory=list)
    offset_errors: list[int] = field(default_factory=list)

    def add(
        self, truth: Sequence[Interval], found: Sequence[Interval], frames: int, threshold: float = 0.5
    ) -> None:
        """Count one video of ``frames`` frames."""
        pairs = match(truth, found, threshold)
        self.matched += len(pairs)
        self.truths += len(truth)
        self.found += len(found)
        self.frames += frames
        self.onset_errors += [found[p][0] - truth[t][0] for t, p in pairs]
        self.offset_errors += [found[p][1] - truth[t][1] for t, p in pairs]

    @property
    def precision(self) -> float:
        """Matched share of the predictions, 0 where there are none."""
        return self.matched / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Matched share of the ground truth, 0 where there is none."""
        return self.matched / self.truths if self.truths else 0.0

    @property
    def f1(self) -> float:
        """2 * matched / (truths + found), 0 where both are 0."""
        total = self.truths + self.found
        return 2 * self.matched / total if total else 0.0

    @property
    def false_per_minute(self) -> float:
        """Predictions that match nothing, per minute of video."""
        return (self.found - self.matched) / (self.frames / self.fps / 60) if self.frames else 0.0

    def summary(self) -> dict[str, float | int]:
        """The figures a report prints; errors are mean absolute frames."""
        return {
            "f1": round(self.f1, 3),
            "precision": round(self.precision, 3),
            "recall": round(self.recall, 3),
            "matched": self.matched,
            "truths": self.truths,
            "found": self.found,
            "false_per_minute": round(self.false_per_minute, 2),
            "minutes": round(self.frames / self.fps / 60, 2),
            "onset_error": round(_mean_absolute(self.onset_errors), 2),
            "offset_error": round(_mean_absolute(self.offset_errors), 2),
        }


def _mean_absolute(errors: Iterable[int]) -> float:
    sizes = [abs(error) for error in errors]
    return sum(sizes) / len(sizes) if sizes else 0.0
