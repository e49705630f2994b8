"""The thread that reads one source."""

import threading
from collections.abc import Callable
from contextlib import suppress

from rtme.capture.frame import Frame
from rtme.capture.media_time import MediaClock
from rtme.capture.reader import Reader, StateChange
from rtme.capture.urls import redact
from rtme.errors import RtmeError
from rtme.events import AnyEvent, GapEvent, StateEvent, WarningEvent
from rtme.live.health import Account
from rtme.live.inlet import EndOfSource, Inlet, TimedFrame
from rtme.live.marks import mark_of
from rtme.live.pace import Pace

TICK_S = 0.2


class CaptureStage(threading.Thread):
    """Once ``ready``, reads frames into the inlet with their times, until the source ends or ``stop`` is set."""

    def __init__(
        self,
        name: str,
        reader: Reader,
        inlet: Inlet,
        publish: Callable[[AnyEvent], None],
        account: Account,
        ready: threading.Event,
        stop: threading.Event,
    ) -> None:
        super().__init__(name=f"capture-{name}", daemon=True)
        self._stream = name
        self._reader = reader
        self._inlet = inlet
        self._publish = publish
        self._account = account
        self._ready = ready
        self._stopped = stop
        self._epoch = -1
        self._clock = MediaClock(live=reader.source.live)
        self._pace = Pace(None)

    def run(self) -> None:
        """Thread body."""
        end = EndOfSource()
        try:
            while not self._stopped.is_set() and not self._ready.wait(TICK_S):
                pass
            while not self._stopped.is_set():
                item = self._reader.step(TICK_S)
                if isinstance(item, Frame):
                    self._account.read()
                    frame = self._timed(item)
                    while not self._stopped.is_set() and not self._inlet.put(frame, TICK_S):
                        pass
                elif item is not None and item.state == "ended":
                    end = EndOfSource(item.error)
                    break
                elif item is not None:
                    self._tell(item)
        except RtmeError as error:
            end = EndOfSource(str(error))
        except Exception as error:  # one bad source must not stop the others
            end = EndOfSource(redact(f"reading failed: {type(error).__name__}: {error}"))
        finally:
            self._inlet.end(end)
            # The stream has ended; whatever a source says while it is closed changes nothing for anybody.
            with suppress(Exception):
                self._reader.close()

    def _timed(self, frame: Frame) -> TimedFrame:
        stamp = frame.stamp
        if stamp.epoch != self._epoch:
            self._epoch, self._clock = stamp.epoch, MediaClock(live=self._reader.source.live)
            self._pace = Pace(self._reader.source.fps)
        mark = mark_of(stamp, self._clock.time(stamp.pts_s, stamp.capture_ns))
        if self._clock.jump_s != 0.0:
            gap = GapEvent(
                stream=self._stream, epoch=stamp.epoch, at=mark, cause="time_jump", count=0, end=mark
            )
            self._publish(gap)
        source = self._reader.source
        if source.live and (slow := self._pace.see(mark, source.corrupt)) is not None:
            text = f"`{self._stream}` {slow}"
            self._publish(WarningEvent(stream=self._stream, epoch=stamp.epoch, at=mark, text=text))
        return TimedFrame(frame.image, stamp.epoch, mark)

    def _tell(self, change: StateChange) -> None:
        event = StateEvent(stream=self._stream, epoch=change.epoch, state=change.state, detail=change.detail)
        self._account.state(event, self._publish)
        if change.state == "backoff":
            self._inlet.end_epoch()
