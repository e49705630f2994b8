"""What was planted and what was found, clip after clip, and the counts that follow."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtme.score import Interval, VideoFacts, spotting
from rtme.synth.truth import UNKNOWN, Truth
from rtme.view.report import Report


def planted(truth: Truth) -> list[tuple[int, int]]:
    """First and last frame of each planted micro-expression."""
    return [(i.onset, i.offset) for i in truth.intervals if i.type == "me"]


class Tables:
    """Planted and found micro-expressions of some clips.

    Attributes:
        truth: Planted ones.
        found: Found ones.
        videos: Every clip, also those with nothing in them.
    """

    def __init__(self) -> None:
        self.truth: list[Interval] = []
        self.found: list[Interval] = []
        self.videos: list[VideoFacts] = []

    def add(
        self, clip: str, fps: float, n_frames: int, planted: list[tuple[int, int]], report: Report
    ) -> None:
        """Add a clip.

        Args:
            clip: Its name, unlike any other's.
            fps: Frames per second.
            n_frames: Length.
            planted: First and last frame of each planted micro-expression.
            report: What was found in it.
        """
        self.videos.append(VideoFacts(clip, fps, n_frames))
        self.truth += [Interval(clip, onset, offset, "me") for onset, offset in planted]
        self.found += [
            Interval(clip, i.onset, i.offset, "me", score=i.confidence)
            for i in report.intervals
            if i.type == "me"
        ]

    def summary(self) -> dict[str, float | int]:
        """Counts pooled over the clips, one-to-one at IoU >= 0.5; errors in frames, lengths in minutes."""
        counts = spotting(self.truth, self.found, self.videos).me
        onset, offset = counts.onset_error, counts.offset_error
        return {
            "f1": round(counts.f1, 3),
            "precision": round(counts.precision, 3),
            "recall": round(counts.recall, 3),
            "matched": counts.tp,
            "truths": counts.truths,
            "found": counts.found,
            "false_per_minute": round(counts.false_alarms_per_minute or 0.0, 2),
            "minutes": round(counts.minutes or 0.0, 2),
            "onset_error": round(onset.mean_abs, 2) if onset else 0.0,
            "offset_error": round(offset.mean_abs, 2) if offset else 0.0,
        }


class SpeakerCount:
    """Frames by true and decided speaker state; frames that nobody knows or decided are left out."""

    def __init__(self) -> None:
        self._counts = np.zeros((2, 2), int)
        self._undecided = 0

    def add(self, truth: NDArray[np.uint8], report: Report) -> None:
        """Add a clip: ``truth`` has a frame each, 1 speaking, 0 listening, 255 unknown."""
        said = np.full(len(truth), UNKNOWN, np.uint8)
        for turn in report.speaker:
            said[turn.start : turn.end + 1] = turn.state == "speaking"
        known = truth != UNKNOWN
        self._undecided += int((known & (said == UNKNOWN)).sum())
        known &= said != UNKNOWN
        np.add.at(self._counts, (truth[known], said[known]), 1)

    def summary(self) -> dict[str, Any]:
        """Recall of each state and their mean; None where a state never was."""
        totals = self._counts.sum(1)
        recall = [float(self._counts[s, s] / totals[s]) if totals[s] else None for s in (0, 1)]
        both = [r for r in recall if r is not None]
        return {
            "balanced_accuracy": round(sum(both) / 2, 3) if len(both) == 2 else None,
            "listening_recall": None if recall[0] is None else round(recall[0], 3),
            "speaking_recall": None if recall[1] is None else round(recall[1], 3),
            "frames": int(totals.sum()),
            "undecided_frames": self._undecided,
        }
