"""One visit to the dashboard's page, which notes whatever goes wrong and whom it asks for anything."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

PATIENCE_MS = 30_000
SMALL = {"width": 360, "height": 740}
LARGE = {"width": 1280, "height": 800}


class Visit:
    """A browser without cookies or cache opens a URL.

    Args:
        browser: It.
        url: Of the page.
        size: Of the window, pixels.
        dark: What the system asks for.
        scripts: JavaScript that each document begins with.
        faults: Whether what goes wrong in the page may go wrong, as where the dashboard itself is ended.

    Attributes:
        page: Of Playwright.
        wrong: What the page complained of so far.
        asked: URLs that it asked for.
    """

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        size: dict[str, int] = LARGE,
        dark: bool = False,
        scripts: Sequence[str] = (),
        faults: bool = False,
    ) -> None:
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self._faults = faults
        self._host = urlsplit(url).netloc
        self._context = browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
        )
        self._context.set_default_timeout(PATIENCE_MS)
        for script in scripts:
            self._context.add_init_script(script)
        self.page: Page = self._context.new_page()
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"uncaught: {error}"))
        self._context.on("request", self._note_request)
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.goto(url)

    def find(self, testid: str, **attributes: object) -> Locator:
        """Elements by their ``data-testid`` and further ``data-`` attributes, underscores for hyphens."""
        further = "".join(f'[data-{name.replace("_", "-")}="{is_}"]' for name, is_ in attributes.items())
        return self.page.locator(f'[data-testid="{testid}"]{further}')

    def see(self, testid: str, **attributes: object) -> Locator:
        """Wait until exactly one such element can be seen."""
        found = self.find(testid, **attributes)
        expect(found).to_have_count(1, timeout=PATIENCE_MS)
        expect(found).to_be_visible(timeout=PATIENCE_MS)
        return found

    def connected(self) -> "Visit":
        """Wait until the page hears the service."""
        self.see("connection", state="live")
        return self

    def evaluate(self, script: str, argument: object = None) -> Any:
        return self.page.evaluate(script, argument)

    def elsewhere(self) -> list[str]:
        """What it asked of anybody but the dashboard."""
        return [url for url in self.asked if urlsplit(url).netloc != self._host]

    def end(self) -> None:
        self._context.close()
        assert self.elsewhere() == []
        assert self._faults or self.wrong == []

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"{message.type}: {message.text}")

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith(("data:", "blob:")):
            self.asked.append(request.url)
