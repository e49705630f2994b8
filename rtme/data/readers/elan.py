"""ELAN annotation files (.eaf): tiers of annotations with times in milliseconds."""

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from urllib.parse import unquote

from rtme.errors import DataError


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
        first, end = (math.floor(ms * fps / 1000 + 0.5) for ms in (self.start_ms, self.end_ms))
        return first, max(first, end - 1)


@dataclass(frozen=True)
class Document:
    """What a file holds: annotations, and names of its media without folder and ending, in lower case."""

    media: tuple[str, ...]
    annotations: tuple[Annotation, ...]


def read_eaf(path: Path) -> Document:
    """Read a file.

    Raises:
        DataError: It is damaged, not from ELAN, or an annotation has no time.
    """
    try:
        root = ET.parse(path).getroot()
    except (ET.ParseError, OSError) as error:
        raise DataError(f"{path} cannot be read as an ELAN file ({error}): save it again in ELAN") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise DataError(f"{path} is not an ELAN file: it begins with <{root.tag}>")
    media = root.findall("HEADER/MEDIA_DESCRIPTOR")
    # ELAN's times are those of its timeline; a video that was shifted there begins later in its own.
    origin = float(media[0].get("TIME_ORIGIN", "0")) if media else 0.0
    slots = {
        slot.get("TIME_SLOT_ID", ""): float(slot.get("TIME_VALUE", "nan")) + origin
        for slot in root.findall("TIME_ORDER/TIME_SLOT")
    }
    annotations = []
    for tier in root.findall("TIER"):
        name, participant = tier.get("TIER_ID", ""), tier.get("PARTICIPANT", "").strip()
        for element in tier.findall("ANNOTATION/*"):
            value = (element.findtext("ANNOTATION_VALUE") or "").strip()
            identity = element.get("ANNOTATION_ID", "")
            parent = element.get("ANNOTATION_REF", "")
            start, end = (
                slots.get(element.get(f"TIME_SLOT_REF{which}", ""), float("nan")) for which in (1, 2)
            )
            if not parent and not start <= end:
                raise DataError(f"{path}, tier {name}, annotation {identity} has no time: align it in ELAN")
            annotations.append(Annotation(identity, name, participant, value, start, end, parent))
    return Document(tuple(dict.fromkeys(map(_stem, media))), tuple(annotations))


def _stem(media: ET.Element) -> str:
    url = unquote(media.get("RELATIVE_MEDIA_URL") or media.get("MEDIA_URL") or "")
    # Windows' paths take both kinds of slashes.
    return PureWindowsPath(url).stem.casefold()
