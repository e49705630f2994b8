"""ELAN files of your own recordings: tiers of expressions, of turns and of blinks."""

from collections.abc import Mapping
from pathlib import Path

from rtme.annotations.eaf import Annotation, read_eaf
from rtme.annotations.tiers import APEX, FRAMES, MEANINGS, STATE, kind_of
from rtme.data.manifest import State, Type, Video
from rtme.data.readers import cells
from rtme.data.readers.disk import probe
from rtme.data.readers.labels import Labels
from rtme.data.readers.sheets import Row

_EXPRESSIONS: dict[str, Type] = {
    name: kind for name, kind in MEANINGS.items() if kind == "me" or kind == "mae"
}
_STATES: dict[str, State] = {"speaking": "speaking", "listening": "listening"}
_OTHERS = (STATE, "blink", APEX)
_DEPENDENT = ("emotion", "au")
Turn = tuple[State, int, int]


def read_elan(path: Path, root: Path, films: Mapping[str, Path], labels: Labels) -> None:
    """Add every expression, turn and blink of a file.

    Args:
        path: The ``.eaf`` file.
        root: Below it are the videos.
        films: Video files by name, in lower case.
        labels: Where to.

    Raises:
        DataError: The file or its video cannot be read.
    """
    document = read_eaf(path)
    names = (*document.media, path.stem.casefold())
    film = next((films[name] for name in names if name in films), None)
    if film is None:
        labels.problem(Row(path.name, 0, {}), f"its video {names[0]} was not found", f"put it below {root}")
        return
    fps, n_frames = probe(film)
    tiers = _by_tier(path, document.annotations, labels)
    about: dict[str, dict[str, str]] = {}
    for annotation in document.annotations:
        if annotation.parent and kind_of(annotation.tier) != FRAMES:
            about.setdefault(annotation.parent, {})[kind_of(annotation.tier)] = annotation.value
    turns: dict[str, list[Turn]] = {}

    def video_of(annotation: Annotation, row: Row) -> Video | None:
        subject = annotation.participant or (path.parent.name if path.parent != root else "")
        if subject:
            return labels.video(subject, film.stem, file=film, fps=fps, n_frames=n_frames)
        remedy = "fill in Participant in ELAN's tier attributes"
        labels.problem(row, f"tier {annotation.tier} has no participant", remedy)
        return None

    for kind in (*_STATES, STATE, "blink"):
        for annotation in tiers.get(kind, ()):
            row = _row(path, annotation)
            what = annotation.value.casefold() if kind == STATE else kind
            if what not in _STATES and what != "blink":
                labels.problem(row, f"state is '{annotation.value}'", "write speaking or listening")
                continue
            video = video_of(annotation, row)
            if video is not None:
                span = annotation.frames(fps)
                labels.span(row, video, what, *span)
                if what in _STATES:
                    turns.setdefault(video.subject, []).append((_STATES[what], *span))
    for kind, expression in _EXPRESSIONS.items():
        for annotation in tiers.get(kind, ()):
            row = _row(path, annotation, about.get(annotation.id))
            video = video_of(annotation, row)
            if video is None:
                continue
            first, last = annotation.frames(fps)
            apexes = [
                apex.frames(fps)[0]
                for apex in tiers.get(APEX, ())
                if apex.participant == annotation.participant and _whose(apex) in ("", _whose(annotation))
            ]
            labels.add(
                row,
                video,
                expression,
                first,
                last,
                next((apex for apex in apexes if first <= apex <= last), None),
                base=0,
                emotion=labels.emotion(row, "emotion"),
                au=labels.units(row, "au"),
                state=_state(turns.get(video.subject, []), first, last),
            )


def _by_tier(path: Path, annotations: tuple[Annotation, ...], labels: Labels) -> dict[str, list[Annotation]]:
    known = (*_EXPRESSIONS, *_STATES, *_OTHERS)
    tiers: dict[str, list[Annotation]] = {}
    for annotation in annotations:
        kind = kind_of(annotation.tier)
        if not annotation.parent and kind in known:
            tiers.setdefault(kind, []).append(annotation)
        elif not annotation.parent and kind in _DEPENDENT:
            labels.warn(f"{path.name}: tier {annotation.tier} does not depend on tier ME or MaE: not read")
        elif kind not in (*_DEPENDENT, FRAMES):
            labels.warn(
                f"{path.name}: tier {annotation.tier} is none of {', '.join(known + _DEPENDENT)}: not read"
            )
    return tiers


def _whose(annotation: Annotation) -> str:
    """What stands behind the "@" of its tier, such as a face."""
    return annotation.tier.partition("@")[2].strip().casefold()


def _row(path: Path, annotation: Annotation, about: dict[str, str] | None = None) -> Row:
    """An annotation as a row: what dependent tiers say of it, else its own value as AUs or as emotion."""
    where = f"{path.name}, tier {annotation.tier}, annotation {annotation.id}"
    moving, _, unknown = cells.action_units(annotation.value)
    own = {"au" if moving and not unknown else "emotion": annotation.value or None}
    return Row(where, 0, {**(about or own)})


def _state(turns: list[Turn], first: int, last: int) -> State | None:
    """The state that most of the interval lies in."""
    shares = [(min(last, end) - max(first, start) + 1, state) for state, start, end in turns]
    frames, state = max(shares, default=(0, None), key=lambda share: share[0])
    return state if frames > 0 else None
