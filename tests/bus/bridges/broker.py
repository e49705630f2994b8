"""Debian's mosquitto as a process, and a client that keeps what it receives."""

import json
import os
import shutil
import signal
import subprocess
import threading
import uuid
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
needs_mosquitto = pytest.mark.skipif(
    MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto"
)
FILTER = "+/#"


class Broker:
    """Mosquitto on a port, with what it must remember on disk."""

    def __init__(self, folder: Path, port: int, *lines: str) -> None:
        self.port = port
        self._config = folder / "mosquitto.conf"
        self._log = folder / "mosquitto.log"
        self._memory = folder / "mosquitto.db"
        self._config.write_text(
            "\n".join(
                [
                    f"listener {port} 127.0.0.1",
                    *(lines or ["allow_anonymous true"]),
                    *(["user root"] if os.geteuid() == 0 else []),
                    "persistence true",
                    f"persistence_location {folder}/",
                    "autosave_interval 1",
                    "autosave_on_changes true",
                    "max_queued_messages 0",
                ]
            )
            + "\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO is not None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)], stdout=log, stderr=log)

    def remembers_the_listener(self) -> bool:
        """Whether the listener's session is on disk, and so outlives a kill."""
        return self._memory.exists() and FILTER.encode() in self._memory.read_bytes()

    def hang(self) -> None:
        """Read and answer nothing until :meth:`go_on`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


class Listener:
    """Subscribes to everything, in a session that outlives the connection and the broker.

    Attributes:
        got: Topic, body and whether it was retained of every message, as it came.
    """

    def __init__(self, port: int, user: str | None = None, password: str | None = None) -> None:
        self.got: list[tuple[str, bytes, bool]] = []
        self.ready = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"listener-{uuid.uuid4().hex}", protocol=paho.MQTTv5
        )
        if user is not None:
            self._client.username_pw_set(user, password)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = lambda *_: self.ready.set()
        self._client.on_message = self._keep
        lasting = Properties(PacketTypes.CONNECT)
        lasting.SessionExpiryInterval = 3600
        self._client.connect_async("127.0.0.1", port, clean_start=False, properties=lasting)
        self._client.loop_start()

    def texts(self) -> list[str]:
        """Of the warnings that came."""
        return [json.loads(body)["text"] for topic, body, _ in self.got if topic.endswith("/warning")]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, client: paho.Client, *_: Any) -> None:
        client.subscribe(FILTER, options=SubscribeOptions(qos=1, retainAsPublished=True))

    def _keep(self, client: Any, data: Any, message: paho.MQTTMessage) -> None:
        self.got.append((message.topic, message.payload, message.retain))
