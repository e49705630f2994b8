"""Spotting in clips of speaking and of listening people, and the two together (F1_DR of MELDAE)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rtme.score.interval import Interval, State, VideoFacts
from rtme.score.matching import Rules
from rtme.score.spotting import Counts, by_name, refuse_strangers, spotting


@dataclass(frozen=True, slots=True)
class StateScore:
    """Counts pooled over the clips of each state.

    Attributes:
        speaking: Over clips of speaking people.
        listening: Over clips of listening people.
        unknown: Clips that are in neither, because their state is not known or changes.
    """

    speaking: Counts
    listening: Counts
    unknown: int

    @property
    def f1_s(self) -> float:
        """F1 over speaking clips."""
        return self.speaking.f1

    @property
    def f1_l(self) -> float:
        """F1 over listening clips."""
        return self.listening.f1

    @property
    def f1_dr(self) -> float:
        """Harmonic mean 2 F1_S F1_L / (F1_S + F1_L), 0 if either is 0."""
        both = self.f1_s + self.f1_l
        return 2 * self.f1_s * self.f1_l / both if both else 0.0


def f1_by_state(
    truth: Sequence[Interval],
    found: Sequence[Interval],
    videos: Sequence[VideoFacts],
    rules: Rules | None = None,
    of: Literal["me", "mae", "overall"] = "me",
) -> StateScore:
    """Count apart in speaking and in listening clips.

    Args:
        truth: Labelled intervals.
        found: Predictions.
        videos: Everything that was looked through; a clip's state is the one here, not its intervals'.
        rules: How they are matched.
        of: Which expressions count.

    Raises:
        DataError: As :func:`rtme.score.spotting`.
    """
    states = {name: facts.state for name, facts in by_name(videos).items()}
    refuse_strangers(truth, found, states)

    def within(state: State) -> Counts:
        return spotting(
            [one for one in truth if states[one.video] == state and of in (one.type, "overall")],
            [one for one in found if states[one.video] == state and of in (one.type, "overall")],
            [video for video in videos if video.state == state],
            rules,
        ).overall

    return StateScore(within("speaking"), within("listening"), list(states.values()).count(None))
