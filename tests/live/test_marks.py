from hypothesis import given
from hypothesis import strategies as st

from rtme.events import Mark
from rtme.live.marks import Marks


def mark(frame: int) -> Mark:
    return Mark(frame=frame, time_s=frame / 30, capture_ns=frame, wall_ns=frame)


@given(slots=st.sets(st.integers(0, 300), min_size=1, max_size=80), asked=st.integers(-10, 320))
def test_the_nearest_frame_on_the_right_side(slots: set[int], asked: int) -> None:
    marks = Marks()
    for slot in sorted(slots):
        marks.add(slot, mark(slot))
    assert marks.at_or_after(asked).frame == min((s for s in slots if s >= asked), default=max(slots))
    assert marks.at_or_before(asked).frame == max((s for s in slots if s <= asked), default=min(slots))


def test_only_the_newest_are_kept() -> None:
    marks = Marks(keep=10)
    for slot in range(1000):
        marks.add(slot, mark(slot))
    assert marks.at_or_after(0).frame >= 980
    assert marks.at_or_before(999).frame == 999
    assert marks.at_or_after(991).frame == 991
