"""A target by its address."""

import re
from collections.abc import Callable
from pathlib import Path

from rtme.bus.bridges.jsonl import LinesTarget
from rtme.bus.bridges.target import Target
from rtme.errors import BusError


def open_target(
    address: str,
    *,
    secret: bytes | None = None,
    batch: int | None = None,
    skip_refused: bool = False,
    ca: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Target:
    """The target at ``mqtt(s)://…``, ``http(s)://…``, or ``-`` (or ``jsonl``): standard output.

    Args:
        address: Where the events go.
        secret: Signs requests to a web server.
        batch: Most events in one request to a web server; None posts each alone.
        skip_refused: Pass over events that a web server refuses.
        ca: PEM file of certificates to trust.
        say: Called with a sentence when the first event is passed over.

    Raises:
        BusError: There is no such target, an option does not fit it, or the library for it is not installed.
    """
    scheme = address.split("://", 1)[0].lower() if "://" in address else address
    web = scheme in ("http", "https")
    options = {"--secret-file": secret, "--batch": batch, "--skip-refused": skip_refused or None}
    if misplaced := [name for name, value in options.items() if value is not None and not web]:
        raise BusError(f"{', '.join(misplaced)} is for web servers (http:// or https://) alone")
    if ca is not None and scheme not in ("https", "mqtts"):
        raise BusError("--ca is for https:// and mqtts:// alone")
    if scheme in ("-", "jsonl"):
        return LinesTarget()
    try:
        if web:
            from rtme.bus.bridges.webhook import WebhookTarget

            return WebhookTarget(address, secret, batch, skip_refused, ca, say)
        if scheme in ("mqtt", "mqtts"):
            from rtme.bus.bridges.mqtt import MqttTarget

            return MqttTarget(address, ca)
    except ModuleNotFoundError as error:
        extra = "webhook" if web else "mqtt"
        raise BusError(
            f"{error.name} is not installed, which {scheme}:// needs: pip install 'rtme[{extra}]'"
        ) from error
    # What is no scheme may be a password.
    named = re.match(r"[a-z][a-z0-9+.-]*://", address, re.IGNORECASE)
    what = repr(scheme) if named else "an address without a scheme"
    raise BusError(
        f"there is no bridge to {what}: name mqtt://host, mqtts://host, https://host/path, http://host/path, or - for "
        "lines of JSON on standard output"
    )
