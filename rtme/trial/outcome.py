"""What became of each planted expression, what was found where none was, and the figures that follow."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rtme.score import Counts, Interval, Rules, VideoFacts, spotting
from rtme.score.interval import State
from rtme.trial.groups import Group, Shown, group, spread
from rtme.trial.planting import Abandoned, Planted, PlantingSource, Stretch
from rtme.trial.schedule import Wish
from rtme.trial.watching import Found, Seen

RULES = Rules()

_AFTERMATH_S = 0.3  # an abandoned expression ends with a jump that may be found a little later


@dataclass(frozen=True, slots=True)
class Viewing:
    """One way through some footage.

    Attributes:
        clip: Which footage, for people; no credentials.
        source: What was passed on.
        seen: What was said of it.
    """

    clip: str
    source: PlantingSource
    seen: Seen


@dataclass(frozen=True, slots=True)
class Alarm:
    """A micro-expression that was found and not planted.

    Attributes:
        clip: Where.
        untouched: In footage in which nothing was planted; False in a stretch with planted ones.
        found: What was found.
        state: What the engine says the person did in its middle.
    """

    clip: str
    untouched: bool
    found: Found
    state: State | None

    def lies_in(self, stretch: Stretch) -> bool:
        """Whether its middle does."""
        return stretch.holds(self.found.epoch, _middle(self.found))


@dataclass(frozen=True)
class Outcome:
    """Everything a trial saw.

    Attributes:
        source: What was asked for; no credentials.
        live: Whether time passed by itself.
        engine: Its name, version and summary.
        wish: What was to be planted.
        viewings: Ways through the footage.
        notes: What a person should know of this run.
    """

    source: str
    live: bool
    engine: str
    wish: Wish
    viewings: Sequence[Viewing]
    notes: list[str] = field(default_factory=list)

    @cached_property
    def counts(self) -> Counts:
        """Planted against found, over the stretches that were planted in."""
        truth, found, videos = self._planted_tables
        return spotting([*truth], [*found], videos, RULES).me

    @cached_property
    def shown(self) -> list[Shown]:
        """Every planted expression, in their order."""
        truth, found, _ = self._planted_tables
        pairs = {pair.truth: found[pair.found] for pair in self.counts.pairs}
        return [
            Shown(
                viewing.clip,
                planted,
                pairs.get(interval),
                interval not in pairs and any(_meets(planted, one) for one in _of_type(viewing, "macro")),
                viewing.seen.state(planted.epoch, planted.apex.frame),
            )
            for interval, (viewing, planted) in truth.items()
        ]

    @cached_property
    def alarms(self) -> list[Alarm]:
        """What was found and not planted, in planted stretches and in untouched ones."""
        matched = {id(one.found) for one in self.shown if one.found is not None}
        return [
            Alarm(viewing.clip, not stretch.planted, found, viewing.seen.state(found.epoch, _middle(found)))
            for viewing, stretch in self._stretches()
            for found in _found_in(viewing, stretch)
            if id(found) not in matched
        ]

    @property
    def untouched(self) -> list[Alarm]:
        """Those of the untouched footage."""
        return [alarm for alarm in self.alarms if alarm.untouched]

    @cached_property
    def untouched_minutes(self) -> float:
        """Footage in which nothing was planted."""
        return sum(stretch.seconds for _, stretch in self._stretches() if not stretch.planted) / 60

    @property
    def untouched_per_minute(self) -> float | None:
        """False alarms a minute there, None where there is no such footage."""
        return len(self.untouched) / self.untouched_minutes if self.untouched_minutes else None

    @cached_property
    def by_chance(self) -> int | None:
        """How many planted ones the engine would have "found" in the same recording without them; None if live."""
        if self.live:
            return None
        truth, _, videos = self._planted_tables
        found = [
            Interval(f"{_name(alarm.clip, alarm.found.epoch)}/0", *_ends(alarm.found), "me")
            for alarm in self.untouched
        ]
        known = {video.video for video in videos}
        return spotting([*truth], [one for one in found if one.video in known], videos, RULES).me.tp

    def by_state(self) -> list[Group]:
        """By what the engine itself says the person did; false alarms of the untouched footage by the same word."""
        groups = []
        minutes = self._minutes_by_state()
        for state in ("speaking", "listening", None):
            inside = [one for one in self.shown if one.state == state]
            alarms = sum(alarm.state == state for alarm in self.untouched)
            rate = alarms / minutes[state] if minutes[state] > 0 else None
            if inside or rate is not None:
                groups.append(group(state or "not told", inside, rate))
        return groups

    def delays(self) -> dict[str, dict[str, float] | None]:
        """How late things were said, milliseconds; by the footage's own clock but for ``service``.

        What was closed only because the footage ended is left out.
        """
        found = [
            (one.planted, one.found)
            for one in self.shown
            if one.found is not None and not self._cut_off(one.clip, one.found)
        ]
        return {
            "offset_to_closed": spread(1000 * (f.decided.time_s - p.offset.time_s) for p, f in found),
            "onset_to_provisional": spread(1000 * (f.told.time_s - p.onset.time_s) for p, f in found),
            "look_ahead": spread(f.look_ahead_ms for _, f in found),
            # A recording is worked through as fast as it goes: there is no camera that anybody waits for.
            "service": spread(f.system_ms for _, f in found) if self.live else None,
        }

    def planting_ms(self) -> dict[str, float] | None:
        """What planting took of each frame, tracking included."""
        return spread(
            ms for viewing in self.viewings if viewing.source.planted for ms in viewing.source.cost_ms
        )

    @property
    def judged(self) -> float:
        """Part of all frames in which a face could be judged, 0..1."""
        stretches = [stretch for viewing in self.viewings for stretch in viewing.source.stretches]
        return sum(s.judged for s in stretches) / max(1, sum(s.frames for s in stretches))

    @property
    def abandoned(self) -> list[Abandoned]:
        """Expressions that were begun in vain."""
        return [one for viewing in self.viewings for one in viewing.source.abandoned]

    @property
    def missed(self) -> Counter[str]:
        """Expressions that could not be planted, by the reason."""
        return sum((viewing.source.missed for viewing in self.viewings), Counter())

    @property
    def drops(self) -> Counter[str]:
        """Frames that the service lost, by cause; ``skipped`` are windows that it left out to keep up."""
        total: Counter[str] = Counter()
        for viewing in self.viewings:
            if viewing.seen.health is not None:
                total.update(viewing.seen.health.drops)
                total["skipped"] += viewing.seen.health.skipped
        return +total

    @cached_property
    def _planted_tables(
        self,
    ) -> tuple[dict[Interval, tuple[Viewing, Planted]], dict[Interval, Found], list[VideoFacts]]:
        truth: dict[Interval, tuple[Viewing, Planted]] = {}
        found: dict[Interval, Found] = {}
        videos = []
        for viewing, stretch in self._stretches():
            if not stretch.planted:
                continue
            video = f"{_name(viewing.clip, stretch.epoch)}/{stretch.number}"
            videos.append(VideoFacts(video, stretch.fps, stretch.frames))
            for planted in viewing.source.planted:
                if (planted.epoch, planted.stretch) == (stretch.epoch, stretch.number):
                    truth[Interval(video, planted.onset.frame, planted.offset.frame, "me")] = viewing, planted
            for one in _found_in(viewing, stretch):
                found[Interval(video, *_ends(one), "me", score=one.confidence)] = one
        return truth, found, videos

    def _stretches(self) -> Iterable[tuple[Viewing, Stretch]]:
        """Those that are long enough to have a frame rate."""
        return (
            (viewing, s) for viewing in self.viewings for s in viewing.source.stretches if s.fps is not None
        )

    def _minutes_by_state(self) -> dict[State | None, float]:
        minutes: dict[State | None, float] = {"speaking": 0.0, "listening": 0.0, None: self.untouched_minutes}
        for viewing, stretch in self._stretches():
            for turn in viewing.seen.turns:
                first = max(turn.start.frame, stretch.first.frame)
                last = min(turn.end.frame, stretch.last.frame)
                if not stretch.planted and turn.epoch == stretch.epoch and last >= first and stretch.fps:
                    minutes[turn.state] += (last - first + 1) / stretch.fps / 60
                    minutes[None] -= (last - first + 1) / stretch.fps / 60
        # What is left of counting frames in seconds is no time.
        minutes[None] = minutes[None] if minutes[None] > 1e-6 else 0.0
        return minutes

    def _cut_off(self, clip: str, found: Found) -> bool:
        lasts = [
            stretch.last.frame
            for viewing, stretch in self._stretches()
            if viewing.clip == clip and stretch.epoch == found.epoch
        ]
        return found.decided.frame >= max(lasts)


def _name(clip: str, epoch: int) -> str:
    return f"{clip}/{epoch}"


def _ends(found: Found) -> tuple[int, int]:
    return found.onset.frame, found.offset.frame


def _middle(found: Found) -> int:
    return (found.onset.frame + found.offset.frame) // 2


def _of_type(viewing: Viewing, kind: str) -> list[Found]:
    return [one for one in viewing.seen.found if one.type == kind]


def _meets(planted: Planted, found: Found) -> bool:
    return found.epoch == planted.epoch and found.onset.frame <= planted.apex.frame <= found.offset.frame


def _found_in(viewing: Viewing, stretch: Stretch) -> list[Found]:
    """Micro-expressions found in a stretch, but for those where an abandoned expression was."""
    return [
        one
        for one in _of_type(viewing, "me")
        if stretch.holds(one.epoch, _middle(one))
        and not any(_spoilt(one, spoiler) for spoiler in viewing.source.abandoned)
    ]


def _spoilt(found: Found, by: Abandoned) -> bool:
    ends_s = by.last.time_s + _AFTERMATH_S
    return found.epoch == by.epoch and found.onset.time_s <= ends_s and by.first.time_s <= found.offset.time_s
