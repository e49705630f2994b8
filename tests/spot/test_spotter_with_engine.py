"""Crops to intervals: a real (tiny) engine and the spotter, with the manifest's own rules."""

from pathlib import Path

import numpy as np
import pytest

from rtme.engine.backends import open_backend
from rtme.spot.grid import TimeGrid
from rtme.spot.rules import SpotterRules
from rtme.spot.spotter import Spotter, Window
from rtme.spot.updates import IntervalUpdate, Update
from tiny_engine import make_tiny_bundle

SECONDS = 3


def crop(pixels: float) -> np.ndarray:
    """A motion crop in which a cheek-sized part has moved down by so many pixels."""
    crop = np.full((1, 56, 56, 3), 128, np.uint8)
    crop[0, 16:32, 16:32, 2] += np.uint8(round(16 * pixels))
    return crop


@pytest.mark.parametrize("source_fps", [15, 30, 60])
@pytest.mark.parametrize(("long_ms", "type_"), [(300, "me"), (900, "macro")])
def test_motion_of_a_known_time_is_found_at_any_source_rate(
    tmp_path: Path, source_fps: int, long_ms: int, type_: str
) -> None:
    # The tiny engine calls an empty slot still; at 15 frames a second every second slot is empty.
    backend = open_backend(make_tiny_bundle(tmp_path, size=56, decoder={"merge_ms": 34}))
    spotter, grid = Spotter(SpotterRules.of(backend.manifest)), TimeGrid(backend.manifest.fps)
    updates: list[Update] = []

    def score(windows: list[Window]) -> None:
        for window in windows:
            answer = backend.score(window.frame[None], window.regions[None], window.valid[None])
            updates.extend(
                spotter.take(window, float(answer.p_me[0]), answer.p_speaking[0], answer.frame_scores[0])
            )

    for frame in range(SECONDS * source_fps):
        t = frame / source_fps
        slot = grid.place(t)
        if slot is None:
            continue
        features = backend.encode(crop(1.5 if 1.0 <= t < 1.0 + long_ms / 1000 else 0.0))
        spotter.push(slot, features.frame[0], features.regions[0])
        score(spotter.advance(slot))
        updates.extend(spotter.decide())
    score(spotter.drain())
    updates.extend(spotter.finish())

    closed = [u for u in updates if isinstance(u, IntervalUpdate) and u.status == "closed"]
    (found,) = closed
    assert found.type == type_
    assert found.onset == 30
    last_moving = 30 + long_ms * 30 // 1000 - 1
    assert found.offset == (last_moving if source_fps >= 30 else last_moving // 2 * 2)
    assert found.confidence > 0.9
