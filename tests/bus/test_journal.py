"""The journal as a file: what is in it, who may write it, and what becomes of a file that is none."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_events import interval, stored, warning
from rtme.bus.journal import Journal, JournalReader, Stored
from rtme.errors import BusError, JournalError

HOUR_NS = 3_600_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def batch(first: int, count: int, run_id: str = "run", wall_ns: int | None = None) -> list[Stored]:
    return [stored(warning(), seq, run_id, wall_ns) for seq in range(first, first + count)]


def fill(path: Path, count: int) -> None:
    with Journal(path) as journal:
        journal.append(batch(journal.next_seq, count))


def numbers(path: Path) -> list[int]:
    with JournalReader(path) as reader:
        return [one.seq for one in reader.query()]


def test_what_was_appended_is_read_as_it_was_also_while_it_is_written(path: Path) -> None:
    events = batch(0, 5)
    with Journal(path) as journal:
        assert journal.next_seq == 0
        with JournalReader(path) as reader:
            assert (reader.oldest, reader.newest, list(reader.query())) == (None, None, [])
            journal.append(events)
            assert journal.next_seq == 5
            assert (reader.oldest, reader.newest) == (0, 4)
            assert list(reader.query()) == events
    assert events[0].topic == "rtme.cam.warning"


@settings(max_examples=25)
@given(restarts=st.lists(st.lists(st.integers(0, 40), max_size=5), max_size=4))
def test_numbers_have_no_holes_however_they_are_batched_and_restarted(
    tmp_path_factory: pytest.TempPathFactory, restarts: Sequence[Sequence[int]]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite"
    for sizes in restarts:
        with Journal(path) as journal:
            for size in sizes:
                journal.append(batch(journal.next_seq, size))
    total = sum(map(sum, restarts))
    with Journal(path) as journal:
        assert journal.next_seq == total
    assert numbers(path) == list(range(total))


def test_a_batch_is_written_whole_or_not_at_all(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(batch(0, 3))
        with pytest.raises(JournalError):
            journal.append([*batch(3, 2), *batch(1, 1)])  # a number that is taken
        assert numbers(path) == [0, 1, 2]
        journal.append(batch(3, 2))
    assert numbers(path) == [0, 1, 2, 3, 4]


def test_pages_are_bounded_in_rows_and_bytes_but_never_empty(path: Path) -> None:
    fill(path, 10)
    with JournalReader(path) as reader:
        size = len(reader.page(0, 1, 1 << 20)[0].body)
        assert [one.seq for one in reader.page(4, 3, 1 << 20)] == [4, 5, 6]
        assert [one.seq for one in reader.page(4, 100, 2 * size)] == [4, 5]
        assert [one.seq for one in reader.page(4, 100, 1)] == [4]
        assert reader.page(10, 100, 1 << 20) == []


def test_queries_choose_by_stream_kind_run_number_and_time(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(
            [
                stored(warning(stream="cam"), 0, "first", 100),
                stored(interval(stream="cam"), 1, "first", 200),
                stored(warning(stream="door"), 2, "second", 300),
                stored(interval(stream="door"), 3, "second", 250),  # the clock was set back
                stored(interval(stream="cam"), 4, "second", 400),
            ]
        )
    with JournalReader(path) as reader:

        def found(**how: object) -> list[int]:
            return [one.seq for one in reader.query(**how)]  # type: ignore[arg-type]

        assert found() == [0, 1, 2, 3, 4]
        assert found(streams=["cam"]) == [0, 1, 4]
        assert found(streams=["cam", "door"], kinds=["interval"]) == [1, 3, 4]
        assert found(since_ns=250) == [2, 3, 4]
        assert found(since_ns=250, until_ns=300) == [3]
        assert found(since_ns=500) == []
        assert found(run_id="fi") == [0, 1]
        assert found(first=3) == [3, 4]
        assert found(last=2) == [3, 4]
        assert found(kinds=["interval"], last=2, until_ns=400) == [1, 3]
        assert found(streams=["' OR 1"]) == []


@settings(max_examples=25)
@given(
    times=st.lists(st.integers(0, 20), max_size=30),
    since=st.integers(0, 20),
    until=st.integers(0, 20),
    last=st.none() | st.integers(1, 10),
)
def test_a_query_by_time_is_right_however_the_clock_was_set(
    tmp_path_factory: pytest.TempPathFactory, times: list[int], since: int, until: int, last: int | None
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite"
    with Journal(path) as journal:
        journal.append([stored(warning(), seq, wall_ns=wall_ns) for seq, wall_ns in enumerate(times)])
    with JournalReader(path) as reader:
        found = [one.seq for one in reader.query(since_ns=since, until_ns=until, last=last)]
    expected = [seq for seq, wall_ns in enumerate(times) if since <= wall_ns < until]
    assert found == (expected if last is None else expected[-last:])


def test_a_query_of_many_events_does_not_hold_up_the_writer(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(batch(0, 3_000))
        with JournalReader(path) as reader:
            seen = iter(reader.query())
            assert next(seen).seq == 0
            journal.append(batch(3_000, 500))
            journal.tidy()
            assert [one.seq for one in seen] == list(range(1, 3_500)), "what comes meanwhile is seen as well"


def test_a_second_writer_is_refused_until_the_first_has_closed(path: Path) -> None:
    with Journal(path), pytest.raises(BusError, match=r"written by another service.*--journal"):
        Journal(path)
    Journal(path).close()


def test_a_second_writer_by_another_name_of_the_file_is_refused(path: Path) -> None:
    link = path.with_name("link.sqlite")
    with Journal(path):
        link.symlink_to(path)
        with pytest.raises(BusError, match="written by another service"):
            Journal(link)


def test_a_closed_journal_says_so(path: Path) -> None:
    journal = Journal(path)
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.append(batch(0, 1))


def test_only_the_owner_may_read_it(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(batch(0, 1))
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert set(modes) == {path.name + ending for ending in ("", "-wal", "-shm", ".seq", ".lock")}
    assert set(modes.values()) == {0o600}


def test_numbers_that_were_used_without_being_written_are_not_used_again(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(batch(0, 3))
        journal.take(10)
    with Journal(path) as journal:
        assert journal.next_seq == 10
        journal.take(4)
        assert journal.next_seq == 10


@pytest.mark.parametrize("lost", [".seq", ""])
def test_either_of_two_files_is_enough_to_go_on_with_the_numbers(path: Path, lost: str) -> None:
    fill(path, 7)
    path.with_name(path.name + lost).unlink()
    with Journal(path) as journal:
        assert journal.next_seq == 7


@pytest.mark.parametrize("rubbish", [b"", b"\0" * 20, b"twenty", b"12\n"])
def test_a_number_file_with_rubbish_is_not_believed(path: Path, rubbish: bytes) -> None:
    fill(path, 50)
    path.with_name(path.name + ".seq").write_bytes(rubbish)
    with Journal(path) as journal:
        assert journal.next_seq == 50


def test_too_old_events_are_removed_and_numbers_go_on(path: Path) -> None:
    now = time.time_ns()
    with Journal(path) as journal:
        journal.append(batch(0, 500, wall_ns=now - 25 * HOUR_NS))
        journal.append(batch(500, 10, wall_ns=now - 23 * HOUR_NS))
    with Journal(path, keep_days=1) as journal:
        assert journal.tidy() == 500
        assert numbers(path) == list(range(500, 510))
        assert journal.tidy() == 0


def test_when_all_are_too_old_numbers_still_go_on(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(batch(0, 500, wall_ns=time.time_ns() - 25 * HOUR_NS))
    with Journal(path, keep_days=1) as journal:
        assert journal.tidy() == 499
    path.with_name(path.name + ".seq").unlink()
    with Journal(path) as journal:
        assert journal.next_seq == 500


def test_what_goes_is_one_piece_at_the_beginning_though_the_clock_was_set_back(path: Path) -> None:
    now = time.time_ns()
    with Journal(path) as journal:
        journal.append(batch(0, 2, wall_ns=now - 48 * HOUR_NS))
        journal.append(batch(2, 1, wall_ns=now))
        journal.append(batch(3, 2, wall_ns=now - 47 * HOUR_NS))
    with Journal(path, keep_days=1) as journal:
        journal.tidy()
    assert numbers(path) == [2, 3, 4]


LONG_AGO_NS = 40 * 24 * HOUR_NS


def test_a_clock_that_is_set_forward_wipes_nothing_of_this_run(path: Path) -> None:
    now = time.time_ns()
    with Journal(path) as journal:
        journal.append(batch(0, 10, "old", now - LONG_AGO_NS))
    with Journal(path, keep_days=30) as journal:
        journal.append(batch(10, 300, wall_ns=now - LONG_AGO_NS))
        journal.append(batch(310, 1, wall_ns=now))
        assert journal.tidy() == 10
    assert numbers(path) == list(range(10, 311))


def test_a_run_that_lasts_longer_than_events_are_kept_removes_its_own(path: Path) -> None:
    with Journal(path, keep_days=2 / 86_400) as journal:
        journal.append(batch(0, 10, wall_ns=0))
        journal.append(batch(10, 1, wall_ns=time.time_ns() + HOUR_NS))
        deadline = time.monotonic() + 60
        while journal.tidy() == 0:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert numbers(path) == [10]


def test_too_many_events_are_removed_oldest_first_and_the_file_stays_within_its_limit(path: Path) -> None:
    with Journal(path, keep_mb=0.5) as journal:
        for _ in range(10):
            journal.append(batch(journal.next_seq, 500))
            journal.tidy()
        end = journal.next_seq
    kept = numbers(path)
    assert kept == list(range(end - len(kept), end))
    assert 500 < len(kept) < 4_000
    assert path.stat().st_size < 1_000_000


def test_a_file_shrinks_when_its_limit_was_lowered(path: Path) -> None:
    fill(path, 5_000)
    before = path.stat().st_size
    with Journal(path, keep_mb=0.2) as journal:
        journal.tidy()
    assert path.stat().st_size <= 250_000 < before
    assert numbers(path)[-1] == 4_999


def test_a_limit_smaller_than_one_event_keeps_the_newest(path: Path) -> None:
    with Journal(path, keep_mb=0.000001) as journal:
        journal.append(batch(0, 300))
        journal.tidy()
    assert numbers(path) == [299]


def test_events_are_appended_while_old_ones_are_removed(path: Path) -> None:
    done = threading.Event()
    with Journal(path) as journal:
        journal.append(batch(0, 4_000, wall_ns=0))
    with Journal(path, keep_days=1) as journal:
        first = journal.next_seq

        def append() -> None:
            while not done.is_set() or journal.next_seq < first + 100:
                journal.append(batch(journal.next_seq, 1))

        appending = threading.Thread(target=append)
        appending.start()
        try:
            journal.tidy()
        finally:
            done.set()
            appending.join(60)
        end = journal.next_seq
    assert numbers(path)[-100:] == list(range(end - 100, end))
    assert numbers(path)[0] >= 3_999


def refused_unchanged(path: Path, words: str) -> None:
    before = path.read_bytes()
    for open_it in (Journal, JournalReader):
        with pytest.raises(JournalError, match=words) as caught:
            open_it(path)
        assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_a_text_file_is_no_journal(path: Path) -> None:
    path.write_text("seq,text\n" * 1_000)
    refused_unchanged(path, "no journal")


def test_another_database_is_no_journal(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE people (name)")
    other.close()
    refused_unchanged(path, "another program")


def test_a_journal_of_a_newer_version_is_refused(path: Path) -> None:
    fill(path, 3)
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 2")
    newer.close()
    refused_unchanged(path, r"version 2.*update rtme")


def test_a_journal_whose_newest_page_is_damaged_is_refused_and_numbers_go_on_without_it(path: Path) -> None:
    fill(path, 2_000)
    whole = path.read_bytes()
    # Everything but the first page, which says what the file is.
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    damaged = path.read_bytes()
    with pytest.raises(JournalError, match=r"damaged.*Move it elsewhere"):
        Journal(path)
    assert path.read_bytes() == damaged, "nothing is written over it"
    path.rename(path.with_name("damaged.sqlite"))
    with Journal(path) as journal:
        assert journal.next_seq == 2_000


def test_a_damaged_page_in_the_middle_is_told_to_who_reads_it(path: Path) -> None:
    fill(path, 2_000)
    pages = bytearray(path.read_bytes())
    middle = len(pages) // 2 // 4096 * 4096
    pages[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(pages)
    with JournalReader(path) as reader, pytest.raises(JournalError, match="damaged"):
        list(reader.query())


def test_there_is_nothing_to_read_before_a_service_made_it(path: Path) -> None:
    with pytest.raises(JournalError, match=r"no journal.*rtme live"):
        JournalReader(path)
    assert not path.exists()


def test_a_folder_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"no folder .*nowhere"):
        Journal(tmp_path / "nowhere" / "journal.sqlite")


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalError):
        Journal(tmp_path)


STRANGER = """
import os, sys
from rtme.bus.journal import Journal, JournalReader
from rtme.errors import JournalError
os.setegid(65534)
os.seteuid(65534)
for open_it in (JournalReader, Journal):
    try:
        open_it(sys.argv[1])
    except JournalError as error:
        print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("hidden", ["", "folder", "folder/inner"])
def test_somebody_else_is_told_whose_it_is(hidden: str) -> None:
    # Not in pytest's own folder, below which nobody else may look at anything.
    with tempfile.TemporaryDirectory() as top:
        Path(top).chmod(0o755)
        path = Path(top) / "folder" / "inner" / "journal.sqlite"
        path.parent.mkdir(parents=True)
        fill(path, 3)
        if hidden:
            (Path(top) / hidden).chmod(0o700)
        found = subprocess.run(
            [sys.executable, "-c", STRANGER, path], capture_output=True, text=True, timeout=60, check=True
        )
    for_reader, for_writer = found.stdout.splitlines()
    assert str(path) in for_reader
    assert "as the user whose service writes it" in for_reader
    assert str(path.parent) in for_writer
