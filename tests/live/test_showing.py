"""Traces and previews of a running service, over its socket."""

import threading
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtme.bus.watching import Onlooker
from rtme.events import HeartbeatEvent
from rtme.live.service import Live
from rtme.traces import Shown, Sight, Trace


def look_on(live: Live, previews: bool) -> tuple[list[Shown], list[HeartbeatEvent]]:
    """What an onlooker gets of a service until it is over, and its heartbeats."""
    found: list[Shown] = []
    over = threading.Event()

    def look() -> None:
        assert live.address
        with Onlooker(live.address, previews=previews) as onlooker:
            while not over.is_set():
                if (shown := onlooker.receive(0.2)) is not None:
                    found.append(shown)

    with live:
        thread = threading.Thread(target=look)
        thread.start()
        beats = [event for event in live if isinstance(event, HeartbeatEvent)]
        over.set()
        thread.join()
    return found, beats


@pytest.mark.parametrize("workers", [0, 1])
def test_a_preview_shows_the_frame_and_where_its_face_is(clip: Path, engine: str, workers: int) -> None:
    bind = "tcp://127.0.0.1:*"
    live = Live(
        [str(clip)], engine=engine, bind=bind, replay="none", preview=True, preview_fps=5, workers=workers
    )
    found, beats = look_on(live, previews=True)
    assert beats[-1].preview
    assert {type(one.message) for one in found} == {Sight, Trace}
    sights = [one for one in found if isinstance(one.message, Sight)]
    frames = [one.message.frame for one in sights]
    # Of five a second: every sixth of thirty. How many arrive depends on when the connection is there.
    assert all(later - earlier >= 6 for earlier, later in pairwise(frames))
    picture = cv2.imdecode(np.frombuffer(sights[-1].picture or b"", np.uint8), cv2.IMREAD_COLOR)
    message = sights[-1].message
    assert isinstance(message, Sight)
    assert picture.shape[1] == min(640, message.width)
    (face,) = message.faces
    x, y, width, height = face.box
    assert 0 <= x <= x + width <= message.width
    assert 0 <= y <= y + height <= message.height


def test_without_being_asked_no_picture_leaves(clip: Path, engine: str) -> None:
    found, beats = look_on(
        Live([str(clip)], engine=engine, bind="tcp://127.0.0.1:*", replay="none"), previews=True
    )
    assert not beats[-1].preview
    assert {type(one.message) for one in found} == {Trace}
