"""What was found in a recording, frame by frame, as it is drawn."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from rtme.view.curves import FaceCurve, Floats
from rtme.view.opencv import cv2
from rtme.view.overlay import (
    BLUE,
    CALM,
    GREEN,
    GREY,
    STATUS,
    TURNS,
    VIOLET,
    WHITE,
    YELLOW,
    Colour,
    FaceState,
    Found,
    Image,
    draw_text,
    text_height,
    unit,
    wrapped,
)
from rtme.view.report import Interval, Report
from rtme.view.words import TYPES

SPAN_S = 10.0
"""Seconds of the curve that are seen at once, the present in the middle."""
# A face that was not looked at in a frame (a recording faster than the engine) has the score of the one before.
HOLD_S = 0.1
_BREAK_S = 0.3
_CURVES: tuple[Colour, ...] = (GREEN, YELLOW, BLUE, VIOLET, CALM)
_GROUND = 24
_LINE = 1.7
"""Height of a line of text, in heights of its capitals."""


class Course:
    """A recording's findings: what to write beside a face, and the strip with the curves of the scores.

    Args:
        report: What was found.
        curves: The faces' scores; those of epoch 0 are drawn, as a recording has no other.
    """

    def __init__(self, report: Report, curves: Iterable[FaceCurve]) -> None:
        self._report = report
        self._curves = {curve.face: curve for curve in curves if curve.epoch == 0}

    def state(self, face: int, frame: int, time_s: float) -> FaceState:
        """What is known of a face in a frame.

        Args:
            face: Identity.
            frame: 0-based frame of the recording.
            time_s: Its time.
        """
        turn = next((t for t in self._report.speaker if t.face == face and t.start <= frame <= t.end), None)
        found = next(
            (i for i in self._report.intervals if i.face == face and i.onset <= frame <= i.offset), None
        )
        return FaceState(
            turn=None if turn is None else turn.state,
            found=None if found is None else Found(_said(found, frame), "closed"),
            score=self._score(face, time_s),
        )

    def _score(self, face: int, time_s: float) -> float | None:
        curve = self._curves.get(face)
        if curve is None:
            return None
        # Times are rounded to a microsecond.
        newest = int(np.searchsorted(curve.time_s, time_s + 1e-4)) - 1
        if newest < 0 or time_s - curve.time_s[newest] > HOLD_S or np.isnan(curve.score[newest]):
            return None
        return float(curve.score[newest])

    def strip_height(self, picture: Image) -> int:
        """Rows of :meth:`strip` under this picture."""
        bands = max(1, len(self._curves)) * _band(picture)
        return round(5 * text_height(picture) * _LINE + bands + self._notes_height(picture))

    def strip(self, picture: Image, height: int, time_s: float) -> Image:
        """The curves around a moment, as wide as the picture.

        Args:
            picture: What it stands under.
            height: Rows, at least :meth:`strip_height`.
            time_s: The moment, in the middle.
        """
        width = picture.shape[1]
        canvas = np.full((height, width, 3), _GROUND, np.uint8)
        line, small = text_height(picture) * _LINE, _small(picture)
        below = height - round(self._notes_height(picture))
        floor = below - max(1, len(self._curves)) * _band(picture)
        plot = _Plot(width, floor, time_s)
        for found in self._report.intervals:
            if plot.shows(found.onset_s, found.offset_s):
                _interval(canvas, plot, found)
        for place, curve in enumerate(self._curves.values()):
            _curve(canvas, plot, curve, _CURVES[place % len(_CURVES)])
            self._turns(canvas, plot, curve.face, floor + place * _band(picture), _band(picture))
        x = round(plot.x(time_s))
        cv2.line(canvas, (x, 0), (x, below), WHITE, max(1, round(unit(picture))))
        legend = [(f"{time_s:.2f} s", WHITE), ("score 0-1", GREY)]
        if len(self._curves) > 1:
            legend += [(f"face {face}", _CURVES[n % len(_CURVES)]) for n, face in enumerate(self._curves)]
        draw_text(canvas, legend, (0, line * 0.7), height=small, shade=0.3)
        for row, note in enumerate(self._notes(picture)):
            at = 0.0, below + small * _LINE * (row + 0.9)
            draw_text(canvas, [(note, GREY)], at, height=small, shade=0.0)
        return canvas

    def _notes(self, picture: Image) -> tuple[str, ...]:
        text = f"{self._report.engine}: {self._report.engine_note}"
        return wrapped(text, picture.shape[1], _small(picture))

    def _notes_height(self, picture: Image) -> float:
        return _small(picture) * _LINE * (len(self._notes(picture)) + 0.3)

    def _turns(self, canvas: Image, plot: "_Plot", face: int, top: int, height: int) -> None:
        for turn in self._report.speaker:
            if turn.face == face and plot.shows(turn.start_s, turn.end_s):
                left, right = round(plot.x(turn.start_s)), round(plot.x(turn.end_s))
                canvas[top : top + height - 1, max(0, left) : max(0, right) + 1] = TURNS[turn.state]


class _Plot:
    """From times and scores to pixels."""

    def __init__(self, width: int, floor: int, now_s: float) -> None:
        self.floor = floor
        self._width = width
        self._begin = now_s - SPAN_S / 2

    def x(self, time_s: float) -> float:
        return (time_s - self._begin) / SPAN_S * self._width

    def y(self, score: float) -> float:
        return self.floor - 2 - score * (self.floor - 4)

    def shows(self, start_s: float, end_s: float) -> bool:
        return end_s >= self._begin and start_s <= self._begin + SPAN_S

    def part(self, curve: FaceCurve) -> slice:
        first, last = np.searchsorted(curve.time_s, [self._begin, self._begin + SPAN_S])
        return slice(max(0, int(first) - 1), int(last) + 1)


def _band(picture: Image) -> int:
    """Height of a face's band of turns."""
    return max(4, round(4 * unit(picture)))


def _small(picture: Image) -> float:
    """Height of the notes' capitals."""
    return max(6.5, text_height(picture) * 0.72)


def _said(found: Interval, frame: int) -> str:
    where = {found.offset: "OFFSET ", found.apex: "APEX ", found.onset: "ONSET "}.get(frame, "")
    return f"{where}{TYPES[found.type]} {found.onset_s:.2f}-{found.offset_s:.2f} s"


def _interval(canvas: Image, plot: _Plot, found: Interval) -> None:
    left, right = round(plot.x(found.onset_s)), round(plot.x(found.offset_s))
    part = canvas[: plot.floor, max(0, left) : max(0, right) + 1]
    part[:] = (0.65 * part + 0.35 * np.array(STATUS["closed"])).astype(np.uint8)
    x = round(plot.x(found.apex_s))
    cv2.line(canvas, (x, 0), (x, plot.floor), STATUS["closed"], 1)


def _curve(canvas: Image, plot: _Plot, curve: FaceCurve, colour: Colour) -> None:
    part = plot.part(curve)
    times, scores = curve.time_s[part], curve.score[part]
    known = ~np.isnan(scores)
    times, scores = times[known], scores[known]
    for run in _runs(times):
        points = np.array([(plot.x(times[n]), plot.y(scores[n])) for n in run])
        cv2.polylines(canvas, [np.round(points * 16).astype(np.int32)], False, colour, 1, cv2.LINE_AA, 4)


def _runs(times: Floats) -> Sequence[NDArray[np.intp]]:
    """Indices without a pause between them."""
    return np.split(np.arange(len(times)), np.flatnonzero(np.diff(times) > _BREAK_S) + 1)
