import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtme.data.folds import loso, nobody_out
from rtme.errors import DataError

PEOPLE = st.dictionaries(st.tuples(st.sampled_from("ab"), st.sampled_from("123456")), st.booleans())


@given(PEOPLE, st.floats(0, 1), st.integers(0, 5))
def test_every_fold_splits_everyone(people: dict[tuple[str, str], bool], share: float, seed: int) -> None:
    with_me = {person for person, has in people.items() if has}
    if len(with_me) < 3:
        return
    folds = loso(people, with_me, validation=share, seed=seed)
    assert [fold.test for fold in folds] == [(person,) for person in sorted(with_me)]
    for fold in [*folds, nobody_out(people, with_me, validation=share, seed=seed)]:
        assert sorted([*fold.test, *fold.validation, *fold.train]) == sorted(people)
        assert set(fold.validation) < with_me - set(fold.test)
        assert bool(fold.validation) == (share > 0)
    assert folds == loso(people, with_me, validation=share, seed=seed)


def test_those_without_a_micro_expression_can_be_left_out_too() -> None:
    people = [("a", name) for name in "1234"]
    folds = loso(people, people[:3], validation=0.5, all_subjects=True)
    assert [fold.name for fold in folds] == ["a/1", "a/2", "a/3", "a/4"]
    assert all(set(fold.validation) < set(people[:3]) - set(fold.test) for fold in folds)


def test_same_names_in_two_datasets_are_two_people() -> None:
    people = [("a", "1"), ("b", "1")]
    folds = loso(people, people, validation=0)
    assert [fold.name for fold in folds] == ["a/1", "b/1"]
    assert folds[0].train == (("b", "1"),)


def test_too_few_people_with_micro_expressions_is_said_at_the_start() -> None:
    with pytest.raises(DataError, match="1 of 2 subjects have micro-expressions and folds need 3"):
        loso([("a", "1"), ("a", "2")], [("a", "1")])
