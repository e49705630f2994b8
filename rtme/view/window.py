"""A window that shows what a service in this process sees."""

import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from rtme.errors import SettingsError
from rtme.events import AnyEvent
from rtme.traces import Shown, Sight, Trace
from rtme.view.opencv import cv2
from rtme.view.scene import Scene
from rtme.view.tiles import Size, compose

TITLE = "rtme"
SIZE = Size(960, 720)
_ESCAPE = 27
_FRAME_MS = 25
# When somebody holds the window's edge nothing is taken in: the newest are enough.
_MOST_WAITING = 5_000

# Qt ends the process when it finds no display, so another one tries it.
_TRIAL = (
    "import cv2; cv2.namedWindow('rtme: is there a display?', cv2.WINDOW_NORMAL); cv2.destroyAllWindows()"
)
_TRIAL_S = 30.0


def check_display() -> None:
    """Find out whether a window can be opened here.

    Raises:
        SettingsError: It cannot, and why.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", _TRIAL], capture_output=True, text=True, timeout=_TRIAL_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise SettingsError(
            f"no display: opening a window took more than {_TRIAL_S:g} s; leave --show out"
        ) from None
    if done.returncode == 0:
        return
    if "not implemented" in done.stderr:
        raise SettingsError(
            "no display: the OpenCV that is installed has no windows; "
            "put opencv-contrib-python in the place of opencv-python-headless, or leave --show out"
        )
    raise SettingsError(
        "no display: --show opens a window, which needs a screen; run it on a desktop, or leave --show out and use "
        "`rtme watch` or `rtme dashboard`"
    )


class Window:
    """The newest picture of each source, with what is known of it drawn onto it.

    Events, traces and pictures may come from any thread. Windows belong to the main one: :meth:`run` must be called from it.
    """

    def __init__(self) -> None:
        self._scene = Scene()
        self._waiting: deque[AnyEvent | Trace] = deque(maxlen=_MOST_WAITING)
        self._pictures: dict[str, Shown] = {}
        self._new = threading.Event()

    def add(self, event: AnyEvent) -> None:
        """Take in an event."""
        self._waiting.append(event)
        self._new.set()

    def show(self, shown: Shown) -> None:
        """Take in a trace, or a picture in the place of the one before."""
        if isinstance(shown.message, Sight):
            self._pictures[shown.message.stream] = shown
        else:
            self._waiting.append(shown.message)
        self._new.set()

    def run(self, names: Sequence[str], note: str, over: Callable[[], bool]) -> bool:
        """Show until it is over.

        Args:
            names: The sources, in the order of their tiles.
            note: What must be said of what is shown.
            over: Asked often.

        Returns:
            False when somebody closed the window, or pressed q or Esc, before that.
        """
        cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        cv2.resizeWindow(TITLE, SIZE.width, SIZE.height)
        self._draw(names, note)
        try:
            while not over():
                drawn = time.monotonic()
                if self._new.is_set():
                    self._new.clear()
                    self._draw(names, note)
                wait_ms = _FRAME_MS - round(1000 * (time.monotonic() - drawn))
                key = cv2.waitKey(max(1, wait_ms)) & 0xFF
                if (
                    key in (ord("q"), ord("Q"), _ESCAPE)
                    or cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1
                ):
                    return False
        finally:
            cv2.destroyAllWindows()
            # Qt closes it when it is asked for keys.
            cv2.waitKey(1)
        return True

    def _draw(self, names: Sequence[str], note: str) -> None:
        while self._waiting:
            one = self._waiting.popleft()
            if isinstance(one, Trace):
                self._scene.trace(one)
            else:
                self._scene.add(one)
        picture = compose(self._scene, names, self._pictures.copy(), SIZE, note)
        cv2.imshow(TITLE, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
