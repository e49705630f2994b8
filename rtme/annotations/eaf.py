"""ELAN annotation files (.eaf): tiers of annotations with times in milliseconds."""

import math
import mimetypes
import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PureWindowsPath
from urllib.parse import unquote

from rtme.annotations.facts import MARK, Contents, as_line, from_line
from rtme.annotations.recording import Recording
from rtme.annotations.tiers import FRAMES, Entry, Tier, kind_of, tiers_of
from rtme.annotations.timing import frames
from rtme.errors import DataError

_CONSTRAINTS = {
    "Time_Subdivision": "Time subdivision of parent annotation's time interval, no time gaps allowed within this interval",
    "Symbolic_Subdivision": "Symbolic subdivision of a parent annotation. "
    "Annotations refering to the same parent are ordered",
    "Symbolic_Association": "1-1 association with a parent annotation",
    "Included_In": "Time alignable annotations within the parent annotation's time interval, gaps are allowed",
}
"""ELAN writes all four into each file, in these words."""
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass(frozen=True)
class Annotation:
    """One annotation.

    Attributes:
        id: Unique in the file.
        tier: Name of its tier.
        participant: Who the tier is about, "" when not filled in.
        value: Its text.
        start_ms: Beginning in the video.
        end_ms: End, not part of it.
        parent: Id of the annotation that this one describes, "" for one with its own time.
    """

    id: str
    tier: str
    participant: str
    value: str
    start_ms: float
    end_ms: float
    parent: str = ""

    def frames(self, fps: float) -> tuple[int, int]:
        """First and last frame: times are edges of frames, which ELAN rounds to milliseconds."""
        return frames(self.start_ms, self.end_ms, fps)


@dataclass(frozen=True)
class Document:
    """What a file holds.

    Attributes:
        media: Names of its media without folder and ending, in lower case.
        annotations: All of them.
        tiers: Name and participant of every tier, also of one without annotations.
        paths: Its media as they are named there.
        properties: Of the header, by name.
    """

    media: tuple[str, ...]
    annotations: tuple[Annotation, ...]
    tiers: tuple[tuple[str, str], ...] = ()
    paths: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()


def read_eaf(path: Path) -> Document:
    """Read a file.

    Raises:
        DataError: It is damaged, not from ELAN, or an annotation has no time.
    """
    try:
        root = ET.parse(path).getroot()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except (ET.ParseError, LookupError, ValueError) as error:
        raise DataError(f"{path} cannot be read as an ELAN file ({error}): save it again in ELAN") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise DataError(f"{path} is not an ELAN file: it begins with <{root.tag}>")
    media = root.findall("HEADER/MEDIA_DESCRIPTOR")
    try:
        # ELAN's times are those of its timeline; a video that was shifted there begins later in its own.
        origin = float(media[0].get("TIME_ORIGIN", "0")) if media else 0.0
        slots = {
            slot.get("TIME_SLOT_ID", ""): float(slot.get("TIME_VALUE", "nan")) + origin
            for slot in root.findall("TIME_ORDER/TIME_SLOT")
        }
    except ValueError as error:
        raise DataError(f"{path} has a time that is no number ({error}): save it again in ELAN") from error
    annotations = []
    for tier in root.findall("TIER"):
        _align(tier, slots)
        name, participant = _name_of(tier)
        for element in tier.findall("ANNOTATION/*"):
            value = (element.findtext("ANNOTATION_VALUE") or "").strip()
            identity = element.get("ANNOTATION_ID", "")
            parent = element.get("ANNOTATION_REF", "")
            start, end = (
                slots.get(element.get(f"TIME_SLOT_REF{which}", ""), float("nan")) for which in (1, 2)
            )
            if not parent and not -float("inf") < start <= end < float("inf"):
                raise DataError(f"{path}, tier {name}, annotation {identity} has no time: align it in ELAN")
            annotations.append(Annotation(identity, name, participant, value, start, end, parent))
    return Document(
        tuple(dict.fromkeys(map(_stem, media))),
        tuple(annotations),
        tuple(map(_name_of, root.findall("TIER"))),
        tuple(unquote(one.get("RELATIVE_MEDIA_URL") or one.get("MEDIA_URL") or "") for one in media),
        tuple((one.get("NAME", ""), one.text or "") for one in root.findall("HEADER/PROPERTY")),
    )


def _align(tier: ET.Element, slots: dict[str, float]) -> None:
    """Give a time to the moments between annotations that subdivide another.

    ELAN keeps none while nobody has moved them, and shows such annotations as equally long.
    """
    chain: list[str] = []
    for element in tier.findall("ANNOTATION/ALIGNABLE_ANNOTATION"):
        first, last = element.get("TIME_SLOT_REF1", ""), element.get("TIME_SLOT_REF2", "")
        chain = [*chain, last] if chain and chain[-1] == first else [first, last]
        if math.isfinite(slots.get(last, math.nan)):
            begin, end, steps = slots.get(chain[0], math.nan), slots[last], len(chain) - 1
            slots.update({slot: begin + (end - begin) * n / steps for n, slot in enumerate(chain[1:-1], 1)})
            chain = [last]


def _name_of(tier: ET.Element) -> tuple[str, str]:
    return tier.get("TIER_ID", ""), tier.get("PARTICIPANT", "").strip()


def _stem(media: ET.Element) -> str:
    url = unquote(media.get("RELATIVE_MEDIA_URL") or media.get("MEDIA_URL") or "")
    # Windows' paths take both kinds of slashes.
    return PureWindowsPath(url).stem.casefold()


