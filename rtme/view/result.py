"""One recording's report and curves together: what a page, a picture and a notebook are made of."""

from dataclasses import dataclass, field
from pathlib import PurePath

from rtme.view.curves import FaceCurve
from rtme.view.report import Gap, Interval, Report, Turn, Unjudged


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that is shown of one recording.

    Attributes:
        report: What was found.
        curves: Of each face in each part of the recording.
    """

    report: Report
    curves: list[FaceCurve] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The recording's file name."""
        return PurePath(self.report.source).name or self.report.source

    @property
    def epochs(self) -> list[int]:
        """Parts of the recording, each with a clock of its own; at least one."""
        gaps = {gap.epoch for gap in self.report.gaps}
        return sorted({epoch for epoch, _ in self.faces} | gaps) or [0]

    @property
    def faces(self) -> list[tuple[int, int]]:
        """Epoch and identity of each face that was seen."""
        report = self.report
        told: list[Interval | Turn | Unjudged | FaceCurve] = [*report.intervals, *report.speaker]
        return sorted({(one.epoch, one.face) for one in [*told, *report.unjudged, *self.curves]})

    def curve(self, epoch: int, face: int) -> FaceCurve | None:
        """Of one face, if it has one."""
        return next((curve for curve in self.curves if (curve.epoch, curve.face) == (epoch, face)), None)

    def length_s(self, epoch: int) -> float:
        """Seconds that a part lasts, as far as anything is known of it."""
        report = self.report
        ends = [one.offset_s for one in report.intervals if one.epoch == epoch]
        ends += [one.end_s for one in report.speaker if one.epoch == epoch]
        told: list[Gap | Unjudged] = [*report.gaps, *report.unjudged]
        stretches = [one for one in told if one.epoch == epoch]
        ends += [one.end_s for one in stretches if one.end_s is not None]
        ends += [float(c.time_s[-1]) for c in self.curves if c.epoch == epoch and len(c.time_s)]
        if report.fps and self.epochs == [epoch]:
            ends.append(report.frames / report.fps)
        return max(ends, default=0.0)

    def state_of(self, interval: Interval) -> Turn | None:
        """The turn in which an interval's apex lies."""
        return next(
            (
                turn
                for turn in self.report.speaker
                if (turn.epoch, turn.face) == (interval.epoch, interval.face)
                and turn.start_s <= interval.apex_s <= turn.end_s
            ),
            None,
        )

    def face_name(self, epoch: int, face: int) -> str:
        """What a face is called; the part of the recording goes with it where there are several."""
        return f"face {face}" if len(self.epochs) == 1 else f"part {self.part(epoch)}, face {face}"

    def part(self, epoch: int) -> int:
        """A part's number for people, from 1."""
        return self.epochs.index(epoch) + 1
