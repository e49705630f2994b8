"""Which clips an engine is tried on: drawn from the people it never saw, the same each time."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rtme.data.material import Item, read
from rtme.engine.bundle import Bundle
from rtme.errors import DataError
from rtme.trial.conditions import ALL, ASKED, Condition

Kind = Literal["portraits", "talks", "clips", "conditions"]
Split = Literal["test", "validation"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is tried.

    Attributes:
        portraits: Portraits that are animated, at most.
        talks: Portraits that speak in one clip and listen in another, at most.
        clips: Real clips of each folder, at most.
        cameras: Portraits that are seen by every camera, at most.
        conditions: Those cameras.
        sensitivities: Portraits and real clips of each folder that are tried at every sensitivity, at most.
        portrait_s: Length of an animated portrait, seconds.
        talk_s: Of a conversation.
        camera_s: Of what is shown to every camera.
    """

    portraits: int = 1000
    talks: int = 50
    clips: int = 1000
    cameras: int = 14
    conditions: tuple[Condition, ...] = ALL
    sensitivities: int = 20
    portrait_s: float = 8.0
    talk_s: float = 4.0
    camera_s: float = 6.0


FULL = Plan()
QUICK = Plan(portraits=10, talks=8, clips=12, cameras=4, conditions=ASKED, sensitivities=4)


def with_portraits(count: int) -> Plan:
    """Every real clip, at most ``count`` portraits, and conversations and cameras in proportion."""
    return Plan(
        portraits=count,
        talks=max(2, count // 2),
        cameras=max(2, count // 4),
        conditions=ASKED,
        sensitivities=max(2, count // 4),
    )


_CLIP_FRAMES = 160
"""What a real clip costs beside the others, as planted and as it is; its true length is not known before it is read."""


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work that gives one or several clips.

    Attributes:
        kind: What is made of the item.
        item: A portrait or a real clip.
        frames: About how many frames the engine will see, for the time that is left.
        every_sensitivity: Whether it is run at each that the engine knows.
    """

    kind: Kind
    item: Item
    frames: int
    every_sensitivity: bool = False

    @property
    def seed(self) -> int:
        """Of everything that happens by chance in it."""
        return zlib.crc32(f"{self.kind} {self.item.file}".encode())


def people_of(bundle: Bundle, faces: Path, table: Path | None, split: Split) -> list[Item]:
    """The material of one split.

    Args:
        bundle: The engine, whose ``people.csv`` says who was kept from it.
        faces: Folder of portraits and real clips.
        table: Another table ``file,person,split`` instead.
        split: Whose people.

    Raises:
        DataError: There is no table, or no portrait or no clip of these people.
    """
    if table is None:
        table = bundle.path / "people.csv"
        if not table.is_file():
            raise DataError(
                f"{bundle.path} has no people.csv, so nobody knows whom this engine never saw: give --people TABLE"
            )
    items = [item for item in read(faces, table) if item.split == split]
    for kind, word in (("portrait", "portrait"), ("clip", "video")):
        if not any(item.kind == kind for item in items):
            raise DataError(
                f"{faces} has no {word} of {split} people by {table}: give a folder with portraits and videos of them"
            )
    return items


def jobs(items: Sequence[Item], plan: Plan, sensitivities: int = 1) -> list[Job]:
    """Everything to be done, long pieces first, so that no worker is left with one at the end.

    Args:
        items: Of one split.
        plan: How much.
        sensitivities: How many the engine knows, 1 for one that has a single one.
    """
    portraits = [item for item in items if item.kind == "portrait"]
    folders: dict[str, list[Item]] = {}
    for item in items:
        if item.kind == "clip":
            folders.setdefault(folder_of(item), []).append(item)

    def wide(place: int) -> bool:
        return sensitivities > 1 and place < plan.sensitivities

    def cost(frames: float, place: int) -> int:
        return round(frames * (sensitivities if wide(place) else 1))

    camera_frames = sum(condition.fps * plan.camera_s for condition in plan.conditions)
    wanted = [Job("conditions", item, round(camera_frames)) for item in _spread(portraits, plan.cameras)]
    wanted += [
        Job("portraits", item, cost(30 * plan.portrait_s, place), wide(place))
        for place, item in enumerate(_spread(portraits, plan.portraits))
    ]
    wanted += [Job("talks", item, round(60 * plan.talk_s)) for item in _spread(portraits, plan.talks)]
    for clips in folders.values():
        wanted += [
            Job("clips", item, cost(_CLIP_FRAMES, place), wide(place))
            for place, item in enumerate(_spread(clips, plan.clips))
        ]
    return sorted(wanted, key=lambda job: -job.frames)


def folder_of(item: Item) -> str:
    """The folder a clip lies in, which names its set."""
    return item.file.split("/")[0] if "/" in item.file else "clips"


def _spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many, from the whole of the list."""
    if len(items) <= most:
        return list(items)
    return [items[place * len(items) // most] for place in range(most)]
