"""The speaker's thresholds are those of the best balanced accuracy, as the live decoder tells turns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made_scores import made_store, score_all, tiny_recipe
from rtme.engine.manifest import DecoderSettings, SpeakerSettings
from rtme.train.replay import ScoredClip, replay
from rtme.train.speaking import tune_speaker

SLOTS = 240
TURN = slice(90, 180)


@pytest.fixture
def clip(tmp_path: Path) -> ScoredClip:
    store = made_store(tmp_path / "store", [({"base": "clip"}, [(1, True, SLOTS)])])
    (scored,) = score_all(store, tiny_recipe())
    rows = np.array(scored.rows)
    rows["speaking"] = 0
    rows["speaking"][TURN] = 1
    return replace(scored, rows=rows)


def saying(scored: ScoredClip, p: np.ndarray) -> ScoredClip:
    windows = []
    for window in scored.windows:
        slots = np.arange(window.end - len(window.valid) + 1, window.end + 1)
        windows.append(replace(window, p_speaking=p[np.maximum(slots, 0)].astype(np.float32)))
    return replace(scored, windows=windows)


def told(scored: ScoredClip, settings: SpeakerSettings) -> np.ndarray:
    """What the live path says, by slot."""
    said = np.full(SLOTS, 255)
    for turn in replay(scored, tiny_recipe(), DecoderSettings(), settings).speaker:
        said[turn.start : turn.end + 1] = turn.state == "speaking"
    return said


def test_thresholds_go_where_the_two_states_part(clip: ScoredClip) -> None:
    p = np.full(SLOTS, 0.70)
    p[TURN] = 0.80
    scored = saying(clip, p)
    settings, reached = tune_speaker([scored], tiny_recipe(), lambda _: None)
    assert 0.70 <= settings.off <= settings.on <= 0.80
    truth = clip.rows["speaking"]
    said = told(scored, settings)
    live = np.mean([(said[truth == state] == state).mean() for state in (0, 1)])
    assert reached == {"real": pytest.approx(live, abs=1e-4)}
    assert live > 0.97


def test_short_pauses_are_bridged_when_that_is_right(clip: ScoredClip) -> None:
    p = np.full(SLOTS, 0.1)
    p[TURN] = 0.9
    p[110:114] = p[140:144] = 0.1
    settings, reached = tune_speaker([saying(clip, p)], tiny_recipe(), lambda _: None)
    assert settings.min_ms > 4 * 1000 / 30
    assert reached["real"] > 0.97


def test_without_both_states_the_defaults_stay(clip: ScoredClip) -> None:
    clip.rows["speaking"][:] = 255
    lines: list[str] = []
    assert tune_speaker([clip], tiny_recipe(), lines.append) == (SpeakerSettings(), {})
    assert "do not show both states" in lines[0]
