"""Which sources a run has, under which names."""

from collections.abc import Sequence
from dataclasses import dataclass

from rtme.capture.source import Source
from rtme.capture.sources import open_source, unique_names
from rtme.errors import SettingsError
from rtme.live.showing import Showing
from rtme.settings import Settings, SourceSettings


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """One source of a run.

    Attributes:
        name: The stream's name on the wire.
        source: Not yet open.
        faces: Faces to follow in it.
        ours: Whether it was made from words, so that another process can make it too. An object that may be pickled
            says so by an attribute ``may_move``.
        showing: What is shown of its pictures; None: nothing.
    """

    name: str
    source: Source
    faces: int
    ours: bool = False
    showing: Showing | None = None


def plan_sources(
    wanted: Sequence[str | SourceSettings | Source],
    settings: Settings,
    *,
    paced: bool,
    showing: Showing | None = None,
) -> list[SourcePlan]:
    """Give every source its name and its settings.

    Args:
        wanted: Camera numbers, URLs and files, tables of a cameras file, or sources.
        settings: What a source does not say itself.
        paced: Play files at their own pace.
        showing: What is shown of their pictures; None: nothing.

    Raises:
        SettingsError: Two sources were given the same name, or one is an empty word.
    """
    if "" in wanted:
        raise SettingsError("a source is empty: name a camera number, a stream URL, a file or `demo`")
    # Built unchecked: a file's name may be any bytes, and a refused URL would be repeated with its password.
    asked = [SourceSettings.model_construct(url=item) if isinstance(item, str) else item for item in wanted]
    plans = []
    for name, item in zip(_names(asked), asked, strict=True):
        if isinstance(item, SourceSettings):
            transport = item.transport or settings.transport
            source = open_source(item.url, name=name, transport=transport, paced=paced)
            plans.append(SourcePlan(name, source, item.faces or settings.faces, ours=True, showing=showing))
        else:
            may_move = bool(getattr(item, "may_move", False))
            plans.append(SourcePlan(name, item, settings.faces, ours=may_move, showing=showing))
    return plans


def _names(asked: Sequence[SourceSettings | Source]) -> list[str]:
    """Who was given a name keeps it; the others get one of those that are left."""
    given = [item.name for item in asked if isinstance(item, SourceSettings) and item.name]
    for name in given:
        if given.count(name) > 1:
            raise SettingsError(f"{given.count(name)} sources have the name {name!r}: give each its own")
    others = [
        item.url if isinstance(item, SourceSettings) else item.name
        for item in asked
        if not isinstance(item, SourceSettings) or not item.name
    ]
    found = iter(unique_names(others, taken=given))
    return [item.name if isinstance(item, SourceSettings) and item.name else next(found) for item in asked]
