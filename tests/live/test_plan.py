import numpy as np
import pytest

from rtme.capture.frames import FramesSource
from rtme.errors import SettingsError
from rtme.live.plan import plan_sources
from rtme.settings import Settings, SourceSettings


def names(*wanted: object) -> list[str]:
    return [plan.name for plan in plan_sources(wanted, Settings(), paced=False)]  # type: ignore[arg-type]


def frames() -> FramesSource:
    return FramesSource([np.zeros((8, 8, 3), np.uint8)], 30)


def test_no_two_streams_have_one_name() -> None:
    assert names(frames(), frames(), "a/x.mp4", "b/x.mp4") == ["frames", "frames-2", "x", "x-2"]


def test_who_was_given_a_name_keeps_it() -> None:
    door = SourceSettings(url="rtsp://10.0.0.7/a", name="door")
    assert names("door.mp4", door, SourceSettings(url="0", name="7")) == ["door-2", "door", "7"]


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(SettingsError, match="'door'"):
        names(SourceSettings(url="0", name="door"), SourceSettings(url="1", name="door"))


def test_an_empty_word_is_no_source() -> None:
    with pytest.raises(SettingsError, match="empty"):
        names("clip.mp4", "")
