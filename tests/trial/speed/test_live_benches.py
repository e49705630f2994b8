"""The benches that watch a running service come to an end and say what the page needs. Nothing here rests on speed."""

import json
from pathlib import Path

import pytest

from rtme.errors import RtmeError
from rtme.settings import Settings
from rtme.trial.speed.clip import Clip, make_clip
from rtme.trial.speed.feed import FileFeed
from rtme.trial.speed.latency import STAGES, latency
from rtme.trial.speed.memory import memory
from rtme.trial.speed.pictures import draw
from rtme.trial.speed.service import run_service
from rtme.trial.speed.spread import Often
from rtme.trial.speed.tables import tables
from rtme.trial.speed.throughput import recorded, streams

ONCE = Often(1, 1)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 3)


@pytest.fixture(scope="module")
def settings(engine: str) -> Settings:
    return Settings(engine=engine)


def test_the_clip_is_what_it_says(clip: Clip) -> None:
    assert clip.n_frames == 90
    assert all(one.type == "me" for one in clip.truth)


def test_latency(clip: Clip, settings: Settings, tmp_path: Path) -> None:
    beats: list[float] = []
    result = latency(
        FileFeed(clip),
        settings=settings,
        seconds=2,
        warm_up_s=0.5,
        often=ONCE,
        on_progress=lambda _, done: beats.append(done),
    )
    assert set(result["stages_ms"]) == set(STAGES)
    assert all(
        result["stages_ms"][stage] is not None for stage in ("decoded", "tracked", "encoded", "scored")
    )
    assert result["unreadable"] == 0 == result["lost"]["max"]
    assert result["frames"]["median"] > 0
    assert beats == sorted(beats)
    shown = tables("latency", json.loads(json.dumps(result)))
    assert [row[0] for row in shown[0].rows][: len(STAGES)] == list(STAGES)
    draw("latency", result, tmp_path / "latency.png", "here")
    assert (tmp_path / "latency.png").read_bytes().startswith(b"\x89PNG")


def test_throughput(clip: Clip, settings: Settings, tmp_path: Path) -> None:
    found = recorded(clip, settings=settings, often=ONCE)
    assert found["frames"] == clip.n_frames
    live = streams(FileFeed(clip), settings=settings, most=1, seconds=1, warm_up_s=0.5, often=ONCE)
    (row,) = live["rows"]
    assert live["streams_without_a_drop"] == int(row["held"])
    result = {"recorded": found, "live": [live]}
    assert len(tables("throughput", json.loads(json.dumps(result)))) == 2
    draw("throughput", result, tmp_path / "throughput.png", "here")


@pytest.mark.slow
def test_memory(clip: Clip, settings: Settings, tmp_path: Path) -> None:
    result = memory(
        FileFeed(clip), settings=settings, most=1, seconds=1, minutes=0.03, warm_up_s=0.5, often=ONCE
    )
    assert result["rows"][0]["rss_mib"]["median"] > 50
    assert result["long"]["points"]
    assert len(tables("memory", json.loads(json.dumps(result)))) == 2
    draw("memory", result, tmp_path / "memory.png", "here")


def test_a_service_that_cannot_begin_ends_in_a_sentence(clip: Clip) -> None:
    with pytest.raises(RtmeError, match="did not come up"):
        run_service([str(clip.path)], clip, 1, settings=Settings(engine="warp"))
