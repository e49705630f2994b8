"""What is drawn onto a picture: faces, what was found in them, and notes. For windows and videos alike.

Pictures are ``(height, width, 3)`` uint8 RGB and are drawn on in place.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rtme.traces import FaceSight
from rtme.view.opencv import cv2

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]

WHITE: Colour = (240, 240, 240)
GREY: Colour = (150, 150, 150)
BLACK: Colour = (16, 16, 16)
RED: Colour = (240, 70, 60)
GREEN: Colour = (60, 220, 110)
YELLOW: Colour = (250, 200, 60)
BLUE: Colour = (90, 170, 250)
VIOLET: Colour = (215, 130, 250)
CALM: Colour = (120, 200, 210)

STATUS: dict[str, Colour] = {"provisional": YELLOW, "confirmed": GREEN, "closed": BLUE}
"""By what is known of an interval."""
TURNS: dict[str, Colour] = {"speaking": VIOLET, "listening": CALM}

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_PX = 22.0
"""Height of capitals at scale 1."""
_GAP = 0.7
"""Between parts of a text, in heights of its capitals."""
_SMALLEST = 5.0
"""Pixels of capitals that can still be read."""


@dataclass(frozen=True, slots=True)
class Found:
    """An interval as it is known when the picture is shown.

    Attributes:
        text: What stands beside the face.
        status: How much of it is known.
    """

    text: str
    status: Literal["provisional", "confirmed", "closed"]


@dataclass(frozen=True, slots=True)
class FaceState:
    """What is known of one face when the picture is shown.

    Attributes:
        turn: Whether the person speaks; None while unknown.
        found: The interval that is open, or was closed just now.
        score: Of a micro-expression, 0..1; None where nothing is known.
    """

    turn: Literal["speaking", "listening"] | None = None
    found: Found | None = None
    score: float | None = None


UNKNOWN = FaceState()


def unit(image: Image) -> float:
    """How thick a line is, in pixels: what looks alike on a small and a large picture."""
    return max(1.0, min(image.shape[:2]) / 360)


def draw_face(image: Image, sight: FaceSight, state: FaceState = UNKNOWN, scale: float = 1.0) -> None:
    """Draw one face: its outline, its number and state above, its score below.

    Args:
        image: Drawn on.
        sight: Where the face is.
        state: What is known of it.
        scale: Pixels of ``image`` per pixel of the source that ``sight`` speaks of.
    """
    thick = unit(image)
    pen = max(1, round(thick))
    colour = GREY if not sight.judged else WHITE if state.found is None else STATUS[state.found.status]
    for line in sight.outline:
        # Sixteenths of a pixel, so that an outline does not tremble by rounding.
        points = np.round(np.array(line, np.float64) * scale * 16).astype(np.int32)
        cv2.polylines(image, [points], False, colour, pen, cv2.LINE_AA, shift=4)
    x, y, width, height = (side * scale for side in sight.box)
    if not sight.outline or state.found is not None:
        corner = round(x), round(y)
        cv2.rectangle(image, corner, (round(x + width), round(y + height)), colour, pen, cv2.LINE_AA)
    label = [(f"face {sight.face}", WHITE)]
    if not sight.judged:
        label.append(("not judged", GREY))
    elif state.turn is not None:
        label.append((state.turn, TURNS[state.turn]))
    row = text_height(image) * 1.5
    above = y - 0.5 * row
    if state.found is not None:
        draw_text(image, [(state.found.text, STATUS[state.found.status])], (x, above - row))
    draw_text(image, label, (x, above))
    if state.score is not None:
        _bar(image, (x, y + height + 4 * thick), width, 5 * thick, state.score)


def text_height(image: Image) -> float:
    """Height of capitals, pixels."""
    return max(8.0, 11 * unit(image))


def draw_text(
    image: Image,
    parts: Sequence[tuple[str, Colour]],
    at: tuple[float, float],
    *,
    height: float | None = None,
    shade: float = 0.6,
) -> None:
    """Write parts beside each other on a dark ground, moved and made smaller so far that they stand inside the picture.

    Args:
        image: Drawn on.
        parts: Words and their colours.
        at: Left end of the base line.
        height: Of the capitals; None: :func:`text_height`.
        shade: How dark the ground is, 0..1.
    """
    height = text_height(image) if height is None else height
    whole = _parts_width(parts, height)
    if whole > image.shape[1] - height:
        height = max(_SMALLEST, height * (image.shape[1] - height) / whole)
        whole = _parts_width(parts, height)
    scale, pen = height / _FONT_PX, max(1, round(height / 12))
    pad = height * 0.35
    x = min(max(at[0], pad), max(pad, image.shape[1] - whole - pad))
    y = min(max(at[1], height + pad), image.shape[0] - pad)
    darken(image, (x - pad, y - height - pad, whole + 2 * pad, height + 2 * pad), shade)
    for text, colour in parts:
        cv2.putText(image, plain(text), (round(x), round(y)), _FONT, scale, colour, pen, cv2.LINE_AA)
        x += _text_width(text, height) + _GAP * height


@lru_cache(maxsize=256)
def wrapped(text: str, width: float, height: float) -> tuple[str, ...]:
    """A note as lines that are no wider than that, where capitals have that height, pixels."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _text_width(longer, height) > width - height:
            lines.append(word)
        else:
            lines[-1] = longer
    return tuple(lines)


def darken(image: Image, box: tuple[float, float, float, float], shade: float) -> None:
    """Darken a box (x, y, width, height) by a share of 0..1."""
    x, y, width, height = box
    left, top = max(0, round(x)), max(0, round(y))
    part = image[top : max(top, round(y + height)), left : max(left, round(x + width))]
    part[:] = (part * (1 - shade)).astype(np.uint8)


@lru_cache(maxsize=1024)
def plain(text: str) -> str:
    """Text in the letters that OpenCV's font has: ``é`` becomes ``e``, what has no likeness ``?``."""
    known = {"–": "-", "—": "-", "…": "...", "×": "x", "≥": ">=", "²": "2"}
    letters = "".join(known.get(letter, letter) for letter in text)
    bare = "".join(
        letter for letter in unicodedata.normalize("NFKD", letters) if not unicodedata.combining(letter)
    )
    return "".join(letter if " " <= letter <= "~" else "?" for letter in bare)


def _parts_width(parts: Sequence[tuple[str, Colour]], height: float) -> float:
    return sum(_text_width(text, height) for text, _ in parts) + _GAP * height * (len(parts) - 1)


def _text_width(text: str, height: float) -> float:
    (width, _), _ = cv2.getTextSize(plain(text), _FONT, height / _FONT_PX, 1)
    return float(width)


def _bar(image: Image, at: tuple[float, float], width: float, height: float, score: float) -> None:
    """A bar whose length is a share of ``width``, on a dark ground."""
    y = min(at[1], image.shape[0] - height - 1)
    darken(image, (at[0], y, width, height), 0.6)
    left, top, right, bottom = (round(side) for side in (at[0], y, at[0] + width * score, y + height))
    colour = tuple(
        round(low + (high - low) * score) for low, high in zip(CALM, RED, strict=True)
    )  # from calm to red
    if right > left:
        cv2.rectangle(image, (left, top), (right, bottom), colour, cv2.FILLED)
