"""Which intervals are kept when the same footage is heard by another backend."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rtme.score import Interval, Rules, match
from rtme.view.report import Interval as Found

RULES = Rules()
"""When two intervals are the same one: as everywhere, one to one at IoU of 0.5 or more."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of intervals, in words.

    Attributes:
        lost: Gone: nothing that overlaps enough took their place.
        gained: New.
        moved: The same one with another onset or offset.
    """

    lost: list[str] = field(default_factory=list)
    gained: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)

    @property
    def exactly(self) -> bool:
        """Whether nothing changed. Confidence does not count, nor the apex, a place that two near scores may share."""
        return not (self.lost or self.gained or self.moved)

    def __str__(self) -> str:
        return f"{len(self.lost)} lost, {len(self.gained)} gained, {len(self.moved)} moved"

    def lines(self) -> list[str]:
        """Each of them, for people."""
        named = {"lost": self.lost, "gained": self.gained, "moved": self.moved}
        return [f"{what}: {one}" for what, each in named.items() for one in each]


def compare(before: Sequence[Sequence[Found]], after: Sequence[Sequence[Found]]) -> Kept:
    """Find out.

    Args:
        before: Closed intervals of each clip.
        after: Of the same clips.
    """
    old, new = _plain(before), _plain(after)
    pairs = sorted(match(old, new, RULES))
    paired_old, paired_new = ({pair[side] for pair in pairs} for side in (0, 1))
    return Kept(
        [_words(one) for place, one in enumerate(old) if place not in paired_old],
        [_words(one) for place, one in enumerate(new) if place not in paired_new],
        [
            f"{_words(old[a])} is now {new[b].onset} to {new[b].offset}"
            for a, b in pairs
            if (old[a].onset, old[a].offset) != (new[b].onset, new[b].offset)
        ],
    )


def _plain(clips: Sequence[Sequence[Found]]) -> list[Interval]:
    """Kept apart by clip, face and kind: intervals of two of them never match."""
    return [
        Interval(
            f"clip {clip}, face {one.face}: {one.type}", one.onset, one.offset, "me", score=one.confidence
        )
        for clip, found in enumerate(clips, 1)
        for one in found
    ]


def _words(one: Interval) -> str:
    return f"{one.video}, frames {one.onset} to {one.offset}"
