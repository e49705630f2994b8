"""What the log says of events: what sources and the service do, not what was found in faces."""

import logging

from rtme.events import AnyEvent, GapEvent, StateEvent, WarningEvent

LOG = logging.getLogger("rtme.live")
# A program that has set up no logging iterates over the events, and must not have them on its stderr as well.
LOG.addHandler(logging.NullHandler())

TROUBLED = ("stalled", "backoff")


def log_event(event: AnyEvent) -> None:
    """Log states of sources, reconnects and warnings."""
    known = {"stream": event.stream, "epoch": event.epoch, "event": event.kind}
    match event:
        case StateEvent():
            level = logging.WARNING if event.state in TROUBLED else logging.INFO
            detail = f": {event.detail}" if event.detail else ""
            LOG.log(
                level, "%s is %s%s", event.stream, event.state, detail, extra={**known, "state": event.state}
            )
        case GapEvent(cause="reconnect"):
            LOG.warning("%s was connected again; what came between is lost", event.stream, extra=known)
        case WarningEvent():
            LOG.warning("%s", event.text, extra=known)
        case _:
            pass
