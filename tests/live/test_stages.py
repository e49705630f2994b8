from pathlib import Path

import rtme
from rtme.events import HeartbeatEvent
from rtme.live.health import StreamAccount
from rtme.settings import Settings


def test_stages_stand_in_the_report_once_there_are_any() -> None:
    account = StreamAccount()
    assert account.report(None).stages_ms is None
    account.took("tracked", 8_000_000)
    account.took("tracked", 12_000_000)
    stages = account.report(None).stages_ms
    assert stages is not None
    assert set(stages) == {"tracked"}
    assert (stages["tracked"].p50, stages["tracked"].max) == (8.0, 12.0)


def test_the_heartbeat_says_how_long_each_stage_took(engine: str, clip: Path) -> None:
    with rtme.Live([str(clip)], settings=Settings(engine=engine)) as live:
        beats = [event for event in live if isinstance(event, HeartbeatEvent)]
    stages = beats[-1].streams["face"].stages_ms
    assert stages is not None
    assert set(stages) == {"tracked", "encoded", "scored", "decided", "sent"}
    assert all(0 <= ms.p50 <= ms.p95 <= ms.p99 <= ms.max for ms in stages.values())
