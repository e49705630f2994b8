"""Which sources a run has, under which names."""

from collections.abc import Sequence
from dataclasses import dataclass

from rtme.capture.source import Source
from rtme.capture.sources import open_source, unique_names
from rtme.settings import Settings, SourceSettings


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """One source of a run.

    Attributes:
        name: The stream's name on the wire.
        source: Not yet open.
        faces: Faces to follow in it.
    """

    name: str
    source: Source
    faces: int


def plan_sources(
    wanted: Sequence[str | SourceSettings | Source], settings: Settings, *, paced: bool
) -> list[SourcePlan]:
    """Give every source its name and its settings.

    Args:
        wanted: Camera numbers, URLs and files, tables of a cameras file, or sources.
        settings: What a source does not say itself.
        paced: Play files at their own pace.

    Raises:
        SettingsError: Two sources have the same name.
        SourceError: Something that is not a source at all.
    """
    asked = [SourceSettings(url=item) if isinstance(item, str) else item for item in wanted]
    names = unique_names(
        [item.name or item.url if isinstance(item, SourceSettings) else item.name for item in asked]
    )
    plans = []
    for name, item in zip(names, asked, strict=True):
        if isinstance(item, SourceSettings):
            transport = item.transport or settings.transport
            source = open_source(item.url, name=name, transport=transport, paced=paced)
            plans.append(SourcePlan(name, source, item.faces or settings.faces))
        else:
            plans.append(SourcePlan(item.name, item, settings.faces))
    return plans
