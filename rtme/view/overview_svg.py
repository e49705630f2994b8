"""All of a long recording as one line of SVG, whose minutes lead to their strips."""

from rtme.view.result import Result
from rtme.view.statistics import judged_of
from rtme.view.strips import runs, step_of, strips
from rtme.view.svg import Drawing
from rtme.view.timeline_svg import AXIS, LEFT, SPACE, SPAN, WIDTH
from rtme.view.words import clock

_FACE, _TURNS = 26.0, 8.0


def draw_overview(result: Result, prefix: str | None = "") -> str | None:
    """The picture, or None where one strip shows each part of the recording.

    Args:
        result: The recording.
        prefix: Of the strips' jump marks, see :func:`rtme.view.timeline_svg.draw_strips`; None leads nowhere.
    """
    if all(len(strips(result, epoch)) == 1 for epoch in result.epochs):
        return None
    drawing = Drawing(WIDTH, f"Overview of {result.name}: where expressions were found and who spoke when")
    y = 0.0
    for epoch in result.epochs:
        y = _Part(drawing, result, epoch).draw(y, prefix)
    return drawing.finish(y + 4)


class _Part:
    """One part of a recording: an axis, then for each face its expressions and its turns."""

    def __init__(self, drawing: Drawing, result: Result, epoch: int) -> None:
        self._drawing, self._result, self._epoch = drawing, result, epoch
        self._length_s = max(result.length_s(epoch), 1e-3)

    def draw(self, y: float, prefix: str | None) -> float:
        """Draw it from ``y`` on; where it ends."""
        grid = self._drawing.add("g")
        top, y = y, y + AXIS + 2
        if len(self._result.epochs) > 1:
            self._label(top + 12, f"part {self._result.part(self._epoch)}", "tl-face")
        for epoch, face in self._result.faces:
            if epoch == self._epoch:
                y = self._face(face, y)
        step = step_of(self._length_s)
        for number in range(int(self._length_s / step + 1e-6) + 1):
            x = self._x(number * step)
            self._drawing.add("line", grid, class_="tl-grid", x1=x, y1=top + AXIS - 4, x2=x, y2=y)
            label = clock(number * step, 0)
            self._drawing.add(
                "text", grid, label, x=x, y=top + AXIS - 8, class_="tl-tick", text_anchor="middle"
            )
        if prefix is not None:
            self._lead_to_strips(top, y, prefix)
        return y + SPACE

    def _x(self, time_s: float) -> float:
        return LEFT + SPAN * min(time_s, self._length_s) / self._length_s

    def _label(self, y: float, text: str, class_: str) -> None:
        self._drawing.add("text", text=text, x=LEFT - 6, y=y, class_=class_, text_anchor="end")

    def _block(
        self, class_: str, start_s: float, end_s: float, y: float, height: float, least: float
    ) -> None:
        left = self._x(start_s)
        width = max(self._x(end_s) - left, least)
        self._drawing.add("rect", class_=class_, x=left, y=y, width=width, height=height)

    def _face(self, face: int, y: float) -> float:
        key = self._epoch, face
        self._label(y + 20, f"face {face}", "tl-name")
        self._drawing.add("rect", class_="tl-lane", x=LEFT, y=y, width=SPAN, height=_FACE)
        curve = self._result.curve(*key)
        if curve is not None:
            for start_s, end_s in runs(curve, ~judged_of(curve)):
                if SPAN * (end_s - start_s) > self._length_s / 2:  # half a unit of the picture
                    self._block("tl-not", start_s, end_s, y, _FACE, 0.5)
        for one in self._result.report.intervals:
            if (one.epoch, one.face) == key:
                at, height = (y, 16.0) if one.type == "me" else (y + 16, _FACE - 16)
                self._block(f"tl-bar tl-{one.type}", one.onset_s, one.offset_s, at, height, 2.0)
        y += _FACE + 2
        self._drawing.add("rect", class_="tl-lane", x=LEFT, y=y, width=SPAN, height=_TURNS)
        for turn in self._result.report.speaker:
            if (turn.epoch, turn.face) == key:
                self._block(f"tl-{turn.state}", turn.start_s, turn.end_s, y, _TURNS, 0.5)
        return y + _TURNS + 6

    def _lead_to_strips(self, top: float, bottom: float, prefix: str) -> None:
        for strip in strips(self._result, self._epoch):
            link = self._drawing.add("a", href=f"#{prefix}s{strip.epoch}-{strip.number}", tabindex=-1)
            self._drawing.title(link, f"go to {clock(strip.start_s, 0)}")
            left = self._x(strip.start_s)
            width = self._x(strip.end_s) - left
            self._drawing.add("rect", link, class_="tl-go", x=left, y=top, width=width, height=bottom - top)
