"""One video's way from its frames to a clip of a store."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtme.data.footage import Footage
from rtme.data.growing import GrowingArray
from rtme.data.manifest import Interval, State, Video
from rtme.data.outcomes import Outcome
from rtme.data.store import (
    LABELS,
    NO_FACE,
    NO_FRAME,
    ROW,
    UNKNOWN,
    Clip,
    Labelled,
    StorePlan,
    array_path,
)
from rtme.errors import DataError
from rtme.face.measures import MEASURES
from rtme.face.tracker import FaceTracker


class Passage:
    """One video's way through the face room.

    Args:
        index: The clip's.
        video: From the manifest.
        intervals: Of this video.
        plan: How it is prepared.
        tracker: Made for this plan; it has seen nothing since its last reset.
    """

    def __init__(
        self,
        index: int,
        video: Video,
        intervals: Sequence[Interval],
        plan: StorePlan,
        tracker: FaceTracker,
    ) -> None:
        self._index = index
        self._video = video
        self._intervals = intervals
        self._size = plan.size
        self._footage = Footage(video, plan.fps)
        self._tracker = tracker
        self._seen: list[tuple[int, int, int, bool]] = []
        self._measures: list[NDArray[np.float32]] = []
        self._faces: dict[int, int] = {}
        self._not_judged: Counter[str] = Counter()

    def run(self, folder: Path, advance: Callable[[int], None]) -> Clip:
        """Write crops and rows into the folder of a store.

        Args:
            folder: Of the store.
            advance: Called with the number of frames that are done.

        Raises:
            DataError: The video cannot be used.
            SourceError: The video file cannot be read.
            OSError: The store cannot be written.
        """
        paths = (array_path(folder, self._index, what) for what in ("crops", "rows"))
        with (
            GrowingArray(next(paths), np.dtype(np.uint8), (self._size, self._size, 3)) as crops,
            GrowingArray(next(paths), ROW, ()) as rows,
        ):
            for slot, frame, image in self._footage:
                face, crop, measures = self._look(image, slot)
                if crop is not None:
                    crops.put(slot, crop)
                self._seen.append((slot, frame, face, crop is not None))
                self._measures.append(measures)
                advance(len(self._seen))
            self._check()
            n_frames = self._footage.n_frames
            label, speaking = truth(self._video, self._intervals, n_frames)
            for slot, row in enumerate(self._rows(label, speaking)):
                rows.put(slot, row)
            crops.length = rows.length
        return Clip(
            index=self._index,
            dataset=self._video.dataset,
            subject=self._video.subject,
            video=self._video.video,
            fps=self._video.fps,
            n_frames=n_frames,
            slots=rows.length,
            intervals=tuple(_labelled(interval) for interval in self._intervals),
            state=_whole_state(speaking),
        )

    def outcome(self) -> Outcome:
        """What became of it, once it has run."""
        seen, not_judged = len(self._seen), sum(self._not_judged.values())
        return Outcome(
            video="/".join(self._video.key),
            seen=seen,
            judged=seen - not_judged,
            not_judged=dict(sorted(self._not_judged.items())),
            repeated=self._footage.repeated,
            unreadable=tuple(self._footage.unreadable),
        )

    def _look(
        self, image: NDArray[np.uint8], slot: int
    ) -> tuple[int, NDArray[np.uint8] | None, NDArray[np.float32]]:
        """The number of the face in a frame, its crop when it may be judged, and its measures."""
        found = next(iter(self._tracker.track(image, slot)), None)
        if found is None:
            self._not_judged["no face"] += 1
            return NO_FACE, None, np.zeros(MEASURES, np.float32)
        if found.invalid is not None:
            self._not_judged[found.invalid.partition(":")[0]] += 1
        # A tracker never uses a number again; what it saw in other videos must not show.
        return self._faces.setdefault(found.face, len(self._faces) + 1), found.crop, found.measures

    def _check(self) -> None:
        n_frames = self._footage.n_frames
        if not self._faces:
            raise DataError(f"no face was found in any of its {n_frames} frames")
        last = max((interval.offset for interval in self._intervals), default=0)
        if last >= n_frames:
            raise DataError(
                f"its labels go to frame {last}, and {self._video.file} has only {n_frames} frames that can be "
                "decoded: get the file again"
            )

    def _rows(self, label: NDArray[np.uint8], speaking: NDArray[np.uint8]) -> NDArray[np.void]:
        slots, frames, faces, valid = np.array(self._seen, np.int64).T
        rows = np.zeros(slots[-1] + 1, ROW)
        rows["frame"] = NO_FRAME
        rows["frame"][slots], rows["face"][slots], rows["valid"][slots] = frames, faces, valid
        rows["measures"][slots] = self._measures
        # In a slot that a slow source leaves empty, that is true which is true before it and after it.
        every = np.arange(len(rows))
        before = frames[np.searchsorted(slots, every, "right") - 1]
        after = frames[np.searchsorted(slots, every)]
        rows["label"] = label[before] & label[after]
        rows["speaking"] = np.where(speaking[before] == speaking[after], speaking[before], UNKNOWN)
        return rows


def truth(
    video: Video, intervals: Sequence[Interval], n_frames: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Bits of ``LABELS`` and speaker state of every frame of a video.

    Spans of speaking and listening count before the state that an interval has.

    Returns:
        ``(n_frames,)`` uint8 each; the state is 1 speaking, 0 listening, ``UNKNOWN``.
    """
    label = np.zeros(n_frames, np.uint8)
    speaking = np.full(n_frames, UNKNOWN, np.uint8)
    for interval in intervals:
        frames = slice(interval.onset, interval.offset + 1)
        label[frames] |= LABELS[interval.type]
        if interval.state is not None:
            speaking[frames] = interval.state == "speaking"
    for span in video.spans:
        frames = slice(span.onset, span.offset + 1)
        if span.what == "blink":
            label[frames] |= LABELS["blink"]
        else:
            speaking[frames] = span.what == "speaking"
    return label, speaking


def _whole_state(speaking: NDArray[np.uint8]) -> State | None:
    if (speaking == 1).all():
        return "speaking"
    return "listening" if (speaking == 0).all() else None


def _labelled(interval: Interval) -> Labelled:
    return Labelled(
        type=interval.type,
        onset=interval.onset,
        apex=interval.apex,
        offset=interval.offset,
        emotion=interval.emotion,
        au=interval.au,
    )
