"""Events to a web server."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

from rtme.bus.bridges.signature import HEADER, signed
from rtme.bus.bridges.target import RefusedError, UnreachableError, reason
from rtme.errors import BusError
from rtme.events import AnyEvent, dump

CONNECT_S = 10.0
ANSWER_S = 30.0
READ_BYTES = 65_536


class WebhookTarget:
    """Posts each event as JSON, or several as a JSON array.

    An answer of 2xx confirms. 408, 429, 5xx and a connection that fails are tried again, no sooner than ``Retry-After``
    asks. Any other answer refuses the event.

    Args:
        url: ``http://`` or ``https://``, with ``user:password@`` for basic authentication.
        secret: Signs every request (:mod:`rtme.bus.bridges.signature`); None signs none.
        batch: Most events of an array; None posts each alone.
        skip_refused: Pass over what is refused, and count it, instead of raising.
        ca: Certificates to trust instead of the usual ones.
        say: Called with a sentence when the first event is passed over.

    Attributes:
        skipped: Events that were refused and passed over.

    Raises:
        BusError: ``url`` is no such address.
    """

    def __init__(
        self,
        url: str,
        secret: bytes | None = None,
        batch: int | None = None,
        skip_refused: bool = False,
        ca: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
            requests.Request("POST", url).prepare()
        except (ValueError, requests.RequestException):
            parts, port = urlsplit(""), None
        if parts.hostname is None:
            raise BusError("the address of the web server cannot be used: write https://host/path")
        self._url = url
        self._secret = secret
        self._batch = batch
        self._skip_refused = skip_refused
        self._say = say
        self.most = batch or 1
        self.skipped = 0
        # Many services put a token into the path or the query.
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self.name = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
        self.key = f"{self.name}{parts.path}?{parts.query}"
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "rtme"
        # Given with each request: REQUESTS_CA_BUNDLE overrides what the session has.
        self._verify: str | None = None if ca is None else str(ca)

    def open(self) -> None:
        """Nothing to connect to before there is an event."""

    def deliver(self, events: Sequence[AnyEvent]) -> None:
        """Post the events and wait for the answer."""
        headers = {"Content-Type": "application/json"}
        if self._batch is None:
            [event] = events
            body = dump(event)
            headers["X-Rtme-Delivery"] = f"{event.run_id}/{event.seq}"
        else:
            body = b"[" + b",".join(dump(event) for event in events) + b"]"
        if self._secret is not None:
            headers[HEADER] = signed(self._secret, body, int(time.time()))
        try:
            with self._session.post(
                self._url,
                data=body,
                headers=headers,
                timeout=(CONNECT_S, ANSWER_S),
                allow_redirects=False,
                verify=self._verify,
                stream=True,
            ) as answer:
                status, retry_after = answer.status_code, answer.headers.get("Retry-After")
                # Only the status counts, but a connection is kept only when its answer was read.
                with suppress(HTTPError):
                    answer.raw.read(READ_BYTES)
        except requests.Timeout as error:
            raise UnreachableError("it does not answer in time") from error
        except requests.exceptions.SSLError as error:
            raise UnreachableError(
                "its certificate cannot be trusted (--ca names others to trust)"
            ) from error
        except requests.RequestException as error:
            raise UnreachableError(reason(error)) from error
        except OSError as error:
            raise RefusedError(f"the certificates to trust cannot be read: {error}") from error
        self._judge(status, retry_after, events)

    def check(self) -> None:
        """Each delivery connects where it must."""

    def close(self) -> None:
        """Close the connection that was kept."""
        self._session.close()

    def _judge(self, status: int, retry_after: str | None, events: Sequence[AnyEvent]) -> None:
        if 200 <= status < 300:
            return
        if status in (408, 429) or status >= 500:
            raise UnreachableError(f"it answers {status}", _pause(retry_after))
        refusal = f"{self.name} answers {status} to event {events[0].run_id}/{events[0].seq}"
        if 300 <= status < 400:
            raise RefusedError(f"{refusal}: it redirects: name the address it redirects to")
        if not self._skip_refused:
            raise RefusedError(
                f"{refusal}: set right what it refuses, or pass over such events with --skip-refused"
            )
        if not self.skipped:
            self._say(
                f"{refusal}: it is passed over, and so is what else it refuses; how many, is said at the end"
            )
        self.skipped += len(events)


def _pause(retry_after: str | None) -> float | None:
    """Seconds that a ``Retry-After`` header asks for, which holds seconds or a date."""
    if retry_after is None:
        return None
    try:
        return Retry().parse_retry_after(retry_after)
    except InvalidHeader:
        return None
