"""Which clips a corpus is made of: drawn from the plan alone, so that a stopped build goes on with the same."""

from dataclasses import dataclass

import numpy as np

from rtme.data.corpus import CorpusPlan
from rtme.data.material import Item

_PLANTED_SHARE = 0.75
# Frame rates of animated portraits; the commonest is that of webcams.
_RATES = (30.0, 30.0, 30.0, 30.0, 25.0)


@dataclass(frozen=True, slots=True)
class Job:
    """One clip to make.

    Attributes:
        index: Its place in the corpus.
        item: What it is made from.
        planted: False uses a real clip as it is.
        fps: Frames per second of an animated portrait; a real clip has its own.
        dropped: Share of frames that are lost on the way.
        seed: Of everything else in it.
    """

    index: int
    item: Item
    planted: bool
    fps: float
    dropped: float
    seed: int


def jobs(items: list[Item], plan: CorpusPlan) -> list[Job]:
    """The clips of a corpus, in mixed order, so that a part of it is a fair sample.

    Training people share ``portrait_clips`` and ``real_clips`` evenly. Each validation portrait gives
    ``held_repeats`` clips and each real validation clip twice as many; each test portrait gives one, each
    real test clip one as it is and one planted.
    """
    rng = np.random.default_rng(plan.seed)

    def some(kind: str, split: str) -> list[Item]:
        used = split in plan.splits
        return [item for item in items if used and item.kind == kind and item.split == split]

    wanted: list[tuple[Item, bool]] = []
    for kind, count in (("portrait", plan.portrait_clips), ("clip", plan.real_clips)):
        train = some(kind, "train")
        for number in range(count if train else 0):
            planted = kind == "portrait" or (number // len(train)) % 4 < 4 * _PLANTED_SHARE
            wanted.append((train[number % len(train)], planted))
    for item in some("portrait", "validation"):
        wanted += [(item, True)] * plan.held_repeats
    for item in some("clip", "validation"):
        wanted += [(item, True), (item, False)] * plan.held_repeats
    wanted += [(item, True) for item in some("portrait", "test")]
    for item in some("clip", "test"):
        wanted += [(item, True), (item, False)]

    order = rng.permutation(len(wanted))
    return [
        Job(
            index=index,
            item=wanted[place][0],
            planted=wanted[place][1],
            fps=float(rng.choice(_RATES)),
            dropped=float(rng.uniform(0.01, 0.08)) if rng.random() < 0.2 else 0.0,
            seed=int(rng.integers(2**31)),
        )
        for index, place in enumerate(order)
    ]
