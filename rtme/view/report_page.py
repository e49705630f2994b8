"""What ``rtme analyze`` found in one recording or several, as one HTML file that needs nothing but itself."""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from rtme.errors import SettingsError
from rtme.view.overview_svg import draw_overview
from rtme.view.page import render, style, template
from rtme.view.report import Interval
from rtme.view.result import Result
from rtme.view.statistics import Count, FaceCount, count_faces
from rtme.view.timeline_svg import SHORT, draw_legend, draw_strips, gap_words
from rtme.view.words import TYPES, clock, length
from rtme.whole import whole

PURPOSE = (
    "rtme finds short, faint movements of the face. It says nothing about emotion, deceit, intention or health, "
    "and no decision about a person may rest on it."
)

Pictures = Mapping[int, Mapping[str, bytes]]
"""JPEGs of ``onset``, ``apex`` and ``offset``, by an interval's place in the report."""


def write_page(path: Path, results: Sequence[Result], pictures: Sequence[Pictures] | None = None) -> None:
    """Write the page.

    Args:
        path: The file.
        results: Recordings, at least one.
        pictures: Of each recording; None where nobody asked for any.

    Raises:
        SettingsError: It cannot be written.
    """
    try:
        with whole(path) as draft:
            draft.write_text(render_page(results, pictures), encoding="utf-8", errors="replace")
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror}") from error


def render_page(results: Sequence[Result], pictures: Sequence[Pictures] | None = None) -> str:
    """The page as text; see :func:`write_page`."""
    several = len(results) > 1
    recordings = [
        _recording(
            result, f"r{number}-" if several else "", None if pictures is None else pictures[number - 1]
        )
        for number, result in enumerate(results, start=1)
    ]
    return render(
        template("report_page.html.j2"),
        title=f"{len(results)} recordings" if several else results[0].name,
        style=style("page.css", "report_page.css", "timeline.css"),
        written=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        notes=list(dict.fromkeys(f"{one.report.engine}: {one.report.engine_note}" for one in results)),
        purpose=PURPOSE,
        pictured=any(pictures or ()),
        legend=Markup(draw_legend()),
        recordings=recordings,
        method=results[0].report.method,
    )


def _recording(result: Result, prefix: str, pictures: Pictures | None) -> dict[str, Any]:
    report = result.report
    faces = count_faces(result)
    overview = draw_overview(result, prefix)
    return {
        "prefix": prefix,
        "name": result.name,
        "length": length(sum(result.length_s(epoch) for epoch in result.epochs)),
        "frames": f"{report.frames:,}",
        "fps": f"{report.fps:.4g}" if report.fps else None,
        "total": _total(faces),
        "counts": [row for face in faces for row in _counts(result, face)],
        "judged": [_judged(result, face) for face in faces],
        "gaps": [gap_words(gap) for gap in report.gaps],
        "warnings": report.warnings,
        "overview": Markup(overview) if overview else None,
        "parts": [
            {
                "name": f"Part {result.part(epoch)}" if len(result.epochs) > 1 else None,
                "strips": [Markup(strip) for strip in draw_strips(result, epoch, prefix)],
            }
            for epoch in result.epochs
        ],
        "intervals": [
            _interval(result, number, one, pictures) for number, one in enumerate(report.intervals)
        ],
        "pictured": bool(pictures),
        "settings": _settings(result),
    }


def _total(faces: Sequence[FaceCount]) -> dict[str, str]:
    seen, judged = (sum(getattr(face, name) for face in faces) for name in ("seen_s", "judged_s"))
    me, macro = (sum(getattr(face.states[0], kind).number for face in faces) for kind in ("me", "macro"))
    return {
        "faces": str(len(faces)),
        "me": str(me),
        "macro": str(macro),
        "judged": length(judged),
        "not_judged": _share(1 - judged / seen if seen else None),
    }


def _counts(result: Result, face: FaceCount) -> list[dict[str, Any]]:
    return [
        {
            "face": result.face_name(face.epoch, face.face),
            "rows": len(face.states),
            "first": number == 0,
            "state": state.state,
            "judged": length(state.judged_s),
            "cells": [text for count in (state.me, state.macro) for text in _count(count)],
        }
        for number, state in enumerate(face.states)
    ]


def _count(count: Count) -> list[str]:
    return [
        str(count.number),
        "—" if count.per_minute is None else f"{count.per_minute:.1f}",
        "—" if count.mean_ms is None else f"{count.mean_ms:.0f}",
    ]


def _judged(result: Result, face: FaceCount) -> dict[str, str]:
    return {
        "face": result.face_name(face.epoch, face.face),
        "seen": length(face.seen_s),
        "judged": length(face.judged_s),
        "not_judged": _share(face.not_judged),
        "why": "; ".join(f"{length(lasted)} {reason}" for reason, lasted in face.why_not.items()) or "—",
    }


def _share(part: float | None) -> str:
    if part is None:
        return "—"
    return "<1%" if 0.0005 < part < 0.01 else f"{abs(part):.0%}"


def _interval(result: Result, number: int, one: Interval, pictures: Pictures | None) -> dict[str, Any]:
    turn = result.state_of(one)
    return {
        "number": number,
        "short": SHORT[one.type],
        "type": TYPES[one.type],
        "kind": one.type,
        "face": result.face_name(one.epoch, one.face),
        "state": "not told" if turn is None else turn.state,
        "onset": clock(one.onset_s),
        "apex": clock(one.apex_s),
        "offset": clock(one.offset_s),
        "frames": f"{one.onset}, {one.apex}, {one.offset}",
        "ms": f"{1000 * (one.offset_s - one.onset_s):.0f}",
        "confidence": f"{one.confidence:.2f}",
        "pictures": [
            {
                "moment": moment,
                "src": "data:image/jpeg;base64," + base64.b64encode(picture).decode("ascii"),
            }
            for moment, picture in (pictures or {}).get(number, {}).items()
        ],
    }


def _settings(result: Result) -> dict[str, str]:
    report, method = result.report, result.report.method
    settings = {
        "recording": report.source,
        "engine": report.engine,
        "sensitivity": report.sensitivity,
    }
    if method is None:
        return settings
    return settings | {
        "score that begins an interval": f"{method.on:.2f} or more",
        "score that goes on with it": f"{method.off:.2f} or more",
        "shortest interval": f"{method.min_ms:.0f} ms",
        "longest micro-expression": f"{method.me_max_ms:.0f} ms",
        "look-ahead of intervals": f"{method.look_ahead_ms:.0f} ms",
        "look-ahead of turns": f"{method.speaker_look_ahead_ms:.0f} ms",
        "confidence": "calibrated"
        if method.calibrated
        else "the highest score: this engine is not calibrated",
        "faces followed": f"{method.faces} at most",
        "computed by": method.backend,
        "rtme": method.rtme,
    }
