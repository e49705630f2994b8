from pathlib import Path

import cv2
import numpy as np

from clips import number_in
from rtme.live.thumbnails import MARGIN, thumbnails_of
from rtme.traces import FaceSight, Shown, Sight
from rtme.view.report import Interval, Report

SIDE = 320 / (1 + 2 * MARGIN)


def found(onset: int, apex: int, offset: int, epoch: int = 0, face: int = 1) -> Interval:
    seconds = {f"{name}_s": at / 30 for name, at in (("onset", onset), ("apex", apex), ("offset", offset))}
    return Interval(
        type="me", onset=onset, apex=apex, offset=offset, confidence=1, face=face, epoch=epoch, **seconds
    )


def report(*intervals: Interval) -> Report:
    return Report(source="x", fps=30, frames=90, engine="x", engine_note="", intervals=list(intervals))


def sight(frame: int, face: int = 1) -> Shown:
    """A face whose surroundings, with the margin, are as wide as the picture."""
    box = (160 - SIDE / 2, 120 - SIDE / 2, SIDE, SIDE)
    return Shown(
        Sight(
            stream="x", epoch=0, frame=frame, time_s=frame / 30, wall_ns=0, width=320, height=240,
            faces=[FaceSight(face=face, box=box, outline=[], judged=True)],
        )
    )  # fmt: skip


def number(jpeg: bytes) -> int | None:
    picture = cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    edge = len(picture) // 8
    return number_in(picture[edge:-edge])


def test_the_very_frames_are_shown_in_their_order(numbered_clip: Path) -> None:
    some = report(found(60, 62, 66), found(3, 5, 9), found(60, 61, 89))
    seen = thumbnails_of(str(numbered_clip), some, [sight(frame) for frame in range(0, 90, 6)])
    assert {
        place: [(moment, number(jpeg)) for moment, jpeg in pictures.items()]
        for place, pictures in sorted(seen.items())
    } == {
        0: [("onset", 60), ("apex", 62), ("offset", 66)],
        1: [("onset", 3), ("apex", 5), ("offset", 9)],
        2: [("onset", 60), ("apex", 61), ("offset", 89)],
    }


def test_a_face_whose_place_is_not_known_has_no_picture(numbered_clip: Path) -> None:
    some = report(found(3, 5, 60), found(3, 5, 9, face=2), found(3, 5, 9, epoch=1))
    seen = thumbnails_of(str(numbered_clip), some, [sight(4)])
    assert {place: list(pictures) for place, pictures in seen.items()} == {0: ["onset", "apex"]}


def test_nothing_found_opens_nothing() -> None:
    assert thumbnails_of("/no/such.mp4", report(), []) == {}
