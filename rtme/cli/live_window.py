"""``rtme live --show``: a window beside the lines."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from rtme.events import AnyEvent
from rtme.live.service import Live
from rtme.live.showing import Showing
from rtme.settings import Settings
from rtme.view.window import SIZE, Window, check_display


class LiveWindow:
    """A window that a service is shown in.

    Attributes:
        asks: What :class:`rtme.live.service.Live` must be told for it.
        closed: Whether somebody closed it.

    Raises:
        SettingsError: There is no display.
    """

    def __init__(self, settings: Settings) -> None:
        check_display()
        self.closed = False
        self._window = Window()
        # What is published beside it must not come more often than was asked for.
        fps = settings.preview_fps if settings.preview else None
        showing = Showing(pictures=True, fps=fps, width=SIZE.width)
        self.asks: dict[str, Any] = {"showing": showing, "on_shown": self._window.show}

    def follow(self, service: Live, follow: Callable[[Callable[[AnyEvent], None]], bool]) -> bool:
        """Show the service until it is over; who closes the window ends it.

        Args:
            service: Runs.
            follow: Reads its events to the end and gives each to what it is called with. It runs in a thread of its own:
                windows belong to the main one.

        Returns:
            What ``follow`` returns.
        """
        told: Future[bool] = Future()

        def work() -> None:
            try:
                told.set_result(follow(self._window.add))
            except BaseException as error:  # raised where it is waited for
                told.set_exception(error)

        threading.Thread(target=work, name="follow", daemon=True).start()
        manifest = service.manifest
        note = f"{manifest.name} {manifest.version}: {manifest.summary}"
        if not self._window.run(list(service.progress()), note, told.done):
            self.closed = True
            service.stop()
        return told.result()
