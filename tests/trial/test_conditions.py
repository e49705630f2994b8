"""Cameras do to pictures what their names say."""

import math
from dataclasses import replace

import numpy as np
import pytest

from made_takes import me, said, take
from rtme.trial.conditions import ALL, ASKED, ENCODED, HALF_BITS, NOISY, REFERENCE, picks, seen_at, shoot
from rtme.trial.figures import drop

PICTURES = [np.full((64, 64, 3), 120, np.uint8) for _ in range(4)]


def noise(condition: object) -> float:
    taken, _ = shoot(PICTURES, condition, seed=5)  # type: ignore[arg-type]
    return float(np.mean([np.square(picture.astype(float) - 120).mean() for picture in taken]))


def test_15_db_more_noise_is_15_db_more_noise() -> None:
    finest = replace(REFERENCE, grain=2.0)
    loudest = replace(NOISY, grain=2.0 * NOISY.grain / REFERENCE.grain)
    assert 10 * math.log10(noise(loudest) / noise(finest)) == pytest.approx(15, abs=0.5)


def test_half_the_bits_is_half_the_stream() -> None:
    rng = np.random.default_rng(0)
    # Something that moves and has detail, or there would be nothing to save.
    wide = rng.integers(0, 255, (160, 400, 3)).astype(np.uint8)
    pictures = [np.ascontiguousarray(wide[:, 3 * k : 3 * k + 160]) for k in range(60)]
    rates = []
    for condition in (ENCODED, HALF_BITS):
        taken, kbit_s = shoot(pictures, condition, seed=1)
        assert len(taken) == len(pictures)
        assert taken[0].shape == pictures[0].shape
        rates.append(kbit_s or 0.0)
    assert rates[1] / rates[0] == pytest.approx(0.5, abs=0.15)


def test_a_camera_of_each_rate_sees_the_same_seconds() -> None:
    assert picks(120, 60).tolist() == list(range(120))
    assert picks(120, 30).tolist() == list(range(0, 120, 2))
    assert len(picks(120, 25)) == 50
    for fps in (15, 20, 25, 30):
        seen = seen_at(me(60, 90), picks(120, fps))
        assert seen is not None
        assert seen.onset / fps == pytest.approx(1.0, abs=1 / fps)
        assert seen.offset / fps == pytest.approx(1.5, abs=1 / fps)
        assert seen.onset <= seen.apex <= seen.offset
    assert seen_at(me(61, 63), picks(120, 15)) is None


def test_pictures_are_left_as_they_are_and_noise_repeats() -> None:
    for condition in ALL:
        if condition.bits is None:
            first, _ = shoot(PICTURES, condition, seed=7)
            again, _ = shoot(PICTURES, condition, seed=7)
            assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert all((picture == 120).all() for picture in PICTURES)


def test_every_camera_has_its_own_name_and_something_to_be_compared_with() -> None:
    for cameras in (ALL, ASKED):
        names = [condition.name for condition in cameras]
        assert len(set(names)) == len(names)
        assert {condition.against for condition in cameras} <= set(names)


def test_a_loss_is_measured_on_the_same_clips() -> None:
    better = [take([me(20, 27)], [said(20, 27)], clip=name) for name in ("a", "b", "c")]
    worse = [take([me(20, 27)], [said(20, 27)] if name == "a" else [], clip=name) for name in ("a", "b")]
    assert drop(better, better)["drop"] == 0.0
    # The third clip was never seen by the other camera.
    assert drop(worse, better)["drop"] == pytest.approx(1 - 2 / 3)
