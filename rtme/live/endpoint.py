"""The service's HTTP door: ``/metrics`` for Prometheus, ``/healthz`` for whoever restarts what is not well."""

import json
import socket
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app

from rtme import __version__
from rtme.bus.address import is_loopback, shown, split
from rtme.errors import BusError
from rtme.live.metrics import ServiceCollector
from rtme.live.status import ServiceStatus

DEFAULT = "127.0.0.1:9464"
PATIENCE_S = 5


class Endpoint:
    """Answers from threads of its own, so that it can tell when the service's are stuck.

    Args:
        where: ``host:port``; port ``*`` or ``0``: any free one.
        status: Gives the service's status; must not wait.
        insecure: Allow an address that other machines can reach.

    Attributes:
        address: ``http://host:port``, with the real port.

    Raises:
        BusError: It is no address, other machines could reach it, or it cannot be bound.
    """

    def __init__(self, where: str, status: Callable[[], ServiceStatus], *, insecure: bool = False) -> None:
        host, port = _split(where, insecure=insecure)
        self._status = status
        # The process has one registry for everybody; what is in it is none of ours.
        registry = CollectorRegistry()
        registry.register(ServiceCollector(status))
        ProcessCollector(registry=registry)
        self._metrics = make_wsgi_app(registry)
        try:
            self._server = make_server(host, port, self._answer, _server(host), _Handler)
        except OSError as error:
            raise BusError(
                f"metrics cannot be served on {where} ({error.strerror}): stop what uses that port, or name another, "
                f"such as 127.0.0.1:9465"
            ) from error
        name = f"[{host}]" if ":" in host else host
        self.address = f"http://{name}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="rtme-metrics", daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering. Safe to call twice."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(PATIENCE_S)
        self._server.server_close()

    def _answer(self, request: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        path = request.get("PATH_INFO", "/")
        if path == "/metrics":
            scraped: Iterable[bytes] = self._metrics(request, respond)
            return scraped
        if path == "/healthz":
            said = health(self._status())
            line = "200 OK" if said["healthy"] else "503 Service Unavailable"
            return _body(respond, line, "application/json", json.dumps(said, indent=2))
        line = "200 OK" if path == "/" else "404 Not Found"
        return _body(respond, line, "text/plain; charset=utf-8", f"rtme {__version__}: /metrics, /healthz")


def health(status: ServiceStatus) -> dict[str, Any]:
    """What ``/healthz`` says: ``healthy``, the ``reasons`` where it is not, and what that was judged by."""
    reasons = [*status.faults(), *status.lacks()]
    return {
        "healthy": not reasons,
        "reasons": reasons,
        "version": __version__,
        "run_id": status.run_id,
        "engine": status.beat.engine,
        "backend": status.beat.backend,
        "uptime_s": status.beat.uptime_s,
        "heartbeat_age_s": round(status.beat_age_s, 3),
        "sources": {name: one.state for name, one in status.beat.streams.items()},
    }


def _split(where: str, *, insecure: bool) -> tuple[str, int]:
    try:
        host, port = split(f"tcp://{where}")
    except BusError as error:
        raise BusError(
            f"{shown(where)!r} is no address for metrics: write host:port, such as {DEFAULT}"
        ) from error
    if not insecure and not is_loopback(host):
        raise BusError(
            f"metrics on {where} can be read by other machines: name {DEFAULT}, or say `--metrics-insecure` "
            "(`metrics_insecure`) where the network itself is trusted"
        )
    return "" if host == "*" else host, 0 if port == "*" else int(port)


def _body(respond: StartResponse, line: str, kind: str, text: str) -> list[bytes]:
    body = f"{text}\n".encode()
    respond(line, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]


class _Handler(WSGIRequestHandler):
    timeout = PATIENCE_S  # who connects and says nothing must not keep a thread

    def log_message(self, format: str, *arguments: Any) -> None:
        """A scrape every few seconds is not worth a line each."""


def _server(host: str) -> type[WSGIServer]:
    class Server(ThreadingMixIn, WSGIServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True

    return Server
