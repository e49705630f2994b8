"""``labels.csv`` of your own recordings. Frames are as everywhere in rtme: 0-based, inclusive."""

from collections.abc import Mapping
from pathlib import Path

from rtme.data import manifest
from rtme.data.manifest import State, Video
from rtme.data.readers import cells
from rtme.data.readers.disk import find_frames, probe, within
from rtme.data.readers.labels import Labels
from rtme.data.readers.sheets import Row

_NEEDED = ("subject", "video", "onset", "offset", "type")
_OPTIONAL = ("apex", "emotion", "au", "state", "fps", "n_frames")
_STATES: dict[str, State | None] = {"speaking": "speaking", "listening": "listening", "": None}


def read_table(path: Path, root: Path, films: Mapping[str, Path], labels: Labels) -> None:
    """Add every row; one with neither onset, offset nor type is a video without any interval.

    Args:
        path: The table.
        root: Below it are the videos, or folders of pictures.
        films: Video files by name, in lower case.
        labels: Where to.

    Raises:
        DataError: The table lacks a column, or a video cannot be read.
    """
    states: dict[tuple[str, str], set[State | None]] = {}
    last: dict[tuple[str, str], Row] = {}
    for number, values in manifest.table(path, (*_NEEDED, *_OPTIONAL), optional=_OPTIONAL):
        row = Row(f"{path.name}, row {number}", number, dict(values))
        subject, name = row.text("subject"), Path(row.text("video")).stem
        if not subject or not name:
            labels.problem(row, "subject or video is empty", "fill it in")
            continue
        if row.text("state").casefold() not in _STATES:
            labels.problem(row, f"state is '{row.text('state')}'", "write speaking or listening")
            continue
        video = _video(labels, row, subject, name, root, films)
        if video is not None:
            state = _STATES[row.text("state").casefold()]
            states.setdefault((subject, name), set()).add(state)
            last[subject, name] = row
            _interval(labels, row, video, state)
    for key, found in states.items():
        video, state = labels.known(*key), next(iter(found))
        # Clips of conversations have one state each; where rows differ, each tells of its own interval alone.
        if len(found) == 1 and state and video and video.n_frames:
            labels.span(last[key], video, state, 0, video.n_frames - 1)


def _interval(labels: Labels, row: Row, video: Video, state: State | None) -> None:
    if not any(row.text(column) for column in ("onset", "offset", "type")):
        return
    kind = cells.expression_type(row.text("type"))
    if kind is None:
        labels.problem(row, f"type is '{row.text('type')}'", "write me or mae")
        return
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


def _video(
    labels: Labels, row: Row, subject: str, name: str, root: Path, films: Mapping[str, Path]
) -> Video | None:
    known = labels.known(subject, name)
    if known:
        return known
    film = films.get(name.casefold())
    if film:
        fps, n_frames = probe(film)
        return labels.video(subject, name, file=film, fps=fps, n_frames=n_frames)
    rate, length = row.number("fps"), row.number("n_frames")
    if rate is None:
        labels.problem(
            row, f"no video file {name} and no fps", f"put {name}.mp4 below {root}, or fill in fps"
        )
        return None
    frames = find_frames(within(root, subject, name) or within(root, name))
    return labels.video(subject, name, frames, fps=rate, n_frames=None if length is None else int(length))
