"""Who gets in, asked over real sockets; no service is needed for that."""

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

pytest.importorskip(
    "uvicorn", reason="the dashboard's web server is not installed: pip install '.[dashboard]'"
)

import asyncio
import threading

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.typing import Origin

from rtme.errors import SettingsError
from rtme.view.dashboard.server import Dashboard

NOBODY = "tcp://127.0.0.1:9"
TOKEN = "a-token-that-only-these-tests-know"
SIGNS = "a+b/c=d&e#f%41;g é ö?"
PLACES = ["/", "/api/events", "/api/timeline?stream=cam&from=0&to=1", "/export.csv", "/export.json", "/page/"]


def served(**how: object) -> Iterator[Dashboard]:
    dashboard = Dashboard(NOBODY, port=0, **how)  # type: ignore[arg-type]
    ready = threading.Event()
    serving = threading.Thread(target=dashboard.run, args=[ready.set])
    serving.start()
    assert ready.wait(30)
    yield dashboard
    dashboard.stop()
    serving.join(30)
    assert not serving.is_alive()


@pytest.fixture(scope="module")
def own() -> Iterator[Dashboard]:
    """For this machine, without a token."""
    yield from served()


@pytest.fixture(scope="module")
def locked() -> Iterator[Dashboard]:
    """With a token."""
    yield from served(token=TOKEN)


@pytest.fixture(scope="module")
def signed() -> Iterator[Dashboard]:
    """With a token that holds signs which mean something in a link."""
    yield from served(token=SIGNS)


def ask(dashboard: Dashboard, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=30)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=names)
    answer = connection.getresponse()
    answer.text = answer.read().decode()  # type: ignore[attr-defined]
    connection.close()
    return answer


def test_on_this_machine_no_token_is_needed(own: Dashboard) -> None:
    assert "token" not in own.link
    assert ask(own, "/").status == 200
    assert ask(own, "/api/events").status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "192.0.2.7", "127.0.0.1.evil.example", ""]
)
def test_a_name_that_was_made_to_point_here_is_refused(own: Dashboard, host: str) -> None:
    for path in ("/", "/api/events", "/export.csv"):
        assert ask(own, path, Host=host.format(port=own.port)).status == 403


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}"])
def test_names_of_this_machine_are_let_in(own: Dashboard, host: str) -> None:
    assert ask(own, "/", Host=host.format(port=own.port)).status == 200


@pytest.mark.parametrize("path", PLACES)
def test_without_the_token_nothing_is_told(locked: Dashboard, path: str) -> None:
    for headers in ({}, {"Cookie": f"rtme-{locked.port}={TOKEN}"}, {"Authorization": "Bearer wrong"}):
        answer = ask(locked, path, **headers)
        assert answer.status == 401
        assert TOKEN not in answer.text  # type: ignore[attr-defined]
    assert "rtme dashboard" in ask(locked, "/").text  # type: ignore[attr-defined]


@pytest.mark.parametrize("wrong", ["wrong", "", TOKEN[:-1], TOKEN + "x", "%00", "%ff", "é"])
def test_a_wrong_link_says_what_to_do(locked: Dashboard, wrong: str) -> None:
    from urllib.parse import quote

    answer = ask(locked, f"/?token={quote(wrong, safe='%')}")
    assert answer.status in (401, 403)
    assert answer.getheader("Set-Cookie") is None
    assert "Open the" in answer.text  # type: ignore[attr-defined]


def test_the_link_leaves_a_cookie_that_is_not_the_token(locked: Dashboard) -> None:
    answer = ask(locked, f"/?{urlsplit(locked.link).query}")
    assert (answer.status, answer.getheader("Location")) == (303, "/")
    cookie = answer.getheader("Set-Cookie")
    assert cookie is not None
    assert TOKEN not in cookie
    assert "HttpOnly" in cookie
    assert "samesite" in cookie.lower()
    known = cookie.partition(";")[0]
    for path in ("/", "/api/events", "/export.csv"):
        assert ask(locked, path, Cookie=known).status == 200
    assert ask(locked, "/", Cookie=known[:-1] + ("0" if known[-1] != "0" else "1")).status == 401


def test_a_program_may_bring_it_as_bearer(locked: Dashboard) -> None:
    assert ask(locked, "/api/events", Authorization=f"Bearer {TOKEN}").status == 200


def test_a_token_may_hold_any_sign(signed: Dashboard) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w.~%-]+", signed.link)
    assert ask(signed, f"/?{urlsplit(signed.link).query}").status == 303
    sent = SIGNS.encode().decode("latin-1")
    assert ask(signed, "/api/events", Authorization=f"Bearer {sent}").status == 200
    assert ask(signed, "/api/events", Authorization=f"Bearer {sent}x").status == 401


@pytest.mark.parametrize("other", ["a b=c", 'seen={"a": [1, 2]}', "@", "x[]=1", 'q="', "=", "é=ö"])
def test_a_cookie_of_another_program_locks_nobody_out(locked: Dashboard, other: str) -> None:
    cookie = ask(locked, f"/?{urlsplit(locked.link).query}").getheader("Set-Cookie")
    assert cookie is not None
    known = cookie.partition(";")[0]
    for both in (f"{other}; {known}", f"{known}; {other}"):
        assert ask(locked, "/", Cookie=both).status == 200
    assert ask(locked, "/", Cookie=other).status == 401


