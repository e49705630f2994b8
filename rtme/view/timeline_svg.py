"""The timeline of a recording as SVG, for a page: strips of a minute, and an overview of a long one.

Its colours are classes that a page gives meaning to (``timeline.css``).
"""

from xml.etree.ElementTree import Element

import numpy as np

from rtme.view.curves import FaceCurve, Floats
from rtme.view.report import Gap, Interval
from rtme.view.result import Result
from rtme.view.statistics import judged_of
from rtme.view.strips import Strip, runs, step_of, strip_of, strips, thin
from rtme.view.svg import Drawing, path
from rtme.view.words import GAPS, TYPES, clock

WIDTH = 1000.0
LEFT, RIGHT = 66.0, 22.0
SPAN = WIDTH - LEFT - RIGHT
SHORT = {"me": "ME", "macro": "MaE"}

_AXIS, _NAME, _SCORE, _TURNS, _POSE, _EYES, _GAPS, _SPACE = 20.0, 18.0, 72.0, 16.0, 46.0, 30.0, 12.0, 8.0
_SCORE_BINS, _POSE_BINS = 600, 150


def draw_strips(result: Result, epoch: int, prefix: str = "") -> list[str]:
    """Every strip of a part of a recording as a picture; jump marks in it begin with the prefix.

    An interval's mark is ``{prefix}t{n}`` and leads to ``{prefix}i{n}``, n its place in the report; a strip's is
    ``{prefix}s{epoch}-{number}``.
    """
    cut = strips(result, epoch)
    return [_Strip(result, cut, strip, prefix).draw() for strip in cut]


def draw_overview(result: Result, prefix: str = "") -> str | None:
    """All of a recording in one line, whose minutes lead to their strips; None where one strip shows it all."""
    parts = [(epoch, cut) for epoch in result.epochs if len(cut := strips(result, epoch)) > 1]
    if not parts:
        return None
    drawing = Drawing(WIDTH, f"Overview of {result.name}: where expressions were found and who spoke when")
    y = 0.0
    for epoch, cut in parts:
        whole = Strip(epoch, 0, 0.0, result.length_s(epoch), result.length_s(epoch))
        y = _overview_part(drawing, result, whole, cut, y, prefix)
    return drawing.finish(y + 4)


def draw_legend() -> str:
    """What the marks mean; also holds the hatching that the other pictures use."""
    drawing = Drawing(WIDTH, "Key to the timeline")
    definitions = drawing.add("defs")
    pattern = drawing.add(
        "pattern", definitions, id="tl-hatch", width=6, height=6, patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )  # fmt: skip
    drawing.add("line", pattern, class_="tl-hatching", x1=0, y1=0, x2=0, y2=6)
    x = 4.0
    for kind, name in TYPES.items():
        _band(drawing, drawing.root, kind, x, 26.0, 4.0, 22.0)
        x = _legend_text(drawing, x + 32, f"{name} ({SHORT[kind]})")
    _apex(drawing, drawing.root, x + 5, 19.0)
    x = _legend_text(drawing, x + 15, "apex")
    for state in ("speaking", "listening"):
        drawing.add("rect", class_=f"tl-{state}", x=x, y=8, width=26, height=14)
        x = _legend_text(drawing, x + 32, state)
    drawing.add("rect", class_="tl-not", x=x, y=4, width=26, height=22)
    _legend_text(drawing, x + 32, "not judged, or missing")
    x = 4.0
    for name in ("score", "threshold", "yaw", "pitch", "roll", "eyes"):
        drawing.add("line", class_=f"tl-line tl-{name}", x1=x, y1=45, x2=x + 26, y2=45)
        said = {"eyes": "distance of the eyes in pixels"}.get(name, name)
        x = _legend_text(drawing, x + 32, said, 50.0)
    return drawing.finish(60)


def _legend_text(drawing: Drawing, x: float, text: str, y: float = 20.0) -> float:
    drawing.add("text", text=text, x=x, y=y, class_="tl-key")
    return x + 6.9 * len(text) + 20


