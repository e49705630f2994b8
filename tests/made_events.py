"""Events to send, and a way for a publisher and a subscriber to find each other."""

import time

from rtme.bus.journal import Stored
from rtme.bus.publisher import Publisher
from rtme.bus.subscriber import Subscriber
from rtme.events import AnyEvent, HeartbeatEvent, IntervalEvent, Mark, WarningEvent, dump
from rtme.traces import FaceSight, Sight, Trace


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


def trace(first: int, count: int = 3) -> Trace:
    frames = list(range(first, first + count))
    return Trace(
        stream="cam",
        epoch=0,
        face=1,
        frame=frames,
        time_s=[frame / 30 for frame in frames],
        wall_ns=frames,
        score=[None, *[0.5] * (count - 1)],
        speaking=[0.25] * count,
        yaw=[1.0] * count,
        pitch=[2.0] * count,
        roll=[3.0] * count,
        eye_distance_px=[60.0] * count,
        judged=[True] * count,
    )


def sight() -> Sight:
    face = FaceSight(face=1, box=(1, 2, 3, 4), outline=[[(1, 2), (3, 4)]], judged=True)
    return Sight(stream="cam", epoch=0, frame=7, time_s=0.2, wall_ns=1, width=640, height=480, faces=[face])
