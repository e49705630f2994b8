"""Your own recordings: ``labels.csv``, or ELAN files beside the videos."""

from pathlib import Path

from rtme.data import manifest
from rtme.data.manifest import State, Video
from rtme.data.readers import cells
from rtme.data.readers.disk import find_frames, find_videos, probe, try_file, within
from rtme.data.readers.elan import Annotation, read_eaf
from rtme.data.readers.reading import Dataset, Labels, Reading, Repairs
from rtme.data.readers.sheets import Row
from rtme.errors import DataError

ENDINGS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg")
_NEEDED = ("subject", "video", "onset", "offset", "type")
_OPTIONAL = ("apex", "emotion", "au", "state", "fps", "n_frames")
_STATES: dict[str, State] = {"speaking": "speaking", "listening": "listening"}
_TIERS = {
    "me": "me",
    "micro": "me",
    "micro-expression": "me",
    "mae": "mae",
    "macro": "mae",
    "macro-expression": "mae",
    "speaking": "speaking",
    "listening": "listening",
    "state": "state",
    "blink": "blink",
    "apex": "apex",
    "emotion": "emotion",
    "au": "au",
}


def read(root: Path, repairs: Repairs) -> Reading:
    """Read ``labels.csv`` and every ``.eaf`` below a folder.

    The table has columns ``subject, video, onset, offset, type`` and may have ``apex, emotion, au, state, fps,
    n_frames``. Frames are as everywhere in rtme: 0-based, inclusive. A row with a video but neither onset, offset nor
    type is a video without any interval.

    Raises:
        DataError: There is neither, or a file cannot be read.
    """
    files = find_videos(root, *ENDINGS)
    labels = Labels("own", 30.0, repairs)
    table = try_file(root, "labels.csv")
    elan = sorted(find_videos(root, ".eaf").values())
    if table is None and not elan:
        raise DataError(
            f"{root}: neither labels.csv nor an ELAN file (.eaf); see docs/datasets.md for their form"
        )
    if table is not None:
        _read_table(table, root, files, labels)
    for path in elan:
        _read_elan(path, root, files, labels)
    return labels.reading({})


def _read_table(path: Path, root: Path, files: dict[str, Path], labels: Labels) -> None:
    states: dict[tuple[str, str], set[str]] = {}
    rows: dict[tuple[str, str], Row] = {}
    for number, values in manifest.table(path, (*_NEEDED, *_OPTIONAL), optional=_OPTIONAL):
        row = Row(f"{path.name}, row {number}", number, dict(values))
        subject, name = row.text("subject"), Path(row.text("video")).stem
        if not subject or not name:
            labels.problem(row, "subject or video is empty", "fill it in")
            continue
        video = _video(labels, row, subject, name, root, files)
        state = _STATES.get(row.text("state").casefold())
        if video is None:
            continue
        if row.text("state") and state is None:
            labels.problem(row, f"state is '{row.text('state')}'", "write speaking or listening")
            continue
        states.setdefault((subject, name), set()).add(state or "")
        rows.setdefault((subject, name), row)
        if not any(row.text(column) for column in ("onset", "offset", "type")):
            continue
        kind = cells.expression_type(row.text("type"))
        if kind is None:
            labels.problem(row, f"type is '{row.text('type')}'", "write me or mae")
            continue
        labels.add(
            row,
            video,
            kind,
            row.number("onset"),
            row.number("offset"),
            row.number("apex"),
            base=0,
            emotion=labels.emotion(row, "emotion"),
            au=labels.units(row, "au"),
            state=state,
        )
    for (subject, name), found in states.items():
        video = labels.known(subject, name)
        # Clips of conversations have one state each; with several the rows say it of their own interval alone.
        if len(found) == 1 and "" not in found and video and video.n_frames:
            labels.span(rows[subject, name], video, found.pop(), 0, video.n_frames - 1)


def _video(
    labels: Labels, row: Row, subject: str, name: str, root: Path, files: dict[str, Path]
) -> Video | None:
    known = labels.known(subject, name)
    if known:
        return known
    file = files.get(name.casefold())
    if file:
        fps, n_frames = probe(file)
        return labels.video(subject, name, file=file, fps=fps, n_frames=n_frames)
    rate, length = row.number("fps"), row.number("n_frames")
    if not rate or rate < 0:
        labels.problem(
            row,
            f"no video file {name} and no fps",
            f"put {name}.mp4 below {root}, or fill in fps",
        )
        return None
    frames = find_frames(within(root, subject, name) or within(root, name))
    return labels.video(subject, name, frames, fps=rate, n_frames=int(length) if length else None)


