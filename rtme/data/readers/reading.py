"""What a reader gives, and what may be chosen of it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rtme.data.manifest import Manifest, Policy
from rtme.errors import DataError, SettingsError

Repairs = Mapping[str, str]
"""What to do with faulty rows: a chosen option for each choice of the dataset."""


@dataclass(frozen=True)
class Choice:
    """One kind of fault and what can be done about it; the first option is the default."""

    options: tuple[str, ...]
    fault: str


COMMON = {
    "fraction": Choice(("half_up", "floor", "ceil"), "a frame number is not whole"),
    "onset_zero": Choice(("first", "drop"), "onset is 0 where numbers begin at 1"),
    "apex_outside": Choice(("missing", "middle", "drop"), "the apex is not between onset and offset"),
    "reversed": Choice(("error", "swap", "drop"), "onset comes after offset"),
    "beyond_end": Choice(("error", "clip", "drop"), "the label goes beyond the video's end"),
    "duplicate": Choice(("drop", "error"), "the same interval is there twice"),
}
"""Choices that every dataset has."""


@dataclass(frozen=True)
class Repair:
    """One row that was changed: where it is, what was wrong, and the value before and after."""

    where: str
    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Problem:
    """One row that could not be used, and what the user can do about it."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: {self.remedy}"


@dataclass(frozen=True)
class Reading:
    """All that was read of a dataset.

    Attributes:
        dataset: Short name of the dataset.
        manifest: Intervals and videos, without the rows that have a problem.
        repairs: Every change, in the order of the rows.
        problems: Rows that could not be used.
        warnings: What else the user should know, such as frames that were not found.
        published: Counts as published, by the names that :attr:`counts` has.
        choices: What was chosen for each kind of fault.
    """

    dataset: str
    manifest: Manifest
    repairs: tuple[Repair, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    published: Mapping[str, int]
    choices: Repairs

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of what in this dataset, to be put beside the published counts."""
        intervals = [one for one in self.manifest.intervals if one.dataset == self.dataset]
        videos = [video for video in self.manifest.videos if video.dataset == self.dataset]
        of = {kind: [one for one in intervals if one.type == kind] for kind in ("me", "mae")}
        blinks = sum(span.what == "blink" for video in videos for span in video.spans)
        return {
            "subjects": len({video.person for video in videos}),
            "videos": len(videos),
            "labelled videos": len({interval.key for interval in intervals}),
            "ME": len(of["me"]),
            "MaE": len(of["mae"]),
            "subjects with ME": len({interval.person for interval in of["me"]}),
            "videos with ME": len({interval.key for interval in of["me"]}),
        } | ({"blinks": blinks} if blinks else {})

    def usable(self) -> Manifest:
        """The manifest, when every row could be used.

        Raises:
            DataError: The first problem, and how many there are.
        """
        if self.problems:
            more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
            raise DataError(f"{self.problems[0]}{more}")
        self.manifest.check()
        kinds = Counter(repair.what for repair in self.repairs)
        policy = Policy(choices=dict(self.choices), repairs=dict(kinds))
        return replace(self.manifest, policies={self.dataset: policy})


@dataclass(frozen=True)
class Dataset:
    """A dataset that can be read.

    Attributes:
        name: Short name, as in the manifest.
        title: Name in the literature.
        read: Reads a folder: ``read(root, repairs) -> Reading``.
        published: Counts as published.
        choices: Faults that only this dataset has; :data:`COMMON` ones come to them.
    """

    name: str
    title: str
    read: Callable[[Path, Repairs], Reading]
    published: Mapping[str, int] = field(default_factory=dict)
    choices: Mapping[str, Choice] = field(default_factory=dict)

    def repairs(self, words: Sequence[str] = ()) -> Repairs:
        """Choices from ``key=value`` words, the default for all others.

        Raises:
            SettingsError: No such key or value, with those there are.
        """
        known = {**COMMON, **self.choices}
        chosen = {key: choice.options[0] for key, choice in known.items()}
        for word in words:
            key, _, value = word.partition("=")
            if key not in known:
                raise SettingsError(f"no repair '{key}' for {self.name}: choose of {', '.join(known)}")
            if value not in known[key].options:
                options = ", ".join(known[key].options)
                raise SettingsError(
                    f"repair {key} cannot be '{value}': choose of {options} ({known[key].fault})"
                )
            chosen[key] = value
        return chosen
