"""A face that leaves and comes back a hundred times."""

import gc
import weakref
from collections import Counter
from typing import Any

import numpy as np
import pytest

import rtme
from faces import portrait
from rtme.capture.frame import Frame
from rtme.capture.stamps import Stamper
from rtme.events import AnyEvent, FaceEvent, HeartbeatEvent
from rtme.live import stream_run
from rtme.live.face_run import FaceRun
from rtme.synth import Script, render
from soundness import assert_sound, beats

TIMES = 100
THERE, AWAY, FPS = 8, 14, 10
"""Pictures with a face, then without, at a rate that makes both last longer than it takes to tell."""


class Passage:
    """A portrait that talks for a moment, goes, and comes back."""

    name = "door"
    live = False
    corrupt = 0
    fps = float(FPS)
    frames_expected = TIMES * (THERE + AWAY)

    def __init__(self) -> None:
        rng = np.random.default_rng(5)
        script = Script.random(rng, THERE * 3, 30.0, interference=0.3)
        moving, _ = render(portrait(), script, (320, 240), rng, eye_px=70)
        # A third of the pictures at a third of the rate: it moves as fast.
        self._there = list(moving)[::3]
        self._empty = np.full((240, 320, 3), 90, np.uint8)
        self._stamper = Stamper(self.name)
        self._next = 0

    def open(self) -> None:
        self._stamper.opened()

    def read(self) -> Frame | None:
        index = self._next
        self._next += 1
        if index >= self.frames_expected:
            return None
        place = index % (THERE + AWAY)
        image = self._there[place] if place < THERE else self._empty
        return Frame(self._stamper.stamp(index / FPS), image.copy())

    def close(self) -> None:
        pass


def test_a_hundred_visits(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: weakref.WeakSet[FaceRun] = weakref.WeakSet()

    class Counted(FaceRun):
        def __init__(self, **known: Any) -> None:
            super().__init__(**known)
            remembered.add(self)

    monkeypatch.setattr(stream_run, "FaceRun", Counted)
    seen: list[AnyEvent] = []
    most_remembered = 0
    with rtme.Live([Passage()], fast=True, engine=engine) as live:
        for event in live:
            seen.append(event)
            if isinstance(event, HeartbeatEvent):
                most_remembered = max(most_remembered, len(remembered))
    assert_sound(seen)
    assert live.errors == {}
    told = Counter(event.status for event in seen if isinstance(event, FaceEvent))
    assert told["appeared"] == TIMES
    # Who stands there when the recording ends does not go.
    assert told["lost"] == TIMES
    assert len({event.face for event in seen if isinstance(event, FaceEvent)}) == TIMES
    assert 1 <= most_remembered <= 3
    assert beats(seen)[-1].streams["door"].frames == TIMES * (THERE + AWAY)
    gc.collect()
    assert len(remembered) == 0
