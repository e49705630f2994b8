"""One face from its first frame to its last: its spotter, and its updates as events."""

from rtme.events import AnyEvent, FaceEvent, IntervalEvent, Mark, SpeakerEvent
from rtme.face.crop import FaceCrop
from rtme.live.curve import Curve
from rtme.live.marks import Marks
from rtme.spot.spotter import Spotter
from rtme.spot.updates import IntervalUpdate, SpeakerUpdate, Update
from rtme.traces import Trace


class FaceRun:
    """Everything the service remembers of one face in one epoch."""

    def __init__(
        self, *, stream: str, epoch: int, face: int, spotter: Spotter, marks: Marks, settle: int, traced: bool
    ) -> None:
        """Start with a face's first frame.

        Args:
            stream: Name of the source.
            epoch: Its epoch.
            face: The tracker's identity.
            spotter: A fresh spotter.
            marks: The epoch's frames.
            traced: Whether its curve is to be told.
            settle: Slots a change between judged and not judged must last to be told.
        """
        self.spotter = spotter
        self.last_seen = -1
        self.skipped_last = False
        self._stream, self._epoch, self._face = stream, epoch, face
        self._marks = marks
        self._settle = settle
        self._told: str | None = "not yet told"
        self._changed_since: int | None = None
        self._onsets: dict[int, Mark] = {}
        self._apex: tuple[int, Mark] | None = None
        self._starts: dict[int, Mark] = {}
        self._curve = Curve(stream, epoch, face) if traced else None

    def see(self, slot: int, crop: FaceCrop, at: Mark) -> list[AnyEvent]:
        """Note that the face is there, and say so when it begins or ceases to be judged."""
        if self._curve is not None:
            self._curve.see(slot, crop, at)
        first = self.last_seen < 0
        self.last_seen = slot
        if first:
            self._told = None
            return [self.face_event("appeared", at)]
        if (crop.invalid is None) == (self._told is None):
            self._changed_since = None
            return []
        self._changed_since = slot if self._changed_since is None else self._changed_since
        if slot - self._changed_since < self._settle:
            return []
        self._changed_since, self._told = None, crop.invalid
        return [self.face_event("judged" if crop.invalid is None else "not_judged", at, crop.invalid)]

    def face_event(self, status: str, at: Mark, reason: str | None = None) -> FaceEvent:
        """A face event of this face."""
        return FaceEvent.model_validate(
            {
                "stream": self._stream,
                "epoch": self._epoch,
                "at": at,
                "face": self._face,
                "status": status,
                "reason": reason,
            }
        )

    def events(self, updates: list[Update], at: Mark) -> list[AnyEvent]:
        """The spotter's updates on the wire's terms; call it for each slot, with or without any."""
        events: list[AnyEvent] = [
            self._interval(update, at) if isinstance(update, IntervalUpdate) else self._speaker(update, at)
            for update in updates
        ]
        apex = self.spotter.apex
        if apex is not None and (self._apex is None or self._apex[0] != apex):
            self._apex = apex, self._marks.at_or_before(apex)
        return events

    def traces(self, *, last: bool = False) -> list[Trace]:
        """What has become final of its curve, some frames at a time; ``last``: all that is left."""
        return [] if self._curve is None else self._curve.take(self.spotter.take_final(), last=last)

    def _id(self, kind: str, number: int) -> str:
        return f"{self._stream}-{self._epoch}-{self._face}-{kind}{number}"

    def _interval(self, update: IntervalUpdate, at: Mark) -> IntervalEvent:
        # The marks of onset and apex are kept: a long macro-expression outlives the others.
        onset = self._onsets.setdefault(update.id, self._marks.at_or_after(update.onset))
        if update.status in ("closed", "retracted"):
            del self._onsets[update.id]
        offset = self._marks.at_or_before(update.offset)
        apex = self._marks.at_or_before(update.apex)
        if self._apex is not None and self._apex[0] == update.apex:
            apex = self._apex[1]
        if offset.frame < onset.frame:
            offset = onset
        if not onset.frame <= apex.frame <= offset.frame:
            apex = onset if apex.frame < onset.frame else offset
        return IntervalEvent(
            stream=self._stream,
            epoch=self._epoch,
            at=at,
            algorithmic_ms=round(self.spotter.delay_ms, 1),
            id=self._id("e", update.id),
            face=self._face,
            type=update.type,
            status=update.status,
            onset=onset,
            apex=apex,
            offset=offset,
            confidence=round(update.confidence, 4),
        )

    def _speaker(self, update: SpeakerUpdate, at: Mark) -> SpeakerEvent:
        start = self._starts.setdefault(update.id, self._marks.at_or_after(update.start))
        end = None
        if update.end is not None:
            end = self._marks.at_or_before(update.end)
            del self._starts[update.id]
        return SpeakerEvent(
            stream=self._stream,
            epoch=self._epoch,
            at=at,
            algorithmic_ms=round(self.spotter.speaker_delay_ms, 1),
            id=self._id("s", update.id),
            face=self._face,
            state=update.state,
            start=start,
            end=end if end is None or end.frame >= start.frame else start,
            confidence=round(update.confidence, 4),
        )
