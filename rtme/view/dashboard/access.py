"""Who may see the dashboard, and what its pages may do."""

import hashlib
import hmac
import secrets
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rtme.bus.address import is_loopback

SHORTEST_TOKEN = 16
COOKIE_S = 30 * 24 * 3600
# Nothing from elsewhere, no code or style in the page itself, nobody's frame.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>rtme dashboard</title><link rel="stylesheet" href="/page/style.css">
<main class="refused"><h1>{title}</h1><p>{text}</p></main>
"""


def new_token() -> str:
    """A token nobody can guess."""
    return secrets.token_urlsafe(24)


class Guard:
    """Lets in whoever may see the dashboard, and puts the headers on every answer.

    Without a token only browsers on this machine get in, under a name that means it: a page from elsewhere whose name was
    made to point here (DNS rebinding) has another. With one, the link that holds it leaves a cookie, which is not the token.

    Args:
        app: What is guarded.
        token: What the link must hold; None: nothing.
        port: Of the dashboard, since browsers keep cookies by host alone.
    """

    def __init__(self, app: ASGIApp, token: str | None, port: int) -> None:
        self._app = app
        self._token = token
        self._name = f"rtme-{port}"
        self._pass = None if token is None else hmac.digest(token.encode(), b"cookie", "sha256").hex()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or one websocket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if scope["type"] == "websocket":
            origin = headers.get("origin")
            if refusal is not None or (origin is not None and urlsplit(origin).netloc != headers.get("host")):
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await (refusal or self._app)(scope, receive, with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """What is answered instead; None to let in."""
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        if self._token is None:
            if is_loopback(host):
                return None
            return PlainTextResponse(
                f"{host!r} is not a name of this machine: open http://127.0.0.1:{self._name[5:]}/\n", 403
            )
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token")
        if given is not None and scope["path"] == "/" and scope["type"] == "http":
            if not self._same(given[0], self._token):
                return _refused(
                    403,
                    "This link is wrong or old",
                    "The dashboard may have been started again since, with another token. Open the link that "
                    "<code>rtme dashboard</code> printed last.",
                )
            return self._welcome()
        if scope["path"] == "/page/style.css" or self._has_pass(headers):
            return None
        return _refused(
            401,
            "This dashboard needs its link",
            "Open the whole link that <code>rtme dashboard</code> printed where it was started, with the part behind "
            "<code>?token=</code>. It is needed once in each browser.",
        )

    def _has_pass(self, headers: Headers) -> bool:
        assert self._pass is not None
        assert self._token is not None
        # Headers are read as Latin-1; whoever sends more than ASCII means UTF-8, as in a link.
        bearer = headers.get("authorization", "").encode("latin-1").decode("utf-8", "replace")
        if bearer.startswith("Bearer ") and self._same(bearer[7:], self._token):
            return True
        # Cookies of other programs on this host come along, and may be no cookies by the book.
        cookie = cookie_parser(headers.get("cookie", "")).get(self._name)
        return cookie is not None and self._same(cookie, self._pass)

    def _welcome(self) -> Response:
        assert self._pass is not None
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._name, self._pass, max_age=COOKIE_S, httponly=True, samesite="lax")
        return answer

    @staticmethod
    def _same(given: str, right: str) -> bool:
        # Of digests: the time it takes says nothing of the length either.
        return hmac.compare_digest(_digest(given), _digest(right))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _refused(status: int, title: str, text: str) -> Response:
    return HTMLResponse(_PAGE.format(title=title, text=text), status)