def read(path: Path) -> list[Contents]:
    """Read a file's tiers and facts.

    Raises:
        DataError: As :func:`read_eaf`.
    """
    document = read_eaf(path)
    labels = {
        one.parent: one.value for one in document.annotations if one.parent and kind_of(one.tier) == FRAMES
    }
    entries: dict[str, list[Entry]] = {name: [] for name, _ in document.tiers}
    for one in document.annotations:
        if not one.parent:
            entries[one.tier].append(Entry(one.start_ms, one.end_ms, one.value, labels.get(one.id, "")))
    children = {one.tier for one in document.annotations if one.parent}
    tiers = tuple(
        Tier(name, tuple(entries[name]), participant)
        for name, participant in dict(document.tiers).items()
        if entries[name] or name not in children
    )
    facts = from_line(dict(document.properties).get(MARK, ""))
    return [Contents(facts, tiers).with_source(next(iter(document.paths), ""))]


def write(path: Path, recordings: list[Recording]) -> None:
    """Write a recording as ELAN 6 would (EAF 3.0).

    What rtme says of an annotation's frames stands in a tier that depends on it, so that the annotation's own text is
    left to whoever looks at it.

    Raises:
        OSError: The file cannot be written.
    """
    (recording,) = recordings
    root = ET.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": MARK,
            "DATE": datetime.now().astimezone().isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            f"{{{_XSI}}}noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
        },
    )
    ET.register_namespace("xsi", _XSI)
    header = ET.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    _link(header, recording.source, path)
    tiers = tiers_of(recording.spans, recording.fps)
    ET.SubElement(header, "PROPERTY", NAME=MARK).text = as_line(recording)
    last_id = ET.SubElement(header, "PROPERTY", NAME="lastUsedAnnotationId")
    slots = _Slots(tiers)
    order = ET.SubElement(root, "TIME_ORDER")
    for identity, ms in slots.all():
        ET.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=identity, TIME_VALUE=str(ms))
    count = 0
    for tier in tiers:
        own = ET.SubElement(root, "TIER", LINGUISTIC_TYPE_REF="default-lt", TIER_ID=tier.name)
        about = ET.SubElement(
            root,
            "TIER",
            LINGUISTIC_TYPE_REF="frames-lt",
            PARENT_REF=tier.name,
            TIER_ID=f"{FRAMES}@{tier.name}",
        )
        for entry in tier.entries:
            begin, end = slots.of(tier, entry)
            _annotation(
                own, "ALIGNABLE", f"a{count + 1}", entry.text, TIME_SLOT_REF1=begin, TIME_SLOT_REF2=end
            )
            _annotation(about, "REF", f"a{count + 2}", entry.label, ANNOTATION_REF=f"a{count + 1}")
            count += 2
    last_id.text = str(count)
    kind = {"GRAPHIC_REFERENCES": "false"}
    ET.SubElement(root, "LINGUISTIC_TYPE", kind, LINGUISTIC_TYPE_ID="default-lt", TIME_ALIGNABLE="true")
    ET.SubElement(
        root,
        "LINGUISTIC_TYPE",
        kind,
        CONSTRAINTS="Symbolic_Association",
        LINGUISTIC_TYPE_ID="frames-lt",
        TIME_ALIGNABLE="false",
    )
    for name, words in _CONSTRAINTS.items():
        ET.SubElement(root, "CONSTRAINT", DESCRIPTION=words, STEREOTYPE=name)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="UTF-8", xml_declaration=True)


def _annotation(tier: ET.Element, kind: str, identity: str, value: str, **attributes: str) -> None:
    one = ET.SubElement(
        ET.SubElement(tier, "ANNOTATION"), f"{kind}_ANNOTATION", attributes, ANNOTATION_ID=identity
    )
    ET.SubElement(one, "ANNOTATION_VALUE").text = value


def _link(header: ET.Element, source: str, path: Path) -> None:
    """The video beside its annotations; ELAN tries the whole path first, then the one from here."""
    # A stream has a name and no file.
    if not Path(source).suffix or "://" in source or "\0" in source:
        return
    video = Path(source).resolve()
    attributes = {"MEDIA_URL": video.as_uri(), "MIME_TYPE": mimetypes.guess_type(video.name)[0] or "unknown"}
    try:
        relative = Path(os.path.relpath(video, path.resolve().parent)).as_posix()
    except ValueError:  # on another drive of Windows
        relative = ""
    if relative:
        attributes["RELATIVE_MEDIA_URL"] = relative if relative.startswith(".") else f"./{relative}"
    ET.SubElement(header, "MEDIA_DESCRIPTOR", attributes)


class _Slots:
    """Time slots of all entries, in the order of time."""

    def __init__(self, tiers: list[Tier]) -> None:
        wanted = sorted(self._wanted(tiers))
        self._ids = {key: f"ts{number}" for number, key in enumerate(wanted, 1)}

    @staticmethod
    def _wanted(tiers: list[Tier]) -> Iterator[tuple[float, str, int, float]]:
        for tier in tiers:
            for entry in tier.entries:
                yield entry.begin_ms, tier.name, 1, entry.begin_ms
                yield entry.end_ms, tier.name, 0, entry.begin_ms

    def all(self) -> Iterator[tuple[str, int]]:
        for key, identity in self._ids.items():
            yield identity, int(key[0])

    def of(self, tier: Tier, entry: Entry) -> tuple[str, str]:
        return (
            self._ids[entry.begin_ms, tier.name, 1, entry.begin_ms],
            self._ids[entry.end_ms, tier.name, 0, entry.begin_ms],
        )
