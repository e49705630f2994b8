"""Several sources as one picture: each with its faces, what was found in them and how it does."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rtme.traces import Shown, Sight
from rtme.view.opencv import cv2
from rtme.view.overlay import (
    GREY,
    RED,
    WHITE,
    FaceState,
    Found,
    Image,
    darken,
    draw_face,
    draw_text,
    text_height,
    wrapped,
)
from rtme.view.scene import FaceNow, Scene, SourceNow
from rtme.view.words import TYPES

MOST = 16
"""Sources that are shown; of the others it is said how many there are."""
_NOTE_SHARE = 0.72
_LINE = 1.7


@dataclass(frozen=True, slots=True)
class Size:
    """Pixels."""

    width: int
    height: int


def compose(
    scene: Scene, names: Sequence[str], pictures: Mapping[str, Shown], size: Size, note: str
) -> Image:
    """One picture of everything, RGB.

    Args:
        scene: How things are.
        names: The sources, in the order of their tiles.
        pictures: The newest picture of each, as far as there is one: a sight with its JPEG.
        size: Of the whole.
        note: What must be said of what is shown, such as what the engine learned from; it stands below.
    """
    canvas = np.full((size.height, size.width, 3), 24, np.uint8)
    small = max(7.0, text_height(canvas) * _NOTE_SHARE)
    told = names[:MOST]
    if len(names) > len(told):
        note = f"and {len(names) - len(told)} more sources. {note}"
    lines = wrapped(note, size.width, small)
    room = size.height - round(small * _LINE * (len(lines) + 0.3))
    columns = math.ceil(math.sqrt(len(told))) or 1
    rows = math.ceil(len(told) / columns) or 1
    wide, high = size.width // columns, room // rows
    for place, name in enumerate(told):
        top, left = place // columns * high, place % columns * wide
        part = canvas[top : top + high - 2, left : left + wide - 2]
        _tile(part, scene.source(name), pictures.get(name))
    for row, line in enumerate(lines):
        at = 0.0, room + small * _LINE * (row + 0.9)
        draw_text(canvas, [(line, GREY)], at, height=small, shade=0.0)
    return canvas


def _tile(part: Image, source: SourceNow, shown: Shown | None) -> None:
    faces = {face.face: face for face in source.faces}
    if shown is not None and isinstance(shown.message, Sight) and shown.picture is not None:
        picture = cv2.imdecode(np.frombuffer(shown.picture, np.uint8), cv2.IMREAD_COLOR_RGB)
        scale = min(part.shape[1] / picture.shape[1], part.shape[0] / picture.shape[0])
        width, height = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        view = np.ascontiguousarray(cv2.resize(picture, (width, height), interpolation=way))
        for sight in shown.message.faces:
            face = faces.get(sight.face)
            state = FaceState() if face is None else _state(face)
            draw_face(view, sight, state, width / shown.message.width)
        left, top = (part.shape[1] - width) // 2, (part.shape[0] - height) // 2
        part[top : top + height, left : left + width] = view
    if not source.well:
        # An old picture must not be taken for what is there now.
        darken(part, (0, 0, part.shape[1], part.shape[0]), 0.6)
    drawn = np.ascontiguousarray(part)
    line = text_height(drawn) * _LINE
    draw_text(drawn, [(source.name, WHITE), *_health(source)], (0, line))
    if not source.well:
        words = f"{source.state or 'connecting'}: {source.detail}" if source.detail else source.state
        for row, text in enumerate(wrapped(words or "connecting", drawn.shape[1], text_height(drawn))):
            draw_text(drawn, [(text, RED)], (0, drawn.shape[0] / 2 + row * line))
    part[:] = drawn


def _health(source: SourceNow) -> list[tuple[str, tuple[int, int, int]]]:
    health = source.health
    if health is None or not source.well:
        return []
    parts = [(f"{health.fps:.0f} fps", WHITE)]
    took = health.system_ms or health.pipeline_ms
    if took is not None:
        parts.append((f"{took.p50:.0f}/{took.p95:.0f} ms", WHITE))
    if lost := sum(health.drops.values()):
        parts.append((f"{lost} lost", RED))
    return parts


def _state(face: FaceNow) -> FaceState:
    found = None
    if (interval := face.interval) is not None and interval.status != "retracted":
        text = f"{TYPES[interval.type]} {interval.status}"
        if interval.status == "closed":
            text += f" {1000 * (interval.offset.time_s - interval.onset.time_s):.0f} ms"
        found = Found(text, interval.status)
    return FaceState(turn=face.turn, found=found, score=face.score)
