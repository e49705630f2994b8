from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtme.errors import SettingsError
from rtme.synth.action_units import LIMITS, largest_displacement
from rtme.synth.expression import Expression
from rtme.trial.schedule import MARGIN_S, REST_S, Schedule, Wish, region


def first(schedule: Schedule, n: int) -> list[Expression]:
    return [schedule.next() for _ in range(n)]


wishes = st.builds(
    Wish,
    every_s=st.floats(1.5, 10),
    pixels=st.tuples(st.floats(0.3, 8), st.floats(0.3, 8)).map(lambda two: (min(two), max(two))),
    seed=st.integers(0, 1000),
    stretch_s=st.none() | st.floats(6, 60),
)


@given(wishes)
@settings(max_examples=20)
def test_expressions_rest_between_each_other_and_are_what_was_wished_for(wish: Wish) -> None:
    drawn = first(Schedule(wish, "camera"), 12)
    for before, after in pairwise(drawn):
        assert after.profile.start_s - before.profile.end_s >= REST_S - 1e-9
    low, high = wish.pixels
    for one in drawn:
        assert low - 1e-4 <= largest_displacement(one.units) <= high + 1e-4
        assert all(max(sides) <= LIMITS[unit] + 1e-4 for unit, sides in one.units.items())


@given(wishes.filter(lambda wish: wish.stretch_s is not None))
@settings(max_examples=20)
def test_every_second_stretch_is_left_alone_and_none_is_decided_beyond_its_own(wish: Wish) -> None:
    schedule = Schedule(wish, "camera")
    assert wish.stretch_s is not None
    for one in first(schedule, 12):
        number = schedule.stretch(one.profile.start_s)
        assert number % 2 == 0
        assert one.profile.end_s <= (number + 1) * wish.stretch_s - MARGIN_S + 1e-9


def test_they_come_about_as_often_as_wished() -> None:
    drawn = first(Schedule(Wish(every_s=5), "camera"), 150)
    assert drawn[-1].profile.start_s / 150 == pytest.approx(5, rel=0.1)


def test_the_seed_and_the_stream_decide() -> None:
    def drawn(seed: int, stream: str) -> list[Expression]:
        return first(Schedule(Wish(seed=seed), stream), 5)

    assert drawn(1, "a") == drawn(1, "a")
    assert drawn(1, "a") != drawn(2, "a")
    assert drawn(1, "a") != drawn(1, "b")


def test_only_what_can_move_so_far_is_chosen() -> None:
    assert all(
        7 not in one.units for one in first(Schedule(Wish(pixels=(4, 6)), "a"), 50) if len(one.units) == 1
    )
    assert Wish(pixels=(8, 8)).choices()


@pytest.mark.parametrize(
    ("numbers", "word"),
    [
        ({"every_s": 0.5}, "every is 0.5"),
        ({"every_s": float("nan")}, "every is nan"),
        ({"pixels": (3, 1)}, "pixels are 3 to 1"),
        ({"pixels": (0.1, 1)}, "pixels are 0.1"),
        ({"pixels": (1, 20)}, "to 20"),
        ({"seed": -1}, "seed is -1"),
        ({"stretch_s": 1}, "1 s long"),
    ],
)
def test_numbers_that_cannot_be(numbers: dict[str, object], word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        Wish(**numbers)  # type: ignore[arg-type]


def test_regions() -> None:
    assert [region(units) for units in ((1, 2), (12,), (6, 12))] == ["upper", "lower", "both"]
