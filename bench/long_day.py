"""A day at a camera that never was: hours of events in a journal, and the curves that belong to them."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

from rtme.bus.journal import Journal, Stored
from rtme.bus.publisher import Publisher
from rtme.events import (
    SERVICE,
    AnyEvent,
    FaceEvent,
    GapEvent,
    HeartbeatEvent,
    IntervalEvent,
    Mark,
    SpeakerEvent,
    StateEvent,
    StreamHealth,
    dump,
)
from rtme.traces import Shown, Trace

FPS = 30
STREAM = "cam"
FACE = 1
# What a talking person near the camera gives, about.
EXPRESSIONS_A_MINUTE = 4.0
TURN_S = 8.0
NO_FACE_EVERY_S = 600.0
PIECE_S = 5.0
_BATCH = 1_000


class Day:
    """The last so many hours of one source.

    Args:
        hours: How long it was.
        seed: Two days of the same seed differ in nothing but the time.
    """

    def __init__(self, hours: float, seed: int = 7) -> None:
        self.seconds = hours * 3600
        self.began_ns = time.time_ns() - round(self.seconds * 1e9)
        self._monotonic_ns = time.monotonic_ns() - round(self.seconds * 1e9)
        self._seed = seed

    def mark(self, at_s: float) -> Mark:
        """The frame at so many seconds of the day."""
        since_ns = round(at_s * 1e9)
        return Mark(
            frame=int(at_s * FPS),
            time_s=at_s,
            capture_ns=max(0, self._monotonic_ns + since_ns),
            wall_ns=self.began_ns + since_ns,
        )

    def events(self) -> Iterator[tuple[float, AnyEvent]]:
        """All of them with the second at which they were told, in that order."""
        told: list[tuple[float, AnyEvent]] = [(0.0, StateEvent(stream=STREAM, state="live"))]
        told += [
            (0.0, FaceEvent(stream=STREAM, face=FACE, status=status)) for status in ("appeared", "judged")
        ]
        told += self._expressions() + self._turns() + self._holes() + self._beats()
        return iter(sorted(told, key=lambda one: one[0]))

    def curves(self) -> Iterator[Shown]:
        """The face's curve in pieces, oldest first."""
        chance = random.Random(self._seed + 1)
        piece = round(PIECE_S * FPS)
        for first in range(0, int(self.seconds * FPS), piece):
            frames = range(first, first + piece)
            peak, at = chance.random(), chance.randrange(piece)
            yield Shown(
                Trace(
                    stream=STREAM,
                    epoch=0,
                    face=FACE,
                    frame=list(frames),
                    time_s=[frame / FPS for frame in frames],
                    wall_ns=[self.began_ns + round(frame / FPS * 1e9) for frame in frames],
                    score=[max(0.02, peak - abs(n - at) / 12) for n in range(piece)],
                    speaking=[float(frame // (FPS * TURN_S) % 2) for frame in frames],
                    yaw=[10 * peak] * piece,
                    pitch=[-3.0] * piece,
                    roll=[1.0] * piece,
                    eye_distance_px=[64.0] * piece,
                    judged=[True] * piece,
                )
            )

    def _expressions(self) -> list[tuple[float, AnyEvent]]:
        chance, told = random.Random(self._seed), []
        at_s, number = 2.0, 0
        while at_s < self.seconds - 2:
            number += 1
            lasts_s = chance.uniform(0.1, 0.5) if chance.random() < 0.8 else chance.uniform(0.6, 2.0)
            confidence = round(chance.uniform(0.3, 0.95), 2)
            ends = [("provisional", 0.2), ("retracted", 0.4)]
            if chance.random() < 0.8:
                ends = [("provisional", 0.2), ("confirmed", lasts_s), ("closed", lasts_s + 0.3)]
            for status, after_s in ends:
                known_s = min(lasts_s, after_s)
                event = IntervalEvent.model_validate(
                    {
                        "stream": STREAM,
                        "at": self.mark(at_s + after_s),
                        "algorithmic_ms": 333.0,
                        "system_ms": 20.0,
                        "id": f"{STREAM}-0-{FACE}-e{number}",
                        "face": FACE,
                        "type": "me" if known_s <= 0.5 else "macro",
                        "status": status,
                        "onset": self.mark(at_s),
                        "apex": self.mark(at_s + known_s / 2),
                        "offset": self.mark(at_s + known_s),
                        "confidence": confidence,
                    }
                )
                told.append((at_s + after_s, event))
            at_s += lasts_s + 0.5 + chance.expovariate(EXPRESSIONS_A_MINUTE / 60)
        return told

    def _turns(self) -> list[tuple[float, AnyEvent]]:
        told: list[tuple[float, AnyEvent]] = []
        for number in range(int(self.seconds / TURN_S)):
            begins_s, ends_s = number * TURN_S, (number + 1) * TURN_S
            state = ("listening", "speaking")[number % 2]
            for at_s, end in ((begins_s, None), (ends_s, self.mark(ends_s))):
                event = SpeakerEvent.model_validate(
                    {
                        "stream": STREAM,
                        "at": self.mark(at_s),
                        "algorithmic_ms": 267.0,
                        "system_ms": 20.0,
                        "id": f"{STREAM}-0-{FACE}-t{number}",
                        "face": FACE,
                        "state": state,
                        "start": self.mark(begins_s),
                        "end": end,
                        "confidence": 0.8,
                    }
                )
                told.append((at_s, event))
        return told

    def _holes(self) -> list[tuple[float, AnyEvent]]:
        """Moments in which nothing was seen."""
        told: list[tuple[float, AnyEvent]] = []
        for number in range(1, int(self.seconds / NO_FACE_EVERY_S)):
            at_s = number * NO_FACE_EVERY_S
            gap = GapEvent(
                stream=STREAM, cause="no_face", count=60, start=self.mark(at_s - 2), end=self.mark(at_s)
            )
            told.append((at_s, gap))
        return told

    def _beats(self) -> list[tuple[float, AnyEvent]]:
        """A heartbeat a second."""
        known = {"stream": SERVICE, "engine": "made up", "last_seq": 0}
        return [
            (
                float(second),
                HeartbeatEvent(
                    **known,
                    uptime_s=second,
                    streams={STREAM: StreamHealth(state="live", frames=second * FPS, fps=FPS, faces=1)},
                ),
            )
            for second in range(int(self.seconds))
        ]


def write(day: Day, path: Path) -> int:
    """Write its events to a journal, as a service would have; how many there were, heartbeats left out."""
    count = 0
    with Journal(path) as journal:
        batch: list[Stored] = []
        for at_s, event in day.events():
            seq = journal.next_seq + len(batch)
            numbered = event.model_copy(update={"seq": seq, "run_id": "day"})
            wall_ns = day.began_ns + round(at_s * 1e9)
            batch.append(Stored(seq, "day", event.stream, event.kind, wall_ns, dump(numbered)))
            count += event.kind != "heartbeat"
            if len(batch) == _BATCH:
                journal.append(batch)
                batch = []
        journal.append(batch)
    return count


def show(day: Day, publisher: Publisher) -> int:
    """Send its curves, about as fast as somebody can take them; how many points there were.

    Whoever looks on loses what comes faster than it can read.
    """
    points = 0
    for number, shown in enumerate(day.curves()):
        publisher.show(shown)
        points += len(shown.message.frame) if isinstance(shown.message, Trace) else 0
        if number % 10 == 9:
            time.sleep(0.02)
    return points
