"""A web server that answers as it is told to."""

import ssl
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Answer = tuple[int, dict[str, str]]


class WebServer:
    """Keeps every request and answers with the next of ``answers``, then with 204.

    Attributes:
        got: Headers and body of every request that was answered with 2xx.
        refused: Likewise of the others.
    """

    def __init__(
        self, answers: Iterable[Answer] = (), port: int = 0, certificate: tuple[Path, Path] | None = None
    ) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.refused: list[tuple[dict[str, str], bytes]] = []
        self._answers = iter(list(answers))
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def bodies(self) -> list[bytes]:
        return [body for _, body in self.got]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take: Callable[[dict[str, str], bytes], Answer] = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers = take(dict(self.headers), body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def _take(self, headers: dict[str, str], body: bytes) -> Answer:
        with self._lock:
            answer = next(self._answers, (204, {}))
            (self.got if 200 <= answer[0] < 300 else self.refused).append((headers, body))
        return answer
