"""What the dashboard answers to a browser."""

import asyncio
import csv
import io
import json
import math
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from rtme.view.dashboard.feed import Feed
from rtme.view.dashboard.history import History, Row, Wanted
from rtme.view.dashboard.hub import MOST_PICTURES, Hub, Visitor
from rtme.view.event_file import TIME, columns, flat

PAGE = Path(__file__).with_name("page")
MOST_POINTS = 4_000
MOST_ROWS = 500
MOST_STREAMS = 64
MOST_VISITORS = 100
# A browser that takes nothing for so long is left alone.
SEND_S = 20.0
CHUNK = 500


def new_app(feed: Feed, history: History, hub: Hub) -> Starlette:
    """The dashboard as an ASGI application."""

    async def timeline(request: Request) -> Response:
        query = request.query_params
        try:
            start, end = _number(query.get("from")), _number(query.get("to"))
            points = int(query.get("points", "1000"))
        except ValueError:
            return _bad("from and to must be milliseconds since 1970, and points a whole number")
        if start is None or end is None or not start < end:
            return _bad("from and to must be given, and from be the earlier")
        found = history.timeline(query.get("stream", ""), start, end, max(1, min(points, MOST_POINTS)))
        return JSONResponse(found)

    async def events(request: Request) -> Response:
        query = request.query_params
        try:
            wanted = _wanted(request)
            before = (query["run"], int(query["before"])) if "before" in query else None
            limit = max(1, min(int(query.get("limit", "100")), MOST_ROWS))
        except (KeyError, ValueError):
            return _bad("before must be the number of an event, with its run; limit a whole number")
        rows = list(islice(history.newest_first(wanted, before), limit + 1))
        return JSONResponse({"rows": [row.json() for row in rows[:limit]], "more": len(rows) > limit})

    async def export(request: Request) -> Response:
        try:
            rows = history.wanted(_wanted(request))
        except ValueError:
            return _bad("from and to must be milliseconds since 1970")
        form = request.path_params["form"]
        if form not in ("csv", "json"):
            return PlainTextResponse("export.csv or export.json\n", 404)
        name = f"rtme-events-{datetime.now():%Y%m%d-%H%M%S}.{form}"
        return StreamingResponse(
            _csv(rows) if form == "csv" else _json(rows),
            media_type="text/csv; charset=utf-8" if form == "csv" else "application/json",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def live(socket: WebSocket) -> None:
        if len(hub.visitors) >= MOST_VISITORS:
            await socket.close(1013)
            return
        await socket.accept()
        visitor = Visitor()
        visitor.tell(json.dumps(feed.hello(), separators=(",", ":")))
        hub.visitors.add(visitor)
        sending = asyncio.create_task(_send(socket, visitor))
        listening = asyncio.create_task(_listen(socket, visitor))
        try:
            await asyncio.wait([sending, listening], return_when=asyncio.FIRST_COMPLETED)
        finally:
            hub.visitors.discard(visitor)
            for task in (sending, listening):
                task.cancel()
            await asyncio.gather(sending, listening, return_exceptions=True)
        # The page may have gone, or take nothing any more.
        with suppress(WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
            async with asyncio.timeout(1.0):
                await socket.close(1008)

    async def page(_: Request) -> Response:
        return FileResponse(PAGE / "index.html")

    return Starlette(
        routes=[
            Route("/", page),
            Mount("/page", StaticFiles(directory=PAGE)),
            Route("/api/timeline", timeline),
            Route("/api/events", events),
            Route("/export.{form}", export),
            WebSocketRoute("/live", live),
        ]
    )


async def _send(socket: WebSocket, visitor: Visitor) -> None:
    with suppress(WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
        while True:
            text, pictures = await visitor.next()
            async with asyncio.timeout(SEND_S):
                if text is not None:
                    await socket.send_text(text)
                for picture in pictures:
                    await socket.send_bytes(picture)


async def _listen(socket: WebSocket, visitor: Visitor) -> None:
    """What the page says of itself: which streams it draws, and of which it shows pictures."""
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            try:
                said = json.loads(await socket.receive_text())
                visitor.watched = _names(said["watch"], MOST_STREAMS)
                visitor.pictures = _names(said["pictures"], MOST_PICTURES)
            except (ValueError, KeyError, TypeError):
                return


def _names(said: Any, most: int) -> frozenset[str]:
    if not isinstance(said, list) or not all(isinstance(name, str) for name in said):
        raise TypeError
    for name in said:
        # They go to the service as UTF-8; half a character raises ValueError here, and not where all pages are served.
        name.encode()
    return frozenset(said[:most])


def _wanted(request: Request) -> Wanted:
    query = request.query_params
    return Wanted(
        query.get("kind") or None,
        query.get("stream") or None,
        query.get("text", ""),
        _number(query.get("from")),
        _number(query.get("to")),
    )


def _number(text: str | None) -> float | None:
    if not text:
        return None
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _bad(sentence: str) -> Response:
    return PlainTextResponse(sentence + "\n", 400)


def _csv(rows: list[Row]) -> Iterator[str]:
    text = io.StringIO()
    table = csv.DictWriter(text, list(columns()))
    table.writeheader()
    for n, row in enumerate(rows):
        cells = flat(row.stored)
        table.writerow(cells | {TIME: cells[TIME].isoformat()})
        if n % CHUNK == CHUNK - 1:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _json(rows: list[Row]) -> Iterator[bytes]:
    yield b"["
    for n, row in enumerate(rows):
        yield (b",\n" if n else b"\n") + row.stored.body
    yield b"\n]\n"
