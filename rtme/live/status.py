"""How a service does at this moment, and whether that is well."""

from collections.abc import Mapping
from dataclasses import dataclass

from rtme.bus.publisher import PublisherStatus
from rtme.events import HeartbeatEvent

LATE_BEAT_S = 3.0
LATE_EVENT_S = 3.0
IDLE_S = 5.0
BUSY_S = 10.0  # a backend may build something at its first batch


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """What is known without waiting for any thread of the service, so that it can be told when one is stuck.

    Attributes:
        run_id: The run.
        beat: The newest heartbeat, as it was made.
        beat_age_s: How long ago that was.
        engine_failure: Why the engine thread stopped; None while it works.
        engine_busy_s: How long the engine's batch in hand has taken so far.
        engine_waiting: Messages that wait for the engine.
        engine_capacity: Most that may.
        publisher: How the publisher does.
        idle_s: By stream, how long ago a frame went all the way or the source changed its state.
        errors: By stream, why it ended where that was not its natural end.
    """

    run_id: str
    beat: HeartbeatEvent
    beat_age_s: float
    engine_failure: str | None
    engine_busy_s: float
    engine_waiting: int
    engine_capacity: int
    publisher: PublisherStatus
    idle_s: Mapping[str, float]
    errors: Mapping[str, str]

    def faults(self) -> list[str]:
        """What is wrong with the service itself, in sentences; a restart may help. Empty when nothing is."""
        found = []
        if self.beat_age_s > LATE_BEAT_S:
            found.append(f"the supervisor has not beaten for {self.beat_age_s:.0f} s")
        if self.engine_failure is not None:
            found.append(f"the engine has stopped: {self.engine_failure}")
        if self.engine_busy_s > BUSY_S:
            found.append(f"the engine has been at the same frames for {self.engine_busy_s:.0f} s")
        if self.publisher.failure is not None:
            found.append(f"the publisher has stopped: {self.publisher.failure}")
        elif self.publisher.behind_s > LATE_EVENT_S:
            found.append(f"events have waited {self.publisher.behind_s:.0f} s to be sent")
        return found

    def blind(self) -> list[str]:
        """Which sources are not being watched, and why, in sentences. One that ended naturally is not missed."""
        found = []
        for name, health in self.beat.streams.items():
            if name in self.errors:
                found.append(f"{name} has ended: {self.errors[name]}")
            elif health.state == "live" and self.idle_s[name] > IDLE_S:
                found.append(f"{name} is live, but no frame went all the way for {self.idle_s[name]:.0f} s")
            elif health.state not in ("live", "ended"):
                found.append(f"{name} is not live: {health.state}")
        return found
