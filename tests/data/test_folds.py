import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtme.data.folds import loso, videos_of
from rtme.data.manifest import Interval, Manifest, Video
from rtme.errors import DataError


def made(people: dict[tuple[str, str], str]) -> Manifest:
    """One video a person, with an interval of the type named ("" for none)."""
    keys = [{"dataset": d, "subject": s, "video": "v", "fps": 30.0, "n_frames": 50} for d, s in people]
    intervals = [
        Interval(**key, onset=1, offset=5, type=kind)
        for key, kind in zip(keys, people.values(), strict=True)
        if kind
    ]
    return Manifest(tuple(intervals), tuple(Video(**key) for key in keys))


PEOPLE = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.sampled_from("123456")), st.sampled_from(["me", "mae", ""])
)


@given(PEOPLE, st.floats(0, 1), st.integers(0, 5))
def test_every_fold_splits_everyone(people: dict[tuple[str, str], str], share: float, seed: int) -> None:
    with_me = {person for person, kind in people.items() if kind == "me"}
    if len(with_me) < 3:
        return
    folds = loso(made(people), validation=share, seed=seed)
    assert [fold.test for fold in folds] == sorted(with_me)
    for fold in folds:
        parts = [fold.test, *fold.validation, *fold.train]
        assert sorted(parts) == sorted(people)
        assert set(fold.validation) < with_me - {fold.test}
        assert bool(fold.validation) == (share > 0)
    assert folds == loso(made(people), validation=share, seed=seed)


def test_same_names_in_two_datasets_are_two_people() -> None:
    folds = loso(made({("a", "1"): "me", ("b", "1"): "me"}), validation=0)
    assert [fold.name for fold in folds] == ["a/1", "b/1"]
    assert folds[0].train == (("b", "1"),)


def test_too_few_people_with_micro_expressions_is_said_at_the_start() -> None:
    with pytest.raises(DataError, match="1 of 2 subjects have micro-expressions and folds need 3"):
        loso(made({("a", "1"): "me", ("a", "2"): "mae"}))


def test_videos_of_some_people() -> None:
    manifest = made({("a", "1"): "me", ("b", "1"): ""})
    assert [video.key for video in videos_of(manifest, [("b", "1")])] == [("b", "1", "v")]
