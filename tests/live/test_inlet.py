import threading
from dataclasses import replace

import numpy as np

from rtme.events import Mark
from rtme.live.inlet import EndOfEpoch, EndOfSource, Inlet, TimedFrame


def frame(index: int, epoch: int = 0) -> TimedFrame:
    ns = index * 1_000_000_000 // 30
    mark = Mark(frame=index, time_s=index / 30, capture_ns=ns, wall_ns=ns)
    return TimedFrame(np.zeros((1, 1, 3), np.uint8), epoch, mark)


def index_of(item: object) -> int:
    assert isinstance(item, TimedFrame)
    return item.mark.frame


def test_live_keeps_the_latest_and_counts_what_it_replaced() -> None:
    inlet = Inlet(latest_wins=True)
    for index in range(10):
        assert inlet.put(frame(index), 0)
    # At 30 frames a second three more fit into a tenth of a second.
    assert [index_of(inlet.get(0)) for _ in range(4)] == [6, 7, 8, 9]
    (dropped,) = inlet.take_dropped()
    assert (dropped.count, dropped.first.frame, dropped.last.frame) == (6, 0, 5)
    assert inlet.take_dropped() == []


def test_a_burst_is_kept_up_to_the_depth() -> None:
    inlet = Inlet(latest_wins=True, depth=8)
    for index in range(12):
        burst = frame(index)
        inlet.put(replace(burst, mark=burst.mark.model_copy(update={"capture_ns": 5})), 0)
    assert [index_of(inlet.get(0)) for _ in range(8)] == list(range(4, 12))
    assert [dropped.count for dropped in inlet.take_dropped()] == [4]


def test_drops_are_told_by_epoch() -> None:
    inlet = Inlet(latest_wins=True, depth=1)
    for epoch, index in ((0, 7), (0, 8), (1, 0), (1, 1)):
        inlet.put(frame(index, epoch), 0)
    told = [(d.epoch, d.count, d.first.frame, d.last.frame) for d in inlet.take_dropped()]
    assert told == [(0, 2, 7, 8), (1, 1, 0, 0)]


def test_the_end_of_an_epoch_comes_once_and_after_its_last_frame() -> None:
    inlet = Inlet(latest_wins=True)
    inlet.put(frame(0), 0)
    inlet.end_epoch()
    assert index_of(inlet.get(0)) == 0
    assert inlet.get(0) == EndOfEpoch()
    assert inlet.get(0) is None
    inlet.end_epoch()
    inlet.put(frame(0, epoch=1), 0)
    assert index_of(inlet.get(0)) == 0
    assert inlet.get(0) is None


def test_a_file_makes_the_writer_wait_and_loses_nothing() -> None:
    inlet = Inlet(latest_wins=False, depth=2)
    assert inlet.put(frame(0), 0)
    assert inlet.put(frame(1), 0)
    assert not inlet.put(frame(2), 0.01)
    assert index_of(inlet.get(0)) == 0
    assert inlet.put(frame(2), 0)
    assert [index_of(inlet.get(0)) for _ in range(2)] == [1, 2]
    assert inlet.take_dropped() == []


def test_the_end_comes_after_the_last_frame_and_stays() -> None:
    inlet = Inlet(latest_wins=True)
    inlet.put(frame(0), 0)
    inlet.end(EndOfSource("gone"))
    inlet.end(EndOfSource("later reasons do not count"))
    assert index_of(inlet.get(0)) == 0
    assert inlet.get(0) == EndOfSource("gone")
    assert inlet.get(0) == EndOfSource("gone")


def test_an_empty_inlet_says_so_in_time() -> None:
    assert Inlet(latest_wins=True).get(0.01) is None


def test_nothing_is_lost_or_reordered_between_two_threads() -> None:
    inlet = Inlet(latest_wins=False, depth=3)

    def write() -> None:
        for index in range(500):
            while not inlet.put(frame(index), 0.05):
                pass
        inlet.end(EndOfSource())

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while not isinstance(item := inlet.get(5), EndOfSource):
        seen.append(index_of(item))
    writer.join(5)
    assert seen == list(range(500))
