import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtme.bus.journal import Journal, JournalReader, Stored
from rtme.errors import BusError


def events(
    first: int, count: int, *, run: str = "run", stream: str = "cam", kind: str = "state"
) -> list[Stored]:
    return [
        Stored(seq, run, stream, kind, time.time_ns(), b'{"seq":%d}' % seq)
        for seq in range(first, first + count)
    ]


def numbers(path: Path) -> list[int]:
    with JournalReader(path) as reader:
        return [stored.seq for stored in reader.query()]


def test_what_was_appended_is_read_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    batch = events(0, 5)
    with Journal(path) as journal:
        assert journal.next_seq == 0
        journal.append(batch)
        assert journal.next_seq == 5
        with JournalReader(path) as reader:
            assert (reader.oldest, reader.newest) == (0, 4)
            assert reader.page(0, 100, 1 << 20) == batch
            assert list(reader.query()) == batch
    assert batch[0].topic == "rtme.cam.state"


@given(restarts=st.lists(st.lists(st.integers(0, 40), max_size=5), max_size=4))
def test_numbers_have_no_holes_however_they_are_batched_and_restarted(
    tmp_path_factory: pytest.TempPathFactory, restarts: Sequence[Sequence[int]]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite"
    for batches in restarts:
        with Journal(path) as journal:
            for size in batches:
                journal.append(events(journal.next_seq, size))
    total = sum(map(sum, restarts))
    with Journal(path) as journal:
        assert journal.next_seq == total
    assert numbers(path) == list(range(total))


def test_a_second_writer_is_refused_until_the_first_has_closed(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path), pytest.raises(BusError, match="written by another service"):
        Journal(path)
    Journal(path).close()
