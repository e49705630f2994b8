"""A service's status as Prometheus metrics. Durations are seconds; percentiles are of the last minute."""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from rtme import __version__
from rtme.events import Percentiles
from rtme.live.status import ServiceStatus

STATES = ("connecting", "live", "stalled", "backoff", "ended")
RANKS = {"0.5": "p50", "0.95": "p95", "0.99": "p99", "1": "max"}


class ServiceCollector(Collector):
    """Asks for the status at each scrape.

    Args:
        status: Gives it.
    """

    def __init__(self, status: Callable[[], ServiceStatus]) -> None:
        self._status = status

    def describe(self) -> list[Metric]:
        """Nothing: the registry need not ask before the service runs."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every metric of the service."""
        status = self._status()
        yield from _service(status)
        yield from _streams(status)


def _service(status: ServiceStatus) -> Iterator[Metric]:
    beat, publisher = status.beat, status.publisher
    run = {
        "version": __version__,
        "run_id": status.run_id,
        "engine": beat.engine,
        "backend": beat.backend or "",
        "sensitivity": beat.sensitivity,
    }
    yield InfoMetricFamily("rtme_run", "What runs.", value=run)
    yield _gauge("rtme_uptime_seconds", "Since the start, at the newest heartbeat.", beat.uptime_s)
    yield _gauge(
        "rtme_heartbeat_age_seconds", "Since the newest heartbeat; counts are as of then.", status.beat_age_s
    )
    yield _gauge(
        "rtme_healthy",
        "1 when /healthz answers 200.",
        float(not status.faults() and not status.blind()),
    )
    length = GaugeMetricFamily("rtme_queue_length", "What waits in a queue.", labels=["queue"])
    capacity = GaugeMetricFamily("rtme_queue_capacity", "What may wait in it.", labels=["queue"])
    for queue, waits, most in (
        ("engine", status.engine_waiting, status.engine_capacity),
        ("publisher", publisher.waiting, publisher.capacity),
    ):
        length.add_metric([queue], waits)
        capacity.add_metric([queue], most)
    yield length
    yield capacity
    yield _gauge("rtme_publisher_behind_seconds", "How long the oldest event has waited.", publisher.behind_s)
    sent = CounterMetricFamily("rtme_events_sent", "Events sent.", labels=["stream", "kind"])
    for names, count in publisher.sent.items():
        sent.add_metric(names, count)
    yield sent
    yield CounterMetricFamily(
        "rtme_events_unsent", "Events given up because too many waited.", publisher.unsent
    )
    if publisher.subscribers is not None:
        yield _gauge("rtme_subscribers", "Connections to the events' socket.", publisher.subscribers)


def _streams(status: ServiceStatus) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "rtme_source_state", "1 for the state that the source is in.", labels=["stream", "state"]
    )
    frames = CounterMetricFamily("rtme_frames_read", "Frames that left the decoder.", labels=["stream"])
    fps = GaugeMetricFamily(
        "rtme_tracked_frames_per_second", "Frames worked on in the last second.", labels=["stream"]
    )
    faces = GaugeMetricFamily("rtme_faces", "Faces that are followed.", labels=["stream"])
    drops = CounterMetricFamily("rtme_frames_dropped", "Frames left out.", labels=["stream", "cause"])
    skipped = CounterMetricFamily(
        "rtme_evaluations_skipped", "Window evaluations left out to keep up.", labels=["stream"]
    )
    reconnects = CounterMetricFamily("rtme_reconnects", "Times that the source came back.", labels=["stream"])
    idle = GaugeMetricFamily(
        "rtme_idle_seconds", "Since a frame went all the way or the state changed.", labels=["stream"]
    )
    pipeline = _percentiles("rtme_pipeline_seconds", "Every frame, from the decoder to its windows' scores.")
    system = _percentiles("rtme_system_seconds", "Every event, from its frame's decoder to the socket.")
    stages = _percentiles("rtme_stage_seconds", "Each stage, from the one before, waiting included.", "stage")
    for name, health in status.beat.streams.items():
        for one in STATES:
            state.add_metric([name, one], float(health.state == one))
        frames.add_metric([name], health.frames)
        fps.add_metric([name], health.fps)
        faces.add_metric([name], health.faces)
        for cause, count in health.drops.items():
            drops.add_metric([name, cause], count)
        skipped.add_metric([name], health.skipped)
        reconnects.add_metric([name], health.reconnects)
        idle.add_metric([name], status.idle_s[name])
        _add(pipeline, [name], health.pipeline_ms)
        _add(system, [name], health.system_ms)
        for stage, ms in (health.stages_ms or {}).items():
            _add(stages, [name, stage], ms)
    yield from (state, frames, fps, faces, drops, skipped, reconnects, idle, pipeline, system, stages)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


def _percentiles(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=["stream", *labels, "quantile"])


def _add(family: GaugeMetricFamily, labels: list[str], ms: Percentiles | None) -> None:
    if ms is not None:
        for quantile, rank in RANKS.items():
            family.add_metric([*labels, quantile], getattr(ms, rank) / 1000)
