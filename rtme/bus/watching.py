"""Traces and previews of a service, as they arrive."""

import time
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

import zmq
import zmq.asyncio

from rtme.bus.address import DEFAULT_ADDRESS
from rtme.bus.curve import client_keys
from rtme.bus.subscriber import connect, new_socket
from rtme.traces import PREVIEW, TRACE, Shown, read_parts

MOST_BYTES = 1 << 24
# Whoever looks on wants the newest: a second of previews of a few streams.
HIGH_WATER = 100


class _Onlooker:
    """What both kinds are, except for how they wait."""

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        previews: bool = False,
        keys: Path | str | None = None,
        insecure: bool = False,
    ) -> None:
        self.address = address
        self.malformed = 0
        self._context = zmq.Context()
        self._socket = new_socket(
            self._context, address, client_keys(address, keys, insecure=insecure), MOST_BYTES
        )
        self._socket.set(zmq.RCVHWM, HIGH_WATER)
        self._socket.subscribe(TRACE.encode())
        self._looked_at: frozenset[str] = frozenset()
        if previews:
            self._socket.subscribe(PREVIEW.encode())
        connect(self._socket, address)

    def look_at(self, streams: Collection[str]) -> None:
        """Take the pictures of these streams, and of those whose names begin with theirs; no others are sent to here."""
        wanted = frozenset(streams)
        for stream in wanted - self._looked_at:
            self._socket.subscribe((PREVIEW + stream).encode())
        for stream in self._looked_at - wanted:
            self._socket.unsubscribe((PREVIEW + stream).encode())
        self._looked_at = wanted

    def _take(self) -> Shown | None:
        """What is there, without waiting."""
        while True:
            try:
                return read_parts(self._socket.recv_multipart(zmq.DONTWAIT))
            except zmq.Again:
                return None
            except ValueError:
                self.malformed += 1

    def _close(self) -> None:
        self._socket.close(0)
        self._context.term()


class Onlooker(_Onlooker):
    """Takes what a service shows: pieces of each face's curve and, if it was started with ``--preview``, pictures.

    What is missed is gone: events are had from :class:`rtme.Subscriber`. Use it from one thread.

    Args:
        address: ``tcp://host:port`` of the service.
        previews: Take pictures too.
        keys: Folder of keys (:mod:`rtme.bus.curve`). None: for another machine the default folder's, for this one none.
        insecure: Use no keys though the service is on another machine.

    Attributes:
        malformed: Messages that were nothing of the kind.

    Raises:
        BusError: The address cannot be used, or the keys.
    """

    def receive(self, timeout_s: float) -> Shown | None:
        """The next one, or None when none came within ``timeout_s`` seconds."""
        deadline = time.monotonic() + timeout_s
        while (shown := self._take()) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not self._socket.poll(max(1, round(left * 1000))):
                return self._take()
        return shown

    def close(self) -> None:
        """Stop looking. Safe to call twice."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncOnlooker(_Onlooker):
    """:class:`Onlooker` for asyncio, with the same arguments and attributes. Use it from one event loop."""

    async def receive(self, timeout_s: float) -> Shown | None:
        """The next one, or None when none came within ``timeout_s`` seconds."""
        deadline = time.monotonic() + timeout_s
        while (shown := self._take()) is None:
            left = deadline - time.monotonic()
            poller = zmq.asyncio.Poller()
            poller.register(self._socket, zmq.POLLIN)
            if left <= 0 or not await poller.poll(max(1, round(left * 1000))):
                return self._take()
        return shown

    async def close(self) -> None:
        """Stop looking. Safe to call twice."""
        self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
