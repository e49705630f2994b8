"""Faces keep their numbers through crossings and short losses, by place and motion alone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rtme.face.identity import Identities

FPS = 30.0


def box(x, y=200.0, size=100.0):
    """A box around a middle."""
    return (x - size / 2, y - size / 2, size, size)


def test_numbers_start_at_one_and_stay():
    ids = Identities(FPS)
    for slot in range(20):
        assert ids.match([box(100 + slot), box(400)], slot) == [1, 2]


def test_the_order_in_which_faces_are_found_does_not_matter():
    ids = Identities(FPS)
    ids.match([box(100), box(400)], 0)
    assert ids.match([box(401), box(101)], 1) == [2, 1]


def test_two_faces_cross_and_one_is_hidden_meanwhile():
    ids = Identities(FPS)
    for slot in range(100):
        left, right = box(100 + 5 * slot), box(600 - 5 * slot, y=215)
        boxes, numbers = ([left, right], [1, 2]) if slot % 2 == 0 else ([right, left], [2, 1])
        hidden = abs((100 + 5 * slot) - (600 - 5 * slot)) < 60
        if hidden:
            assert ids.match([left], slot) == [1]
        else:
            assert ids.match(boxes, slot) == numbers


def test_a_short_loss_keeps_the_number_and_a_long_one_does_not():
    ids = Identities(FPS)
    ids.match([box(100)], 0)
    ids.match([], 10)
    assert ids.match([box(110)], 28) == [1]
    assert ids.alive() == {1}
    assert ids.match([], 59) == []
    assert ids.alive() == set()
    assert ids.match([box(110)], 60) == [2]


def test_a_walking_face_is_found_where_it_should_be_by_now():
    ids = Identities(FPS)
    for slot in range(30):
        ids.match([box(100 + 8 * slot)], slot)
    assert ids.match([box(100 + 8 * 36)], 36) == [1]


def test_a_face_of_another_size_or_elsewhere_is_another_face():
    ids = Identities(FPS)
    ids.match([box(100)], 0)
    assert ids.match([box(100, size=250)], 1) == [2]
    assert ids.match([box(300)], 2) == [3]


def test_forgotten_numbers_are_never_used_again():
    ids = Identities(FPS)
    ids.match([box(100), box(400)], 5)
    ids.forget()
    assert ids.match([box(100), box(400)], 0) == [3, 4]


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.floats(0, 2000), st.floats(0, 2000), st.floats(1, 800)), max_size=6),
        max_size=12,
    )
)
def test_no_two_faces_of_one_picture_share_a_number(pictures):
    ids = Identities(FPS)
    newest = 0
    for slot, boxes in enumerate(pictures):
        numbers = ids.match([box(*each) for each in boxes], slot)
        assert len(set(numbers)) == len(boxes)
        fresh = sorted(n for n in numbers if n > newest)
        assert fresh == list(range(newest + 1, newest + 1 + len(fresh)))
        newest += len(fresh)
