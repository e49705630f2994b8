"""One planted movement: what moves how far and when."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rtme.synth.action_units import largest_displacement
from rtme.synth.motion import Motion
from rtme.synth.profile import Profile, visible
from rtme.synth.truth import ACTION_UNITS, TruthInterval

Kind = Literal["me", "macro", "large"]


@dataclass(frozen=True, slots=True)
class Expression:
    """One planted movement.

    Attributes:
        type: As in :class:`~rtme.synth.truth.TruthInterval`.
        units: FACS unit -> (pixels on the left of the picture, pixels on the right).
        profile: Time course.
        mouth: Opening of the jaw and pucker of the lips that go with it, pixels ("large" only).
    """

    type: Kind
    units: dict[int, tuple[float, float]]
    profile: Profile
    mouth: tuple[float, float] = (0.0, 0.0)

    @property
    def pixels(self) -> float:
        """Largest displacement that it reaches."""
        return max(*self.mouth, largest_displacement(self.units) if self.units else 0.0)

    def starting(self, seconds: float) -> "Expression":
        """The same movement, beginning at another time."""
        return replace(self, profile=replace(self.profile, start_s=seconds))

    def stronger(self, factor: float) -> "Expression":
        """The same movement, going farther."""
        units = {unit: (factor * a, factor * b) for unit, (a, b) in self.units.items()}
        return replace(self, units=units, mouth=(factor * self.mouth[0], factor * self.mouth[1]))

    def seen(self, n_frames: int, fps: float) -> TruthInterval | None:
        """Where it is to be seen in a clip, None where it is not."""
        course = self.pixels * self.profile.at(np.arange(n_frames) / fps)
        ends = visible(course)
        if ends is None:
            return None
        onset, apex, offset = ends
        share = float(course[apex]) / self.pixels
        sides = tuple((round(share * a, 3), round(share * b, 3)) for _, (a, b) in sorted(self.units.items()))
        units = tuple(sorted(self.units))
        return TruthInterval(self.type, onset, apex, offset, units, float(course[apex]), sides)

    def perform(self, motion: Motion, fps: float) -> None:
        """Add it to what a face does."""
        course: NDArray[np.float32] = self.profile.at(np.arange(len(motion.jaw)) / fps).astype(np.float32)
        for unit, sides in self.units.items():
            motion.units[:, ACTION_UNITS.index(unit)] += np.outer(course, sides).astype(np.float32)
        motion.jaw[:] += np.float32(self.mouth[0]) * course
        motion.shapes[:, 0] += np.float32(self.mouth[1]) * course
