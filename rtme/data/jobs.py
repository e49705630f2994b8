"""Which clips a synthetic store is made of: drawn from the plan alone, so that a stopped build goes on with the same."""

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from rtme.data.manifest import State
from rtme.data.material import Item, Split
from rtme.data.synth_plan import SynthPlan
from rtme.errors import DataError
from rtme.synth.codec import Codec, for_pixels, random_squeeze

_REAL_EYES_PX = 80.0  # bit rates of real clips are drawn for a picture of a face of this size


@dataclass(frozen=True, slots=True)
class Job:
    """One clip to make.

    Attributes:
        index: Its place in the store.
        item: What it is made from.
        planted: False plants nothing in a real clip.
        fps: Frames per second of an animated portrait; a real clip has its own.
        dropped: Share of frames that are lost on the way.
        seed: Of everything else in it.
        state: What the person does for the whole clip; None leaves it to chance.
        n_me: How many micro-expressions; None leaves it to chance.
        doubled: Share of frames that show the one before once more.
        eye_px: Distance of the outer eye corners of an animated portrait, pixels.
        squeezed: Codec and bit rate in kbit/s with which the clip is compressed. Of a real clip, whose size is not known
            before it is read, the rate is for another picture: see :meth:`squeezed_at`.
        mirrored: A real clip is seen in a mirror.
        backwards: A real clip runs backwards.
        rate: How fast a real clip is played.
        scale: Size of a real clip's pictures against its own.
        camera: How bad the light and the camera are, 0..1; None leaves a real clip as it was taken.
    """

    index: int
    item: Item
    planted: bool
    fps: float
    dropped: float
    seed: int
    state: State | None = None
    n_me: int | None = None
    doubled: float = 0.0
    eye_px: float = 60.0
    squeezed: tuple[Codec, int] | None = None
    mirrored: bool = False
    backwards: bool = False
    rate: float = 1.0
    scale: float = 1.0
    camera: float | None = None

    def squeezed_at(self, pixels: int) -> tuple[Codec, int] | None:
        """Codec and bit rate of a real clip whose pictures have so many pixels: as many bits for each as were drawn."""
        if self.squeezed is None:
            return None
        return for_pixels(*self.squeezed, picture(_REAL_EYES_PX) ** 2, pixels)


def jobs(items: list[Item], plan: SynthPlan) -> list[Job]:
    """The clips of a store, in mixed order, so that a part of it is a fair sample.

    The pictures of a split share its clips evenly. In a mixed store real videos give ``plan.real`` of all clips where
    there are any, ``plan.untouched`` of these with nothing planted.

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
            wanted += (
                _mixed(of_split, count, plan, rng) if plan.kind == "mixed" else _talks(of_split, count, rng)
            )
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


def _mixed(items: list[Item], count: int, plan: SynthPlan, rng: np.random.Generator) -> list[_Wish]:
    pictures = [item for item in items if item.kind == "portrait"]
    videos = [item for item in items if item.kind == "clip"]
    n_real = round(plan.real * count) if videos else 0
    n_untouched = round(plan.untouched * n_real)
    wishes = [_Wish(pictures[number % len(pictures)]) for number in range(count - n_real)]
    for number, which in enumerate(rng.permutation(n_real)):
        wishes.append(_Wish(videos[number % len(videos)], planted=bool(which >= n_untouched)))
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
    drawn = Job(index, wish.item, wish.planted, plan.store.fps, 0.0, 0, wish.state, wish.n_me)
    drawn = replace(drawn, seed=int(rng.integers(2**31)))
    if plan.kind == "mixed":
        drawn = replace(
            drawn,
            fps=_fps(plan, rng),
            dropped=float(rng.uniform(0.01, 0.08)) if rng.random() < plan.dropped else 0.0,
            doubled=float(rng.uniform(0.01, 0.15)) if rng.random() < plan.doubled else 0.0,
        )
    if wish.item.kind == "clip":
        return _as_seen(drawn, plan, rng)
    # Small faces are drawn as often as large ones of twice their size.
    eye_px = float(np.exp(rng.uniform(*np.log(plan.eyes_px))))
    camera = float(rng.uniform(0, 1))
    return replace(drawn, eye_px=eye_px, camera=camera, squeezed=_squeezed(plan, eye_px, rng))


def _as_seen(job: Job, plan: SynthPlan, rng: np.random.Generator) -> Job:
    """A real clip seen otherwise than it was taken, so that few clips teach more; some are as they are."""
    if rng.random() < plan.as_taken:
        return job
    return replace(
        job,
        mirrored=bool(rng.random() < 0.5),
        backwards=bool(rng.random() < 0.25),
        rate=float(rng.uniform(0.75, 1.35)) if rng.random() < 0.5 else 1.0,
        scale=float(rng.uniform(0.4, 1.0)) if rng.random() < 0.4 else 1.0,
        camera=float(rng.uniform(0, 0.8)) if rng.random() < 0.5 else None,
        squeezed=_squeezed(plan, _REAL_EYES_PX, rng),
    )


def _fps(plan: SynthPlan, rng: np.random.Generator) -> float:
    shares = np.array([rate.share for rate in plan.rates])
    return float(rng.choice([rate.fps for rate in plan.rates], p=shares / shares.sum()))


def _squeezed(plan: SynthPlan, eye_px: float, rng: np.random.Generator) -> tuple[Codec, int] | None:
    return random_squeeze(rng, picture(eye_px) ** 2, plan.codecs) if rng.random() < plan.squeezed else None


def picture(eye_px: float) -> int:
    """Edge of the square picture in which an animated face of this size is shown, pixels."""
    return max(96, 2 * round(1.7 * eye_px))
