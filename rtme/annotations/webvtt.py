"""WebVTT: captions that a player shows over the video."""

from pathlib import Path

from rtme.annotations.facts import MARK, Contents, Facts, as_line, from_line
from rtme.annotations.label import Label
from rtme.annotations.recording import Kind, Recording
from rtme.annotations.tiers import MEANINGS, Entry, Tier
from rtme.errors import DataError

_WORDS: dict[Kind, str] = {
    "me": "micro-expression",
    "mae": "macro-expression",
    "speaking": "speaking",
    "listening": "listening",
}
OTHERS = "captions"
"""The tier of captions that are none of ours, such as what somebody says."""


def write(path: Path, recordings: list[Recording]) -> None:
    """Write a recording, a caption for each span: ``micro-expression, face 1: 10-13-15 (333-533 ms) confidence 0.830``."""
    from webvtt import Caption, WebVTT

    (recording,) = recordings
    file = WebVTT(header_comments=[f"{MARK} {as_line(recording)}"])
    for span in recording.spans:
        edges = span.edges_ms(recording.fps)
        label = Label(span.first, span.apex, span.last, edges, span.confidence)
        text = f"{_WORDS[span.kind]}, face {span.face}: {label}"
        file.captions.append(Caption(_clock(edges[0]), _clock(edges[1]), text))
    with path.open("w", encoding="utf-8") as stream:
        file.write(stream)


def read(path: Path) -> list[Contents]:
    """Read captions; those that name an expression or a state become a tier of it.

    Raises:
        DataError: It cannot be read.
    """
    import webvtt

    try:
        file = webvtt.from_string(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text, as WebVTT must be") from error
    except Exception as error:
        raise DataError(
            f"{path} cannot be read as WebVTT ({error}): its first line must be WEBVTT"
        ) from error
    tiers: dict[str, list[Entry]] = {}
    for caption in file.captions:
        what, _, _ = caption.text.partition(":")
        kind, _, face = what.partition(",")
        known = kind.strip().casefold() in MEANINGS
        name = f"{kind.strip()}@{face.strip()}" if known and face else kind.strip() if known else OTHERS
        begin, end = (_ms(stamp) for stamp in (caption.start, caption.end))
        tiers.setdefault(name, []).append(Entry(begin, end, caption.text))
    # Without a caption every comment stands at the end.
    comments = [*file.header_comments, *file.footer_comments]
    notes = [note.removeprefix(MARK) for note in comments if note.startswith(f"{MARK} ")]
    facts = from_line(notes[0]) if notes else Facts()
    return [Contents(facts, tuple(Tier(name, tuple(found)) for name, found in tiers.items()))]


def _clock(ms: int) -> str:
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}.{ms:03d}"


def _ms(clock: str) -> int:
    whole, _, ms = clock.partition(".")
    seconds = 0
    for part in whole.split(":"):
        seconds = seconds * 60 + int(part)
    return 1000 * seconds + int(ms)
