"""Events to send, and a way for a publisher and a subscriber to find each other."""

import time

from rtme.bus.journal import Stored
from rtme.bus.publisher import Publisher
from rtme.bus.subscriber import Subscriber
from rtme.events import AnyEvent, HeartbeatEvent, IntervalEvent, Mark, WarningEvent, dump


def mark(frame: int, capture_ns: int = 0) -> Mark:
    return Mark(frame=frame, time_s=frame / 30, capture_ns=capture_ns, wall_ns=0)


def interval(status: str = "closed", stream: str = "cam", onset: int = 10, offset: int = 15) -> IntervalEvent:
    return IntervalEvent.model_validate(
        {"stream": stream, "id": "1", "face": 1, "type": "me", "status": status, "confidence": 0.9}
        | {"onset": mark(onset), "apex": mark(onset + 1), "offset": mark(offset)}
    )


def warning(text: str = "note", stream: str = "cam") -> WarningEvent:
    return WarningEvent(stream=stream, text=text)


def heartbeat() -> HeartbeatEvent:
    return HeartbeatEvent(stream="_service", uptime_s=1.0, engine="none", last_seq=0, streams={})


def stored(event: AnyEvent, seq: int, run_id: str = "run", wall_ns: int | None = None) -> Stored:
    """An event as a publisher would put it into a journal."""
    numbered = event.model_copy(update={"seq": seq, "run_id": run_id})
    return Stored(
        seq, run_id, event.stream, event.kind, time.time_ns() if wall_ns is None else wall_ns, dump(numbered)
    )


def join(publisher: Publisher, subscriber: Subscriber) -> None:
    """Wait until what is published arrives, with nothing left on the way."""
    deadline = time.monotonic() + 20
    while (subscriber.run_id, subscriber.last_seq) != (publisher.run_id, publisher.last_seq):
        assert time.monotonic() < deadline, "the subscriber never saw the publisher"
        publisher.publish(warning("are you there?"))
        for _ in range(50):
            if subscriber.receive(0.02) is None:
                break