class _Strip:
    """One strip: an axis, then for each face its score, turns, head pose and eye distance, then gaps."""

    def __init__(self, result: Result, cut: list[Strip], strip: Strip, prefix: str) -> None:
        self._result, self._cut, self._strip, self._prefix = result, cut, strip, prefix
        when = f"{clock(strip.start_s, 0)} to {clock(strip.end_s, 0)}"
        self._drawing = Drawing(WIDTH, f"Timeline of {result.name}, {when}")
        self._drawing.root.set("id", f"{prefix}s{strip.epoch}-{strip.number}")

    def draw(self) -> str:
        drawing, strip = self._drawing, self._strip
        grid = drawing.add("g")
        y = _AXIS + 2
        faces = [face for epoch, face in self._result.faces if epoch == strip.epoch and self._shows(face)]
        for face in faces:
            if len(self._result.faces) > 1:
                drawing.add(
                    "text",
                    text=self._result.face_name(strip.epoch, face),
                    x=LEFT,
                    y=y + 12,
                    class_="tl-face",
                )
                y += _NAME
            y = self._face(face, y)
        if not faces:
            drawing.add("text", text="no face", x=LEFT + 8, y=y + 16, class_="tl-key")
            y += 26
        y = self._missing(y)
        self._axis(grid, y - 2)
        return drawing.finish(y)

    def _x(self, time_s: float) -> float:
        return LEFT + SPAN * (time_s - self._strip.start_s) / self._strip.width_s

    def _xs(self, time_s: Floats) -> Floats:
        return LEFT + SPAN * (time_s - self._strip.start_s) / self._strip.width_s

    def _box(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Left edge and width of a stretch, within the strip."""
        left = max(self._x(start_s), LEFT)
        return left, max(min(self._x(end_s), LEFT + SPAN) - left, 1.5)

    def _shows(self, face: int) -> bool:
        curve = self._result.curve(self._strip.epoch, face)
        first, last = self._strip.start_s, self._strip.start_s + self._strip.width_s
        seen = curve is not None and bool(((curve.time_s >= first) & (curve.time_s < last)).any())
        return seen or any(one.face == face and self._has(one) for one in self._result.report.intervals)

    def _has(self, one: Interval) -> bool:
        return one.epoch == self._strip.epoch and self._strip.meets(one.onset_s, one.offset_s)

    def _axis(self, grid: Element, bottom: float) -> None:
        strip, drawing = self._strip, self._drawing
        step = step_of(strip.width_s)
        for number in range(int(strip.width_s / step + 1e-6) + 1):
            at = strip.start_s + number * step
            if at > strip.end_s + 1e-6 and number:
                break
            x = self._x(at)
            drawing.add("line", grid, class_="tl-grid", x1=x, y1=_AXIS - 4, x2=x, y2=bottom)
            drawing.add(
                "text",
                grid,
                clock(at, 1 if step < 1 else 0),
                x=x,
                y=_AXIS - 8,
                class_="tl-tick",
                text_anchor="middle",
            )

    def _lane(self, y: float, height: float, name: str, name_y: float | None = None) -> None:
        _, width = self._box(self._strip.start_s, self._strip.end_s)
        self._drawing.add("rect", class_="tl-lane", x=LEFT, y=y, width=width, height=height)
        self._label(y + (height / 2 + 4 if name_y is None else name_y), name)

    def _label(self, y: float, text: str, class_: str = "tl-name") -> None:
        self._drawing.add("text", text=text, x=LEFT - 6, y=y, class_=class_, text_anchor="end")

    def _face(self, face: int, y: float) -> float:
        curve = self._result.curve(self._strip.epoch, face)
        y = self._score(face, curve, y)
        y = self._turns(face, y)
        if curve is not None:
            y = self._pose(curve, y)
            y = self._eyes(curve, y)
        return y + _SPACE

    def _score(self, face: int, curve: FaceCurve | None, y: float) -> float:
        drawing = self._drawing
        top, height = y + 8, _SCORE - 8
        self._lane(top, height, "score")
        self._label(top + 9, "1", "tl-tick")
        self._label(top + height, "0", "tl-tick")
        if curve is not None:
            self._not_judged(curve, top, height)
        method = self._result.report.method
        if method is not None:
            level = top + height * (1 - method.on)
            _, width = self._box(self._strip.start_s, self._strip.end_s)
            drawing.add("line", class_="tl-line tl-threshold", x1=LEFT, y1=level, x2=LEFT + width, y2=level)
        for number, one in enumerate(self._result.report.intervals):
            if one.face == face and self._has(one):
                self._interval(number, one, y, height + 8)
        if curve is not None:
            lines = [
                (self._xs(at), top + height * (1 - np.clip(of, 0, 1)))
                for at, of in thin(curve.time_s, curve.score, self._strip, _SCORE_BINS, peaks=True)
            ]
            if lines:
                drawing.add("path", class_="tl-line tl-score", d=path(lines))
        return y + _SCORE + 3

    def _interval(self, number: int, one: Interval, y: float, height: float) -> None:
        drawing = self._drawing
        link = drawing.add("a", href=f"#{self._prefix}i{number}", class_="tl-found", tabindex=-1)
        if strip_of(one.onset_s, self._cut) is self._strip:
            link.set("id", f"{self._prefix}t{number}")
        lasted = f"{1000 * (one.offset_s - one.onset_s):.0f} ms"
        drawing.title(
            link,
            f"{TYPES[one.type]}, face {one.face}, {clock(one.onset_s)} to {clock(one.offset_s)} ({lasted}), "
            f"apex {clock(one.apex_s)}, confidence {one.confidence:.2f}",
        )
        left, width = self._box(one.onset_s, one.offset_s)
        _band(drawing, link, one.type, left, max(width, 2.5), y + 8, height - 8)
        if strip_of(one.apex_s, self._cut) is self._strip:
            _apex(drawing, link, self._x(one.apex_s), y + 8)

    def _turns(self, face: int, y: float) -> float:
        drawing = self._drawing
        self._lane(y, _TURNS, "turns")
        for turn in self._result.report.speaker:
            here = (turn.epoch, turn.face) == (self._strip.epoch, face)
            if here and self._strip.meets(turn.start_s, turn.end_s):
                left, width = self._box(turn.start_s, turn.end_s)
                group = drawing.add("g")
                drawing.title(
                    group,
                    f"{turn.state}, {clock(turn.start_s)} to {clock(turn.end_s)}, confidence {turn.confidence:.2f}",
                )
                drawing.add(
                    "rect", group, class_=f"tl-{turn.state}", x=left, y=y + 1, width=width, height=_TURNS - 2
                )
                if width > 62:
                    drawing.add(
                        "text", group, turn.state, x=left + 6, y=y + 12, class_=f"tl-in tl-in-{turn.state}"
                    )
        return y + _TURNS + 3

    def _pose(self, curve: FaceCurve, y: float) -> float:
        top = self._most_turned()
        self._lane(y, _POSE, "head")
        self._label(y + 9, f"+{top:.0f}°", "tl-tick")
        self._label(y + _POSE, f"−{top:.0f}°", "tl-tick")
        middle = y + _POSE / 2
        self._drawing.add(
            "line", class_="tl-grid", x1=LEFT, y1=middle, x2=self._x(self._strip.end_s), y2=middle
        )
        for name in ("yaw", "pitch", "roll"):
            values = np.clip(getattr(curve, name), -top, top)
            lines = [
                (self._xs(at), middle - of * _POSE / 2 / top)
                for at, of in thin(curve.time_s, values, self._strip, _POSE_BINS)
            ]
            if lines:
                self._drawing.add("path", class_=f"tl-line tl-{name}", d=path(lines))
        return y + _POSE + 5

    def _most_turned(self) -> float:
        """Degrees that the pose's lane reaches to, the same for all strips."""
        turned = [
            float(np.nanmax(np.abs(values)))
            for curve in self._result.curves
            for values in (curve.yaw, curve.pitch, curve.roll)
            if np.isfinite(values).any()
        ]
        return float(np.clip(10 * np.ceil(max(turned, default=0.0) / 10), 20, 90))

    def _eyes(self, curve: FaceCurve, y: float) -> float:
        known = [c.eye_distance_px[np.isfinite(c.eye_distance_px)] for c in self._result.curves]
        top = max((float(values.max()) for values in known if len(values)), default=0.0)
        top = float(10 * np.ceil(max(1.1 * top, 1.0) / 10))
        self._lane(y, _EYES, "eyes", 25)
        self._label(y + 9, f"{top:.0f} px", "tl-tick")
        lines = [
            (self._xs(at), y + _EYES * (1 - of / top))
            for at, of in thin(curve.time_s, curve.eye_distance_px, self._strip, _POSE_BINS)
        ]
        if lines:
            self._drawing.add("path", class_="tl-line tl-eyes", d=path(lines))
        return y + _EYES

    def _not_judged(self, curve: FaceCurve, y: float, height: float) -> None:
        for start_s, end_s in runs(curve, ~judged_of(curve)):
            if self._strip.meets(start_s, end_s):
                left, width = self._box(start_s, end_s)
                self._drawing.add("rect", class_="tl-not", x=left, y=y, width=width, height=height)

    def _missing(self, y: float) -> float:
        gaps = [
            (gap, gap.start_s, gap.end_s)
            for gap in self._result.report.gaps
            if gap.epoch == self._strip.epoch and gap.start_s is not None and gap.end_s is not None
            if self._strip.meets(gap.start_s, gap.end_s)
        ]
        if not gaps:
            return y
        self._lane(y, _GAPS, "gaps")
        for gap, start_s, end_s in gaps:
            left, width = self._box(start_s, end_s)
            group = self._drawing.add("g")
            self._drawing.title(group, gap_words(gap))
            self._drawing.add("rect", group, class_="tl-not", x=left, y=y, width=width, height=_GAPS)
        return y + _GAPS + _SPACE


def gap_words(gap: Gap) -> str:
    """What is missing, and when."""
    where = ""
    if gap.start_s is not None and gap.end_s is not None:
        where = f", {clock(gap.start_s)} to {clock(gap.end_s)}"
    return f"{gap.count} {GAPS.get(gap.cause, gap.cause)}{where}"


def _band(
    drawing: Drawing, parent: Element, kind: str, x: float, width: float, y: float, height: float
) -> None:
    drawing.add("rect", parent, class_=f"tl-band tl-{kind}", x=x, y=y, width=width, height=height)
    # Told apart without colours too: a bar at the top, or at the bottom.
    edge = y if kind == "me" else y + height - 4
    drawing.add("rect", parent, class_=f"tl-bar tl-{kind}", x=x, y=edge, width=width, height=4)


def _apex(drawing: Drawing, parent: Element, x: float, y: float) -> None:
    drawing.add("path", parent, class_="tl-apex", d=f"M{x - 4.5:.1f} {y - 8:.1f}h9l-4.5 8z")


def _overview_part(
    drawing: Drawing, result: Result, whole: Strip, cut: list[Strip], y: float, prefix: str
) -> float:
    def x_of(time_s: float) -> float:
        return LEFT + SPAN * min(time_s, whole.width_s) / whole.width_s

    grid = drawing.add("g")
    top, y = y, y + _AXIS + 2
    if len(result.epochs) > 1:
        drawing.add("text", text=f"part {result.part(whole.epoch)}", x=LEFT - 6, y=top + 12, class_="tl-face",
                    text_anchor="end")  # fmt: skip
    for epoch, face in result.faces:
        if epoch != whole.epoch:
            continue
        y = _overview_face(drawing, result, whole, face, y)
    step = step_of(whole.width_s)
    for number in range(int(whole.width_s / step + 1e-6) + 1):
        x = x_of(number * step)
        drawing.add("line", grid, class_="tl-grid", x1=x, y1=top + _AXIS - 4, x2=x, y2=y)
        drawing.add(
            "text",
            grid,
            clock(number * step, 0),
            x=x,
            y=top + _AXIS - 8,
            class_="tl-tick",
            text_anchor="middle",
        )
    for strip in cut:
        link = drawing.add("a", href=f"#{prefix}s{strip.epoch}-{strip.number}", tabindex=-1)
        drawing.title(link, f"go to {clock(strip.start_s, 0)}")
        left = x_of(strip.start_s)
        drawing.add(
            "rect", link, class_="tl-go", x=left, y=top, width=x_of(strip.end_s) - left, height=y - top
        )
    return y + _SPACE


def _overview_face(drawing: Drawing, result: Result, whole: Strip, face: int, y: float) -> float:
    def x_of(time_s: float) -> float:
        return LEFT + SPAN * min(time_s, whole.width_s) / whole.width_s

    drawing.add("text", text=f"face {face}", x=LEFT - 6, y=y + 20, class_="tl-name", text_anchor="end")
    drawing.add("rect", class_="tl-lane", x=LEFT, y=y, width=SPAN, height=26)
    curve = result.curve(whole.epoch, face)
    pixel = whole.width_s / SPAN
    if curve is not None:
        for start_s, end_s in runs(curve, ~judged_of(curve)):
            if end_s - start_s > pixel / 2:
                drawing.add(
                    "rect",
                    class_="tl-not",
                    x=x_of(start_s),
                    y=y,
                    width=x_of(end_s) - x_of(start_s),
                    height=26,
                )
    for one in result.report.intervals:
        if (one.epoch, one.face) == (whole.epoch, face):
            width = max(x_of(one.offset_s) - x_of(one.onset_s), 2.0)
            at, high = (y, 16) if one.type == "me" else (y + 16, 10)
            drawing.add(
                "rect", class_=f"tl-bar tl-{one.type}", x=x_of(one.onset_s), y=at, width=width, height=high
            )
    y += 28
    drawing.add("rect", class_="tl-lane", x=LEFT, y=y, width=SPAN, height=8)
    for turn in result.report.speaker:
        if (turn.epoch, turn.face) == (whole.epoch, face):
            width = max(x_of(turn.end_s) - x_of(turn.start_s), 0.5)
            drawing.add("rect", class_=f"tl-{turn.state}", x=x_of(turn.start_s), y=y, width=width, height=8)
    return y + 14
