"""Runs the dashboard: a socket, a web server on it, and a subscriber behind that."""

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import uvicorn

from rtme.bus.address import is_loopback
from rtme.errors import BusError, SettingsError
from rtme.view.dashboard.access import SHORTEST_TOKEN, Guard, new_token
from rtme.view.dashboard.app import new_app
from rtme.view.dashboard.feed import Feed
from rtme.view.dashboard.history import History
from rtme.view.dashboard.hub import Hub

# What a page says of itself is short.
MOST_BYTES = 1 << 16
GRACE_S = 2


class Dashboard:
    """A web server that shows what a service says.

    Args:
        address: ``tcp://host:port`` of the service; it need not run yet.
        host: Where the page is served.
        port: Likewise; 0: any free one.
        token: What a browser must bring. None: one is made where other machines can reach ``host``, else none is needed.
        keys: Folder of keys for the service; None: as subscribers have it.
        insecure: Use no keys though the service is on another machine.

    Attributes:
        link: What to open in a browser, with the token.
        port: The real one.

    Raises:
        SettingsError: It cannot be served there, or the token is too short.
    """

    def __init__(
        self,
        address: str,
        *,
        host: str = "127.0.0.1",
        port: int = 8765,
        token: str | None = None,
        keys: Path | None = None,
        insecure: bool = False,
    ) -> None:
        if token is not None and len(token) < SHORTEST_TOKEN:
            raise SettingsError(
                f"the token has {len(token)} characters: give {SHORTEST_TOKEN} or more, or leave --token out "
                "to have one made"
            )
        if token is None and not is_loopback(host):
            token = new_token()
        self._address = address
        self._keys, self._insecure = keys, insecure
        self._token = token
        self._socket = _bound(host, port)
        self.port: int = self._socket.getsockname()[1]
        # A plus or an ampersand would mean something else in a link.
        query = f"?token={quote(token, safe='')}" if token else ""
        self.link = f"http://{_reached(host)}:{self.port}/{query}"
        self._server: _Server | None = None
        self._stopped = False

    def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Serve until :meth:`stop`.

        Args:
            on_ready: Called when the page can be opened.

        Raises:
            BusError: The service's address or the keys cannot be used.
        """
        asyncio.run(self._run(on_ready))

    def stop(self) -> None:
        """Let :meth:`run` end; from any thread or signal handler."""
        self._stopped = True
        if self._server is not None:
            self._server.should_exit = True

    async def _run(self, on_ready: Callable[[], None]) -> None:
        history, hub = History(), Hub()
        try:
            feed = Feed(self._address, history, hub, keys=self._keys, insecure=self._insecure)
        except BusError:
            self._socket.close()
            raise
        config = uvicorn.Config(
            Guard(new_app(feed, history, hub), self._token, self.port),
            loop="asyncio",
            ws="websockets-sansio",
            ws_max_size=MOST_BYTES,
            # Mostly numbers to the same machine: packing costs more than it saves.
            ws_per_message_deflate=False,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_S,
        )
        self._server = _Server(config, on_ready)
        self._server.should_exit = self._stopped
        serving = asyncio.create_task(self._server.serve([self._socket]))
        listening = asyncio.create_task(feed.run())
        await asyncio.wait([serving, listening], return_when=asyncio.FIRST_COMPLETED)
        # A page that hears nothing any more must not look like a service that is silent.
        self._server.should_exit = True
        await serving
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the command, which knows what they mean."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(where)
        except OSError:
            bound.close()
            raise
    except (OSError, UnicodeError) as error:
        raise SettingsError(
            f"the dashboard cannot be served on {host}:{port}: {_why_not(host, error)}"
        ) from error
    return bound


def _why_not(host: str, error: OSError | UnicodeError) -> str:
    """What is wrong with a place to serve on, and what to do."""
    elsewhere = "leave --host out for this machine alone, or give an address of it; 0.0.0.0 is all of them"
    # A name that breaks the rules for names is told as a UnicodeError.
    if isinstance(error, socket.gaierror | UnicodeError):
        return f"no machine of the name {host!r} is found: {elsewhere}"
    match error.errno:
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine: {elsewhere}"
        case errno.EADDRINUSE:
            return "another program has the port: end it, perhaps another dashboard, or choose another with --port"
        case errno.EACCES:
            return "this port is kept for the administrator: choose one from 1024 on with --port"
        case _:
            return f"{error.strerror or error}: choose another --host or --port"


def _reached(host: str) -> str:
    """The host as others write it in a link."""
    if host in ("0.0.0.0", "::", ""):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
