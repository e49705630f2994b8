"""The engine thread's batches: what may be handled side by side."""

from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import rtme
from rtme.events import IntervalEvent, SpeakerEvent
from rtme.live.engine_stage import rounds
from rtme.live.messages import EpochEnd, Message, StreamEnd

STREAMS = st.sampled_from("abc")
MESSAGES = st.lists(st.one_of(st.builds(EpochEnd, STREAMS), st.builds(StreamEnd, STREAMS, st.integers(0, 9))))


@given(MESSAGES)
def test_rounds_keep_each_streams_order_and_lose_nothing(batch: list[Message]) -> None:
    parts = list(rounds(batch))
    assert [item for part in parts for item in part] == batch
    assert all(parts)
    for part in parts:
        assert max(Counter(item.stream for item in part).values()) == 1


def test_streams_that_share_batches_find_what_each_finds_alone(engine: str, clip: Path) -> None:
    def found(paths: list[Path], wait_ms: float) -> dict[str, list[tuple[object, ...]]]:
        seen: dict[str, list[tuple[object, ...]]] = {}
        with rtme.Live([str(p) for p in paths], fast=True, engine=engine, batch_wait_ms=wait_ms) as live:
            for event in live:
                if isinstance(event, IntervalEvent):
                    seen.setdefault(event.stream, []).append(
                        (event.status, event.onset.frame, event.offset.frame)
                    )
                elif isinstance(event, SpeakerEvent):
                    seen.setdefault(event.stream, []).append((event.state, event.start.frame))
        return seen

    (alone,) = found([clip], 0).values()
    together = found([clip] * 3, 5)
    assert len(together) == 3
    assert all(one == alone for one in together.values())
    assert alone
