"""The thread that reads one source."""

import threading
from collections.abc import Callable

from rtme.capture.frame import Frame
from rtme.capture.reader import Reader, StateChange
from rtme.errors import RtmeError
from rtme.events import AnyEvent, StateEvent
from rtme.live.health import StreamAccount
from rtme.live.inlet import EndOfSource, Inlet

TICK_S = 0.2


class CaptureStage(threading.Thread):
    """Reads frames into the inlet until the source ends, gives up or ``stop`` is set."""

    def __init__(
        self,
        name: str,
        reader: Reader,
        inlet: Inlet,
        publish: Callable[[AnyEvent], None],
        account: StreamAccount,
        stop: threading.Event,
    ) -> None:
        super().__init__(name=f"capture-{name}", daemon=True)
        self._stream = name
        self._reader = reader
        self._inlet = inlet
        self._publish = publish
        self._account = account
        self._stopped = stop

    def run(self) -> None:
        """Thread body."""
        end = EndOfSource()
        try:
            while not self._stopped.is_set():
                item = self._reader.step(TICK_S)
                if isinstance(item, Frame):
                    self._account.read()
                    while not self._stopped.is_set() and not self._inlet.put(item, TICK_S):
                        pass
                elif item is not None and item.state == "ended":
                    end = EndOfSource(item.error)
                    break
                elif item is not None:
                    self._tell(item)
        except RtmeError as error:
            end = EndOfSource(str(error))
        except Exception as error:  # one bad source must not stop the others
            end = EndOfSource(f"reading failed: {type(error).__name__}: {error}")
        finally:
            self._inlet.end(end)
            self._reader.close()

    def _tell(self, change: StateChange) -> None:
        self._account.state(change.state)
        event = StateEvent(stream=self._stream, epoch=change.epoch, state=change.state, detail=change.detail)
        self._publish(event)
