"""What every reader does alike: convert frame numbers, repair rows by stated choices, and keep account of it."""

import math
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from rtme.data.manifest import Interval, Key, Manifest, Span, State, Type, Video, sentence, to_frame
from rtme.data.readers import cells
from rtme.data.readers.disk import Frames, find_frames
from rtme.data.readers.reading import COMMON, Problem, Reading, Repair, Repairs
from rtme.data.readers.sheets import Row
from rtme.errors import DataError


class Labels:
    """Collects labelled rows into a :class:`Reading`.

    Args:
        dataset: Short name of the dataset.
        fps: Frames per second unless a video says otherwise.
        repairs: What to do with faulty rows.
    """

    def __init__(self, dataset: str, fps: float, repairs: Repairs) -> None:
        self.dataset = dataset
        self.repairs = repairs
        self._fps = fps
        self._videos: dict[Key, Video] = {}
        self._spans: dict[Key, list[Span]] = {}
        self._intervals: list[Interval] = []
        self._repairs: list[Repair] = []
        self._problems: list[Problem] = []
        self._warnings: list[str] = []
        self._seen: set[tuple[object, ...]] = set()

    def video(
        self,
        subject: str,
        name: str,
        frames: Frames | None = None,
        *,
        file: Path | None = None,
        depth: Frames | None = None,
        fps: float | None = None,
        n_frames: int | None = None,
    ) -> Video:
        """The video of this name, made on the first call.

        Raises:
            DataError: Its rate or length cannot be.
        """
        key = (self.dataset, subject, name)
        if key in self._videos:
            return self._videos[key]
        places: dict[str, str | int] = {}
        if frames:
            places = {
                "folder": str(frames.folder.absolute()),
                "pattern": frames.pattern,
                "first": frames.first,
            }
            n_frames = frames.n_frames
            if frames.missing:
                self.warn(
                    f"{frames.folder}: {frames.missing} of {n_frames} frames are dropped or empty: "
                    "the last good one is used in their place"
                )
        if depth:
            places |= {"depth_folder": str(depth.folder.absolute()), "depth_pattern": depth.pattern}
        try:
            video = Video(
                dataset=self.dataset,
                subject=subject,
                video=name,
                fps=self._fps if fps is None else fps,
                n_frames=n_frames,
                file=str(file.absolute()) if file else "",
                **places,
            )
        except ValidationError as error:
            raise DataError(f"video {'/'.join(key)}: {sentence(error)}") from error
        self._videos[key] = video
        return video

    def known(self, subject: str, name: str) -> Video | None:
        """The video of this name when there is one already."""
        return self._videos.get((self.dataset, subject, name))

    def alike(self, subject: str, name: str) -> Video | None:
        """The video whose names differ at most in case."""
        plain = (subject.casefold(), name.casefold())
        return next(
            (v for v in self._videos.values() if (v.subject.casefold(), v.video.casefold()) == plain), None
        )

    def span(self, row: Row, video: Video, what: str, onset: int, offset: int) -> None:
        """Add a turn or a blink, 0-based and inclusive; one that outlasts the video is cut at its end."""
        end = offset if video.n_frames is None else min(offset, video.n_frames - 1)
        if onset > end or onset < 0:
            self.problem(
                row, f"{what} lasts from frame {onset} to {offset} of {video.n_frames}", "correct the row"
            )
            return
        if end < offset:
            self.repair(row, f"{what} beyond the end", offset, end)
        span = Span.model_validate({"what": what, "onset": onset, "offset": end})
        self._spans.setdefault(video.key, []).append(span)

    def repair(self, row: Row, what: str, before: object, after: object) -> None:
        """Note a change."""
        self._repairs.append(Repair(row.where, what, str(before), str(after)))

    def problem(self, row: Row, what: str, remedy: str) -> None:
        """Note a row that cannot be used."""
        self._problems.append(Problem(row.where, what, remedy))

    def warn(self, text: str) -> None:
        """Tell the user something, once."""
        if text not in self._warnings:
            self._warnings.append(text)

    def apex(self, row: Row, *columns: str) -> float | None:
        """An apex that the sheet should have, the first that is a number; its absence is noted."""
        for column in columns:
            value = row.number(column)
            if value is not None:
                return value
        self.repair(row, "no apex", row.text(columns[0]) or "blank", "missing")
        return None

    def emotion(self, row: Row, column: str) -> str | None:
        """The emotion in lower case and one spelling; a misspelling is noted."""
        text = row.text(column)
        if cells.misspelt(text):
            self.repair(row, "spelling", text, cells.emotion(text))
        return cells.emotion(text)

    def units(self, row: Row, column: str) -> tuple[str, ...]:
        """Action units of a cell; static ones go by the choice ``static_au`` where the dataset has it."""
        moving, static, unknown = cells.action_units(row.text(column))
        if static and self.repairs.get("static_au") == "drop":
            self.repair(row, "static AU", "+".join(static), "left out")
            static = ()
        if unknown:
            self.repair(row, "no action unit", " ".join(unknown), "left out")
        return moving + static

    def clip(
        self,
        row: Row,
        subject: str,
        name: str,
        folder: Path | None,
        onset: float | None,
        offset: float | None,
    ) -> tuple[Video, int]:
        """A clip that was cut out of a longer recording, and which label number its first frame has.

        Pictures of such a clip keep the recording's numbers; copies that were renumbered are told by their length.
        """
        frames = find_frames(folder)
        video = self.video(subject, name, frames)
        if frames is None or onset is None or offset is None or frames.holds(onset, offset):
            return video, video.first
        if frames.n_frames == offset - onset + 1:
            self.repair(
                row, "renumbered clip", f"pictures from {frames.first}", f"first picture is {onset:g}"
            )
            return video, int(onset)
        return video, video.first

    def add(
        self,
        row: Row,
        video: Video,
        kind: Type,
        onset: float | None,
        offset: float | None,
        apex: float | None = None,
        *,
        base: int | None = None,
        emotion: str | None = None,
        au: tuple[str, ...] = (),
        state: State | None = None,
    ) -> None:
        """Add a labelled interval, in the numbers of the label file.

        Args:
            row: Where it stands.
            video: What it is in.
            kind: "me" or "mae".
            onset: First frame.
            offset: Last frame.
            apex: Strongest frame, None when unknown.
            base: Number of the video's first frame in the labels' numbering; by default as on disk, or 1.
            emotion: In lower case.
            au: Action units.
            state: Speaking or listening.
        """
        if onset is None or offset is None:
            self.problem(row, f"{'onset' if onset is None else 'offset'} is empty or no number", "fill it in")
            return
        base = video.first if base is None else base
        first, last = self._whole(row, "onset", onset), self._whole(row, "offset", offset)
        peak = None if apex is None else self._whole(row, "apex", apex)
        if first == 0 < base:
            if self._drops(row, "onset_zero", f"onset 0, offset {last}"):
                return
            self.repair(row, "onset is 0", "0", base)
            first = base
        if first > last:
            if self.repairs["reversed"] == "error":
                self.problem(
                    row,
                    f"onset {first} comes after offset {last}",
                    "correct it, or use --repair reversed=swap or =drop",
                )
                return
            if self._drops(row, "reversed", f"{first} to {last}"):
                return
            self.repair(row, "onset after offset", f"{first} to {last}", f"{last} to {first}")
            first, last = last, first
        first, last = to_frame(first, base), to_frame(last, base)
        peak = None if peak is None else to_frame(peak, base)
        fitted = self._fit(row, video, first, last, base)
        if fitted is None:
            return
        first, last = fitted
        if peak is not None and not first <= peak <= last:
            before = f"{peak + base} in {first + base} to {last + base}"
            if self._drops(row, "apex_outside", before):
                return
            peak = (first + last) // 2 if self.repairs["apex_outside"] == "middle" else None
            self.repair(row, "apex outside", before, "missing" if peak is None else peak + base)
        same = (video.key, first, last, kind)
        if same in self._seen:
            if self.repairs["duplicate"] == "error":
                self.problem(row, "the same interval again", "delete the row, or use --repair duplicate=drop")
            else:
                self.repair(row, "duplicate", f"{first + base} to {last + base}", "dropped")
            return
        self._seen.add(same)
        try:
            interval = Interval(
                dataset=self.dataset,
                subject=video.subject,
                video=video.video,
                onset=first,
                apex=peak,
                offset=last,
                type=kind,
                emotion=emotion,
                au=au,
                state=state,
                fps=video.fps,
                n_frames=video.n_frames,
                origin=row.where,
            )
        except ValidationError as error:
            self.problem(row, sentence(error), "correct the row")
            return
        self._intervals.append(interval)

    def reading(self, published: Mapping[str, int]) -> Reading:
        """Everything that was collected."""
        videos = tuple(
            video.model_copy(update={"spans": tuple(sorted(self._spans.get(key, ()), key=lambda s: s.onset))})
            for key, video in self._videos.items()
        )
        lost = [video.video for video in videos if video.n_frames is None]
        if lost:
            self.warn(
                f"the frames of {len(lost)} of {len(videos)} videos were not found ({', '.join(lost[:3])}"
                f"{', ...' if len(lost) > 3 else ''}): their labels are read, their ends are not checked"
            )
        return Reading(
            self.dataset,
            Manifest(tuple(self._intervals), videos),
            tuple(self._repairs),
            tuple(self._problems),
            tuple(self._warnings),
            published,
            dict(self.repairs),
        )

    def _whole(self, row: Row, name: str, value: float) -> int:
        if value == int(value):
            return int(value)
        match self.repairs["fraction"]:
            case "floor":
                whole = math.floor(value)
            case "ceil":
                whole = math.ceil(value)
            case _:
                whole = math.floor(value + 0.5)
        self.repair(row, f"fractional {name}", f"{value:g}", whole)
        return whole

    def _drops(self, row: Row, choice: str, before: str) -> bool:
        if self.repairs[choice] != "drop":
            return False
        self.repair(row, COMMON[choice].fault, before, "dropped")
        return True

    def _fit(self, row: Row, video: Video, first: int, last: int, base: int) -> tuple[int, int] | None:
        """Hold an interval against the video's length."""
        begins_before = first < 0
        if not begins_before and (video.n_frames is None or last < video.n_frames):
            return first, last
        labels = f"{first + base} to {last + base}"
        end = (video.n_frames or last + 1) - 1
        if self.repairs["beyond_end"] == "error":
            self.problem(
                row,
                f"the label is {labels} and the frames of {video.video} are {base} to {end + base}",
                "complete the frames, or use --repair beyond_end=clip or =drop",
            )
            return None
        if self._drops(row, "beyond_end", labels):
            return None
        if last < 0 or first > end:
            self.repair(row, "beyond the end", labels, "dropped: nothing is left of it")
            return None
        kept = max(first, 0), min(last, end)
        self.repair(row, "beyond the end", labels, f"{kept[0] + base} to {kept[1] + base}")
        return kept
