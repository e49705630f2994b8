"""Addresses without their secrets, and names fit for the wire."""

import re
from collections.abc import Iterable
from pathlib import PurePath
from urllib.parse import unquote, urlsplit

# fmt: off
VIDEO_SUFFIXES = frozenset({
    ".3gp", ".asf", ".avi", ".flv", ".gif", ".h264", ".hevc", ".m2ts", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov",
    ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv",
})
# fmt: on

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+")
_SECRET_PAIR = re.compile(
    r"(?i)\b(user(?:name)?|login|usr|pass(?:word|wd)?|pwd|token|key|auth|secret|sig(?:nature)?)=[^&/;,\s]*"
)


def redact(text: str) -> str:
    """A text (an address, or a message with addresses in it) with everything secret replaced by ``***``.

    What stands before the last ``@`` counts as credentials even where a password holds ``/`` or ``@``; of a
    query nothing is kept.

    Example:
        >>> redact("rtsp://anna:s3cret@10.0.0.7:554/live?token=abc")
        'rtsp://***@10.0.0.7:554/live?***'
    """
    return _URL.sub(lambda found: _redact_url(found.group()), text)


def _redact_url(url: str) -> str:
    scheme, rest = url.split("://", 1)
    # A password may hold "?" unescaped, so credentials go first.
    credentials, at, rest = rest.rpartition("@")
    if at and "/" in credentials and "@" not in credentials and ":" not in credentials:
        # "host/path@2x": an @ in a path, where nothing before it looks like a user and a password.
        credentials, at, rest = "", "", f"{credentials}@{rest}"
    rest, query, _ = rest.partition("?")
    rest = _SECRET_PAIR.sub(r"\1=***", rest)
    return f"{scheme}://{'***@' if at else ''}{rest}{'?***' if query else ''}"


def printable(path: str) -> str:
    """A path as text. A file name may hold bytes that are no text; their codes are shown instead."""
    return path.encode("utf-8", "backslashreplace").decode()


def is_number(spec: str) -> bool:
    """Whether a source is named by a camera's number. Other scripts have digits too, and names on the wire have not."""
    return re.fullmatch("[0-9]{1,9}", spec) is not None


def is_url(spec: str) -> bool:
    """Whether a source is named by an address (``scheme://...``) rather than a path."""
    return _URL.match(spec) is not None


def safe_name(spec: str) -> str:
    """A stream name for a source: letters, digits, ``_`` and ``-`` only, no credentials, never empty.

    Dots separate the parts of a topic, so none may stand in a name.

    Example:
        >>> safe_name("clips/anna 01.final.mp4"), safe_name("rtsp://u:p@10.0.0.7/live"), safe_name("0")
        ('anna-01-final', '10-0-0-7', 'camera-0')
    """
    if is_number(spec):
        return f"camera-{spec}"
    raw = _host(spec) if is_url(spec) else _stem(spec)
    return re.sub(r"[^A-Za-z0-9_-]+", "-", raw).strip("-") or "source"


def _stem(path: str) -> str:
    last = PurePath(path.replace("\\", "/"))
    return last.stem if last.suffix.lower() in VIDEO_SUFFIXES else last.name


def _host(url: str) -> str:
    clean = _redact_url(url)
    try:
        parts = urlsplit(clean)
        return unquote(parts.hostname or PurePath(parts.path).stem)
    except ValueError:
        return ""


def unique_names(specs: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """One :func:`safe_name` per source; a name that is taken gets ``-2``, ``-3``..."""
    others = set(taken)
    names: list[str] = []
    for spec in specs:
        base = name = safe_name(spec)
        copy = 1
        while name in names or name in others:
            copy += 1
            name = f"{base}-{copy}"
        names.append(name)
    return names
