"""A service that is told what to say, the dashboard, and a page of it in a real Chromium."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tiny_engine import make_tiny_bundle
from view.dashboard.told_service import ToldService

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from browsing import Dashboard
    from view.dashboard.visit import Visit


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """Not for the whole session: while it is there, other tests can run no event loop in this thread."""
    pytest.importorskip("playwright", reason="Playwright is not installed: pip install playwright")
    import browsing

    if browsing.chromium() is None:
        pytest.skip("no Chromium on this system: apt-get install chromium")
    with browsing.browser() as found:
        yield found


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bundle that answers to any motion."""
    return str(make_tiny_bundle(tmp_path_factory.mktemp("engine") / "tiny").path)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ToldService]:
    told = ToldService(tmp_path)
    yield told
    told.kill()


@pytest.fixture
def open_dashboard() -> "Iterator[Callable[..., Dashboard]]":
    """Starts a dashboard: ``open_dashboard(address, *words)``."""
    from browsing import Dashboard

    opened: list[Dashboard] = []

    def start(address: str, *words: object) -> Dashboard:
        opened.append(Dashboard(address, *words))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.fixture
def visit(chromium: "Browser") -> "Iterator[Callable[..., Visit]]":
    """Opens a page: ``visit(url, **how)``; see Visit. At the end, nothing may have gone wrong in any of them."""
    from view.dashboard.visit import Visit

    visits: list[Visit] = []

    def to(url: str, **how: object) -> Visit:
        visits.append(Visit(chromium, url, **how))  # type: ignore[arg-type]
        return visits[-1]

    yield to
    for one in visits:
        one.end()
