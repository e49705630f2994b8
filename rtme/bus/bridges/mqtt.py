"""Events to an MQTT broker."""

import re
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from rtme.bus.bridges.target import RefusedError, UnreachableError, reason
from rtme.errors import BusError
from rtme.events import AnyEvent, dump

CONNECT_S = 10.0
CONFIRM_S = 30.0
KEEPALIVE_S = 20
# Unspecified error, server unavailable, busy, another server, moved, quota, too many connections.
PASSING = frozenset({0x80, 0x88, 0x89, 0x97, 0x9C, 0x9D, 0x9F})


class MqttTarget:
    """Publishes each event with QoS 1 on ``<prefix>/<stream>/<kind>``.

    MQTT 5, because a broker of 3.1.1 confirms what it may not take and throws it away. A connection that fails is
    thrown away whole: what it had not confirmed is published again on a new one. ``state`` events are retained.
    ``<prefix>/_bridge`` is retained and says ``online`` or ``offline``; the latter is the will that the bridge leaves with
    the broker, which publishes it however the connection ends.

    Args:
        url: ``mqtt://[user:password@]host[:port][/prefix]``, or ``mqtts://`` for TLS.
        ca: Certificates to trust instead of the system's.

    Raises:
        BusError: ``url`` is no such address.
    """

    most = 100

    def __init__(self, url: str, ca: Path | None = None) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        self._prefix = unquote(parts.path).strip("/") or "rtme"
        if parts.hostname is None or re.search(r"[?#]", url) or re.search(r"[+#\0]", self._prefix):
            raise BusError(
                "the MQTT address cannot be used: write mqtt://host:port/prefix or mqtts://, with user:password@ before the "
                "host where they are needed (%-encoded: @ is %40, / is %2F, # is %23), and no + or # in the prefix"
            )
        self._tls = parts.scheme == "mqtts"
        self._host, self._port = parts.hostname, port or (8883 if self._tls else 1883)
        self._user = None if parts.username is None else unquote(parts.username)
        self._password = None if parts.password is None else unquote(parts.password)
        self._ca = ca
        # Under one name a new connection takes the old one's place; else the broker would find that one dead later and say
        # ``offline`` of a bridge that is there.
        self._client_id = f"rtme{uuid.uuid4().hex[:16]}"
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self.name = f"{parts.scheme}://{shown}:{self._port}/{self._prefix}"
        self.key = f"{self.name} {self._user or ''}"
        self._connection: _Connection | None = None

    def open(self) -> None:
        """Connect and say ``online``.

        Raises:
            UnreachableError: The broker is not there, or not ready.
            RefusedError: It does not let this client in.
        """
        connection = _Connection(self._client())
        try:
            connection.connect(self._host, self._port)
            connection.publish([(self._status, b"online", True)])
        except BusError:
            connection.close()
            raise
        self._connection = connection

    def deliver(self, events: Sequence[AnyEvent]) -> None:
        """Publish the events and wait until the broker has confirmed each."""
        if self._connection is None:
            self.open()
        assert self._connection is not None
        try:
            self._connection.publish(
                [(self._topic(event), dump(event), event.kind == "state") for event in events]
            )
        except BusError:
            self.close()
            raise

    def check(self) -> None:
        """Connect anew where the connection was lost."""
        if self._connection is None:
            self.open()
        elif self._connection.lost:
            self.close()
            raise UnreachableError("the connection ended")

    def close(self) -> None:
        """Disconnect; the broker says ``offline``."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _status(self) -> str:
        return f"{self._prefix}/_bridge"

    def _topic(self, event: AnyEvent) -> str:
        # Sources made in Python may have any name.
        stream = re.sub(r"[+#/\0]", "-", event.stream)
        return f"{self._prefix}/{stream}/{event.kind}"

    def _client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2, self._client_id, protocol=paho.MQTTv5, reconnect_on_failure=False
        )
        client.connect_timeout = CONNECT_S
        client.will_set(self._status, b"offline", qos=1, retain=True)
        if self._user is not None:
            client.username_pw_set(self._user, self._password)
        if self._tls:
            try:
                client.tls_set(str(self._ca) if self._ca else None)
            except (OSError, ValueError) as error:
                raise RefusedError(
                    f"the certificates in {self._ca} cannot be used ({reason(error)}): name a PEM file"
                ) from error
        return client


class _Connection:
    """One connection to a broker, from its first byte to its end."""

    def __init__(self, client: paho.Client) -> None:
        self._client = client
        self._changed = threading.Condition()
        self._answer: ReasonCode | None = None
        self._lost = False
        self._confirmed: dict[int, ReasonCode] = {}
        client.on_connect = self._note_answer
        client.on_disconnect = self._note_end
        client.on_publish = self._note_confirmed

    def connect(self, host: str, port: int) -> None:
        try:
            self._client.connect(host, port, KEEPALIVE_S, clean_start=True)
        except (OSError, ValueError) as error:
            raise UnreachableError(reason(error)) from error
        self._client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self._answer is not None or self._lost, CONNECT_S)
            answer = self._answer
        if answer is None:
            raise UnreachableError("it does not answer as an MQTT 5 broker")
        if answer.is_failure:
            raise _failure("the broker does not let the bridge in", answer)

    @property
    def lost(self) -> bool:
        """Whether it has ended."""
        return self._lost

    def publish(self, messages: Sequence[tuple[str, bytes, bool]]) -> None:
        """Publish (topic, body, whether retained) and wait until all are confirmed."""
        numbers = set()
        for topic, body, retain in messages:
            sent = self._client.publish(topic, body, qos=1, retain=retain)
            if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise UnreachableError("the connection ended")
            numbers.add(sent.mid)
        deadline = time.monotonic() + CONFIRM_S
        with self._changed:
            self._changed.wait_for(
                lambda: self._lost or numbers <= self._confirmed.keys(), deadline - time.monotonic()
            )
            answers = [self._confirmed.pop(number, None) for number in numbers]
            lost = self._lost
        for answer in answers:
            if answer is not None and answer.is_failure:
                raise _failure("the broker does not take an event", answer)
        if None in answers:
            raise UnreachableError(
                "the connection ended" if lost else f"no confirmation came within {CONFIRM_S:g} s"
            )

    def close(self) -> None:
        # A plain farewell would have the broker forget the will.
        self._client.disconnect(ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message"))
        self._client.loop_stop()

    def _note_answer(self, client: Any, data: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
        with self._changed:
            self._answer = code
            self._changed.notify_all()

    def _note_end(self, client: Any, data: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
        with self._changed:
            self._lost = True
            self._changed.notify_all()

    def _note_confirmed(self, client: Any, data: Any, mid: int, code: ReasonCode, properties: Any) -> None:
        with self._changed:
            self._confirmed[mid] = code
            self._changed.notify_all()


def _failure(what: str, code: ReasonCode) -> BusError:
    words = f"{what} ({str(code).lower()})"
    return UnreachableError(words) if code.value in PASSING else RefusedError(words)