def test_with_a_token_it_may_stand_behind_a_web_server_of_another_name(locked: Dashboard) -> None:
    answer = ask(locked, f"/?{urlsplit(locked.link).query}", Host="dash.example")
    assert (answer.status, answer.getheader("Location")) == (303, "/")
    known = answer.getheader("Set-Cookie", "").partition(";")[0]
    assert ask(locked, "/", Host="dash.example", Cookie=known).status == 200

    async def hello() -> str:
        async with connect(
            "ws://dash.example/live",
            host="127.0.0.1",
            port=locked.port,
            origin=Origin("https://dash.example"),
            additional_headers={"Cookie": known},
        ) as socket:
            return str(await asyncio.wait_for(socket.recv(), 30))

    assert '"hello"' in asyncio.run(hello())


def test_every_answer_keeps_the_page_to_itself(own: Dashboard, locked: Dashboard) -> None:
    for dashboard, path in ((own, "/"), (own, "/api/events"), (own, "/nothing"), (locked, "/")):
        answer = ask(dashboard, path)
        policy = answer.getheader("Content-Security-Policy", "")
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("Referrer-Policy") == "no-referrer"
        assert answer.getheader("Cache-Control") == "no-store"
        assert answer.getheader("Access-Control-Allow-Origin") is None


@pytest.mark.parametrize(
    "path", ["/page/../access.py", "/page/%2e%2e/access.py", "/page/..%2faccess.py", "/page//etc/passwd"]
)
def test_no_other_file_is_given(own: Dashboard, path: str) -> None:
    assert ask(own, path).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/api/timeline",
        "/api/timeline?stream=cam&from=1&to=1",
        "/api/timeline?stream=cam&from=nan&to=1",
        "/api/timeline?stream=cam&from=0&to=inf",
        "/api/timeline?stream=cam&from=0&to=1&points=x",
        "/api/events?limit=x",
        "/api/events?before=1",
        "/api/events?before=x&run=y",
        "/api/events?from=x",
        "/export.csv?from=x",
    ],
)
def test_bad_questions_get_a_sentence(own: Dashboard, path: str) -> None:
    answer = ask(own, path)
    assert answer.status == 400
    assert "must" in answer.text  # type: ignore[attr-defined]


def test_nothing_can_be_changed(own: Dashboard) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert ask(own, "/api/events", method).status == 405


async def first_words(dashboard: Dashboard, **headers: str) -> str:
    url = f"ws://127.0.0.1:{dashboard.port}/live"
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    async with connect(url, additional_headers=names) as socket:
        return str(await asyncio.wait_for(socket.recv(), 30))


def test_the_live_socket_obeys_the_same(own: Dashboard, locked: Dashboard) -> None:
    assert '"hello"' in asyncio.run(first_words(own))
    assert '"hello"' in asyncio.run(first_words(own, Origin=f"http://127.0.0.1:{own.port}"))
    assert '"hello"' in asyncio.run(first_words(locked, Authorization=f"Bearer {TOKEN}"))
    for dashboard, headers in (
        (own, {"Origin": "http://evil.example"}),
        (own, {"Origin": "null"}),
        (locked, {}),
        (locked, {"Authorization": f"Bearer {TOKEN}", "Origin": "http://evil.example"}),
    ):
        with pytest.raises((InvalidStatus, ConnectionClosedError)):
            asyncio.run(first_words(dashboard, **headers))


def test_what_a_page_says_wrongly_ends_its_connection_alone(own: Dashboard) -> None:
    async def say(text: str) -> None:
        async with connect(f"ws://127.0.0.1:{own.port}/live") as socket:
            await socket.recv()
            await socket.send(text)
            await asyncio.wait_for(socket.wait_closed(), 30)

    for text in (
        "",
        "{",
        "[]",
        '{"watch": 1}',
        '{"watch": "cam", "pictures": []}',
        '{"watch": null, "pictures": null}',
        '{"watch": [], "pictures": [1]}',
        '{"watch": [], "pictures": [[]]}',
        '{"watch": [], "pictures": ["\\ud800"]}',
        "[" * 60_000,
    ):
        asyncio.run(say(text))
    assert '"hello"' in asyncio.run(first_words(own))


def test_a_short_token_is_refused() -> None:
    with pytest.raises(SettingsError, match="3 characters"):
        Dashboard(NOBODY, port=0, token="abc")


def test_where_others_can_reach_it_a_token_is_made() -> None:
    one, two = (Dashboard(NOBODY, host="0.0.0.0", port=0) for _ in range(2))
    tokens = [urlsplit(dashboard.link).query.removeprefix("token=") for dashboard in (one, two)]
    assert len(set(tokens)) == 2
    assert all(re.fullmatch(r"[\w-]{32,}", token) for token in tokens)
    for dashboard in (one, two):
        dashboard._socket.close()


def test_the_command_says_where_it_is_and_ends_at_a_signal() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "rtme", "dashboard", NOBODY, "--host", "0.0.0.0", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "300"},
    )
    assert process.stderr is not None
    first, second = process.stderr.readline(), process.stderr.readline()
    assert re.search(r"http://\S+:\d+/\?token=[\w-]{32,}", first)
    assert "not encrypted" in second
    process.terminate()
    _, rest = process.communicate(timeout=30)
    assert "Traceback" not in rest
    assert process.returncode == 0


def test_a_port_in_use_is_one_sentence(own: Dashboard) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rtme", "dashboard", NOBODY, "--port", str(own.port)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "COLUMNS": "300"},
    )
    assert done.returncode != 0
    assert f"127.0.0.1:{own.port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
