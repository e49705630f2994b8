"""A wire that damages: a TCP proxy for RTSP that loses some of the pictures' packets and turns bits over in others."""

import random
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

HEADERS = 16
"""Bytes of an interleaved packet that stay: its frame and RTP's header. A switch that breaks those breaks the connection."""


class DamagingProxy:
    """Stands between clients and an RTSP server whose packets travel over TCP. Only pictures are damaged.

    Args:
        port: Of the server, on loopback.
        share: Of the packets that are damaged; every second of them is lost, the others have a bit turned over.
        seed: Which.

    Attributes:
        port: Where clients connect to.
        passed: Packets of pictures so far.
        damaged: Of these.
    """

    def __init__(self, port: int, share: float, seed: int = 0) -> None:
        self.passed = self.damaged = 0
        self._share = share
        self._dice = random.Random(seed)
        self._server_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (self._listener, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._sockets += [client, server]
                for way, source, sink in ((self._words, client, server), (self._pictures, server, client)):
                    threading.Thread(target=self._pump, args=(way, source, sink), daemon=True).start()

    def _pump(self, way: object, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError, EOFError):
            way(source, sink)  # type: ignore[operator]
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _words(self, source: socket.socket, sink: socket.socket) -> None:
        while data := source.recv(65536):
            sink.sendall(data)

    def _pictures(self, source: socket.socket, sink: socket.socket) -> None:
        stream = source.makefile("rb")
        while first := stream.read(1):
            if first == b"$":
                head = stream.read(3)
                packet = bytearray(first + head + stream.read(int.from_bytes(head[1:], "big")))
                if head[0] % 2 or self._passes(packet):  # odd channels carry RTCP
                    sink.sendall(packet)
            else:
                sink.sendall(first + self._answer(stream.readline, stream.read))

    def _answer(self, readline: object, read: object) -> bytes:
        """The rest of an RTSP answer: lines up to an empty one, then as many bytes as they name."""
        said, length = b"", 0
        while True:
            line: bytes = readline()  # type: ignore[operator]
            said += line
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            if line in (b"\r\n", b""):
                return said + (read(length) if length else b"")  # type: ignore[operator]

    def _passes(self, packet: bytearray) -> bool:
        self.passed += 1
        if self._dice.random() >= self._share or len(packet) <= HEADERS + 1:
            return True
        self.damaged += 1
        place = self._dice.randrange(HEADERS, len(packet))
        packet[place] ^= 1 << self._dice.randrange(8)
        return self.damaged % 2 == 0