def _read_elan(path: Path, root: Path, files: dict[str, Path], labels: Labels) -> None:
    document = read_eaf(path)
    file = next((files[stem] for stem in (*document.media, path.stem.casefold()) if stem in files), None)
    where = Row(path.name, 0, {})
    if file is None:
        wanted = document.media[0] if document.media else path.stem
        labels.problem(where, f"its video {wanted} was not found", f"put it below {root}")
        return
    fps, n_frames = probe(file)
    whole: dict[str, list[Annotation]] = {}
    parts: dict[str, dict[str, str]] = {}
    for annotation in document.annotations:
        kind = _TIERS.get(annotation.tier.partition("@")[0].strip().casefold())
        if kind is None:
            labels.warn(f"{path.name}: tier '{annotation.tier}' is none of {', '.join(_TIERS)}: not read")
        elif annotation.parent:
            parts.setdefault(annotation.parent, {})[kind] = annotation.value
        else:
            whole.setdefault(kind, []).append(annotation)
    for kind in whole.keys() & {"emotion", "au"}:
        labels.warn(f"{path.name}: tier {kind} does not depend on tier ME or MaE: not read")
    by_subject: dict[str, Video] = {}

    def video_of(annotation: Annotation, row: Row) -> Video | None:
        subject = annotation.participant or (path.parent.name if path.parent != root else "")
        if not subject:
            labels.problem(
                row,
                f"tier {annotation.tier} has no participant",
                "fill in Participant in ELAN's tier attributes",
            )
            return None
        if subject not in by_subject:
            by_subject[subject] = labels.video(subject, file.stem, file=file, fps=fps, n_frames=n_frames)
        return by_subject[subject]

    turns: dict[str, list[tuple[State, int, int]]] = {}
    for kind in ("state", "speaking", "listening", "blink"):
        for annotation in whole.get(kind, ()):
            row = _row(path, annotation)
            what = annotation.value.casefold() if kind == "state" else kind
            if what not in ("speaking", "listening", "blink"):
                labels.problem(row, f"state is '{annotation.value}'", "write speaking or listening")
                continue
            video = video_of(annotation, row)
            if video is not None:
                first, last = annotation.frames(fps)
                labels.span(row, video, what, first, last)
                if what in _STATES:
                    turns.setdefault(video.subject, []).append((_STATES[what], first, last))
    for kind in ("me", "mae"):
        for annotation in whole.get(kind, ()):
            row = _row(path, annotation)
            video = video_of(annotation, row)
            if video is None:
                continue
            first, last = annotation.frames(fps)
            inside = [
                apex.frames(fps)[0]
                for apex in whole.get("apex", ())
                if apex.participant == annotation.participant
            ]
            about = parts.get(annotation.id, {})
            value = Row(row.where, 0, {"emotion": about.get("emotion"), "au": about.get("au")})
            if not about and annotation.value:
                moving, _, unknown = cells.action_units(annotation.value)
                value = Row(row.where, 0, {"au" if moving and not unknown else "emotion": annotation.value})
            labels.add(
                row,
                video,
                "me" if kind == "me" else "mae",
                first,
                last,
                next((frame for frame in inside if first <= frame <= last), None),
                base=0,
                emotion=labels.emotion(value, "emotion"),
                au=labels.units(value, "au"),
                state=_state(turns.get(video.subject, []), first, last),
            )


def _row(path: Path, annotation: Annotation) -> Row:
    return Row(f"{path.name}, tier {annotation.tier}, annotation {annotation.id}", 0, {})


def _state(turns: list[tuple[State, int, int]], first: int, last: int) -> State | None:
    """The state that most of the interval lies in."""
    shares = [(min(last, end) - max(first, start) + 1, state) for state, start, end in turns]
    frames, state = max(shares, default=(0, None), key=lambda share: share[0])
    return state if frames > 0 else None


DATASET = Dataset("own", "your own recordings", read)
