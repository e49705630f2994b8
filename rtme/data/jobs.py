"""Which clips a synthetic store is made of: drawn from the plan alone, so that a stopped build goes on with the same."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from rtme.data.manifest import State
from rtme.data.material import Item, Split
from rtme.data.store import StorePlan
from rtme.errors import DataError

Kind = Literal["mixed", "conversation"]

_REAL_SHARE = 1 / 6
_UNTOUCHED_EVERY = 4
# Frame rates of animated portraits as shares of the grid's; at 30 slots a second 30 and, as some webcams, 25.
_RATES = (1.0, 1.0, 1.0, 1.0, 25 / 30)


class SynthPlan(BaseModel):
    """What a synthetic store holds. Two stores of one plan and material are equal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = Field(
        "mixed",
        description="mixed: portraits and real clips, turns of speech, frames lost on the way, to learn from; "
        "conversation: portraits that speak or listen for the whole clip, half of them with 1 or 2 micro-expressions",
    )
    store: StorePlan = StorePlan()
    seed: int = Field(0, ge=0)
    seconds: float = Field(4.0, ge=1, le=60, description="length of a clip; a real clip may be shorter")
    train: int = Field(1500, ge=0, description="clips of training people")
    validation: int = Field(120, ge=0, description="clips of validation people")
    test: int = Field(160, ge=0, description="clips of test people")

    def clips(self, split: Split) -> int:
        """How many clips of the people of a split."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[split]


@dataclass(frozen=True, slots=True)
class Job:
    """One clip to make.

    Attributes:
        index: Its place in the store.
        item: What it is made from.
        planted: False uses a real clip as it is.
        fps: Frames per second of an animated portrait; a real clip has its own.
        dropped: Share of frames that are lost on the way.
        seed: Of everything else in it.
        state: What the person does for the whole clip; None leaves it to chance.
        n_me: How many micro-expressions; None leaves it to chance.
    """

    index: int
    item: Item
    planted: bool
    fps: float
    dropped: float
    seed: int
    state: State | None = None
    n_me: int | None = None


def jobs(items: list[Item], plan: SynthPlan) -> list[Job]:
    """The clips of a store, in mixed order, so that a part of it is a fair sample.

    The pictures of a split share its clips evenly. In a mixed store real videos give a sixth of all clips where
    there are any, a quarter of these as they are.

    Raises:
        DataError: Clips are wanted of a split that has no portrait, or none is wanted at all.
    """
    rng = np.random.default_rng(plan.seed)
    wanted: list[_Wish] = []
    for split in get_args(Split):
        of_split = [item for item in items if item.split == split]
        of_split = [of_split[place] for place in rng.permutation(len(of_split))]
        count = plan.clips(split)
        if count:
            _check(of_split, split)
            draw = _mixed if plan.kind == "mixed" else _talks
            wanted += draw(of_split, count, rng)
    if not wanted:
        raise DataError("0 clips are asked for: ask for clips of training, validation or test people")
    order = rng.permutation(len(wanted))
    return [_job(index, wanted[place], plan, rng) for index, place in enumerate(order)]


@dataclass(frozen=True, slots=True)
class _Wish:
    item: Item
    planted: bool = True
    state: State | None = None
    n_me: int | None = None


def _check(items: list[Item], split: Split) -> None:
    if any(item.kind == "portrait" for item in items):
        return
    raise DataError(
        f"no portrait (JPEG, PNG) to animate of anybody in the {split} split, of which clips are wanted: add frontal "
        f"pictures of more people, place people by a table (file,person,split), or ask for 0 {split} clips"
    )


def _mixed(items: list[Item], count: int, rng: np.random.Generator) -> list[_Wish]:
    pictures = [item for item in items if item.kind == "portrait"]
    videos = [item for item in items if item.kind == "clip"]
    n_real = round(_REAL_SHARE * count) if videos else 0
    wishes = [_Wish(pictures[number % len(pictures)]) for number in range(count - n_real)]
    for number, which in enumerate(rng.permutation(n_real)):
        wishes.append(_Wish(videos[number % len(videos)], planted=bool(which % _UNTOUCHED_EVERY)))
    return wishes


def _talks(items: list[Item], count: int, rng: np.random.Generator) -> list[_Wish]:
    pictures = [item for item in items if item.kind == "portrait"]
    states: tuple[State, ...] = get_args(State)
    wishes = []
    # By chance who does what: a face must not tell the state.
    for number, which in enumerate(rng.permutation(count)):
        n_me = int(rng.integers(1, 3)) if which // 2 % 2 else 0
        wishes.append(_Wish(pictures[number % len(pictures)], True, states[which % 2], n_me))
    return wishes


def _job(index: int, wish: _Wish, plan: SynthPlan, rng: np.random.Generator) -> Job:
    fps, dropped = plan.store.fps, 0.0
    if plan.kind == "mixed":
        fps *= float(rng.choice(_RATES))
        dropped = float(rng.uniform(0.01, 0.08)) if rng.random() < 0.2 else 0.0
    seed = int(rng.integers(2**31))
    return Job(index, wish.item, wish.planted, fps, dropped, seed, wish.state, wish.n_me)
