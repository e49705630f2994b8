"""The numbers that spotting goes by. An engine's manifest holds them; this room only needs their names."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from rtme.errors import SettingsError
from rtme.spot.calibration import Knots, fault_of

Sensitivity = Literal["low", "normal", "high"]
"""How much is reported: from few false alarms and few expressions to many of both."""


def slots_at_least(ms: float, fps: float) -> int:
    """The fewest slots that last ``ms`` milliseconds or more, at least one."""
    return max(1, math.ceil(ms * fps / 1000 - 1e-6))


def slots_at_most(ms: float, fps: float) -> int:
    """The most slots that last ``ms`` milliseconds or less."""
    return math.floor(ms * fps / 1000 + 1e-6)


def _check(right: bool, sentence: str) -> None:
    if not right:
        raise SettingsError(sentence)


def _check_hysteresis(name: str, on: float, off: float) -> None:
    _check(0 < off <= on <= 1, f"the {name} thresholds are on {on} and off {off}: give 0 < off <= on <= 1")


@dataclass(frozen=True, slots=True)
class IntervalRules:
    """How slot scores become intervals.

    Attributes:
        on: An interval needs a score at or above this, 0..1.
        off: It lasts while scores are at or above this; at most ``on``.
        min_ms: Shorter intervals are retracted.
        me_max_ms: Longer intervals close as macro.
        merge_ms: A dip below ``off`` this short does not end an interval.
        calibration: How often an interval is right whose scores reach so high; without knots its confidence is raw.
    """

    on: float = 0.5
    off: float = 0.3
    min_ms: float = 66.0
    me_max_ms: float = 500.0
    merge_ms: float = 0.0
    calibration: Knots = ()

    def __post_init__(self) -> None:
        _check_hysteresis("interval", self.on, self.off)
        _check(self.min_ms > 0, f"decoder.min_ms is {self.min_ms}: give a duration above 0 ms")
        _check(self.me_max_ms > 0, f"decoder.me_max_ms is {self.me_max_ms}: give a duration above 0 ms")
        _check(self.merge_ms >= 0, f"decoder.merge_ms is {self.merge_ms}: give 0 ms or more")
        fault = fault_of(self.calibration)
        _check(fault is None, f"calibration: {fault}")


@dataclass(frozen=True, slots=True)
class SpeakerRules:
    """How the probability of speaking becomes turns.

    Attributes:
        on: At or above this the person speaks, 0..1.
        off: Below this the person listens; at most ``on``. Between the two nothing changes.
        min_ms: A change must last this long to count.
        look_ahead: Slots after a slot before its probability is final; kept within what hop and window allow.
    """

    on: float = 0.6
    off: float = 0.4
    min_ms: float = 200.0
    look_ahead: int = 8

    def __post_init__(self) -> None:
        _check_hysteresis("speaker", self.on, self.off)
        _check(self.min_ms > 0, f"speaker.min_ms is {self.min_ms}: give a duration above 0 ms")


class _Decoder(Protocol):
    @property
    def on(self) -> float: ...
    @property
    def off(self) -> float: ...
    @property
    def me_weight(self) -> float: ...
    @property
    def min_ms(self) -> float: ...
    @property
    def me_max_ms(self) -> float: ...
    @property
    def merge_ms(self) -> float: ...


class _Speaker(Protocol):
    @property
    def look_ahead(self) -> int: ...
    @property
    def on(self) -> float: ...
    @property
    def off(self) -> float: ...
    @property
    def min_ms(self) -> float: ...


class _Engine(Protocol):
    """What spotting reads of an engine's manifest."""

    @property
    def name(self) -> str: ...
    @property
    def fps(self) -> float: ...
    @property
    def window(self) -> int: ...
    @property
    def hop(self) -> int: ...
    @property
    def look_ahead(self) -> int: ...
    @property
    def token_size(self) -> int: ...
    @property
    def regions(self) -> int: ...
    @property
    def region_size(self) -> int: ...
    @property
    def decoder(self) -> _Decoder: ...
    @property
    def sensitivity(self) -> Mapping[Literal["low", "high"], _Decoder]: ...
    @property
    def calibration(self) -> Knots: ...
    @property
    def speaker(self) -> _Speaker: ...


@dataclass(frozen=True, slots=True)
class SpotterRules:
    """Everything a :class:`rtme.spot.spotter.Spotter` goes by.

    Attributes:
        fps: Slots per second.
        window: T, slots per window.
        hop: Slots between evaluated windows.
        look_ahead: Slots after a slot before its score is final: from ``hop - 1``, so that every slot is in a
            window in time, to ``window - 1``.
        token_size: D of the frame token with the measures beside it.
        regions: R region tokens a slot.
        region_size: Dr of a region token.
        me_weight: score = frame^(1-w) * p_me^w, 0..1.
        interval: How slot scores become intervals.
        speaker: How the probability of speaking becomes turns.
    """

    fps: float
    window: int
    hop: int
    look_ahead: int
    token_size: int
    regions: int
    region_size: int
    me_weight: float = 0.0
    interval: IntervalRules = IntervalRules()
    speaker: SpeakerRules = SpeakerRules()

    def __post_init__(self) -> None:
        _check(self.fps > 0, f"fps is {self.fps}: give slots per second above 0")
        _check(self.window > 0, f"window is {self.window} slots: give 1 or more")
        _check(self.hop > 0, f"hop is {self.hop} slots: give 1 or more")
        _check(
            self.hop - 1 <= self.look_ahead < self.window,
            f"look_ahead is {self.look_ahead} slots: with a hop of {self.hop} and a window of {self.window} "
            f"give {self.hop - 1} to {self.window - 1}",
        )
        _check(0 <= self.me_weight <= 1, f"decoder.me_weight is {self.me_weight}: give 0 to 1")

    @classmethod
    def of(
        cls, engine: _Engine, look_ahead: int | None = None, sensitivity: Sensitivity = "normal"
    ) -> "SpotterRules":
        """The rules in an engine's manifest.

        Args:
            engine: The manifest.
            look_ahead: Slots, instead of the engine's own.
            sensitivity: Which of its operating points.

        Raises:
            SettingsError: The numbers do not go together, or the engine has no such operating point.
        """
        decoder, speaker = _decoder_of(engine, sensitivity), engine.speaker
        return cls(
            fps=engine.fps,
            window=engine.window,
            hop=engine.hop,
            look_ahead=engine.look_ahead if look_ahead is None else look_ahead,
            token_size=engine.token_size,
            regions=engine.regions,
            region_size=engine.region_size,
            me_weight=decoder.me_weight,
            interval=IntervalRules(
                on=decoder.on,
                off=decoder.off,
                min_ms=decoder.min_ms,
                me_max_ms=decoder.me_max_ms,
                merge_ms=decoder.merge_ms,
                calibration=engine.calibration,
            ),
            speaker=SpeakerRules(
                on=speaker.on, off=speaker.off, min_ms=speaker.min_ms, look_ahead=speaker.look_ahead
            ),
        )


def _decoder_of(engine: _Engine, sensitivity: Sensitivity) -> _Decoder:
    if sensitivity == "normal":
        return engine.decoder
    if sensitivity not in engine.sensitivity:
        has = ["normal", *engine.sensitivity]
        raise SettingsError(
            f"the engine {engine.name} has no sensitivity {sensitivity!r}, only {', '.join(has)}: operating points are "
            "measured in training, so train and export it again with this version, or leave the sensitivity at normal"
        )
    return engine.sensitivity[sensitivity]
