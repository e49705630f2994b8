"""`rtme events` over a journal, and the journal of `rtme live`."""

import csv
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from made_events import heartbeat, interval, stored, warning
from rtme.bus.journal import Journal, JournalReader
from rtme.bus.journal_path import default_journal
from rtme.errors import BusError, JournalError

Run = Callable[..., subprocess.CompletedProcess[str]]
MINUTE_NS = 60 * 10**9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Path:
    """Two runs: an hour ago and now."""
    now = time.time_ns()
    with Journal(path) as writer:
        writer.append(
            [
                stored(warning("too [dark]"), 0, "aaa1", now - 60 * MINUTE_NS),
                stored(interval(), 1, "aaa1", now - 59 * MINUTE_NS),
                stored(heartbeat(), 2, "aaa1", now - 58 * MINUTE_NS),
                stored(interval(stream="door"), 3, "bbb2", now - MINUTE_NS),
                stored(warning("a hand", stream="door"), 4, "bbb2", now),
            ]
        )
    return path


def seqs(done: subprocess.CompletedProcess[str]) -> list[int]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["seq"] for line in done.stdout.splitlines()]


def test_a_table_for_people(rtme: Run, journal: Path) -> None:
    done = rtme("events", journal)
    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["seq", "time", "stream", "kind", "what"]
    assert [row.split()[0] for row in rows] == ["0", "1", "2", "3", "4"]
    assert "warning: too [dark]" in rows[0]
    assert "frames 10–15" in rows[1]


def test_json_lines_are_the_events_as_they_were_sent(rtme: Run, journal: Path) -> None:
    done = rtme("events", journal, "--json")
    with JournalReader(journal) as reader:
        assert done.stdout.encode() == b"".join(one.body + b"\n" for one in reader.query())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--stream", "door"], [3, 4]),
        (["--stream", "door", "--stream", "cam", "--kind", "interval"], [1, 3]),
        (["--since", "10m"], [3, 4]),
        (["--since", "2h", "--until", "30m"], [0, 1, 2]),
        (["--since", "2001-01-01T00:00+00:00"], [0, 1, 2, 3, 4]),
        (["--until", "2001-01-01"], []),
        (["--run", "bbb"], [3, 4]),
        (["--from-seq", "2"], [2, 3, 4]),
        (["--last", "2"], [3, 4]),
        (["--last", "1", "--kind", "interval", "--run", "aaa1"], [1]),
    ],
)
def test_what_is_asked_for(rtme: Run, journal: Path, words: list[str], expected: list[int]) -> None:
    assert seqs(rtme("events", journal, "--json", *words)) == expected


def test_nothing_that_fits_is_said_and_no_error(rtme: Run, journal: Path) -> None:
    done = rtme("events", journal, "--stream", "garden")
    assert done.returncode == 0
    assert "no event of" in done.stdout


def test_a_table_is_not_endless_unless_asked_for(rtme: Run, path: Path) -> None:
    with Journal(path) as writer:
        writer.append([stored(warning(), seq) for seq in range(200)])
    short, long = rtme("events", path), rtme("events", path, "--last", 150)
    assert "the newest 50" in short.stdout
    assert short.stdout.count("warning: note") == 50
    assert long.stdout.count("warning: note") == 150


def test_json_and_csv_files(rtme: Run, journal: Path, tmp_path: Path) -> None:
    assert "4 events are in" in rtme("events", journal, "--from-seq", 1, "-o", "some.jsonl").stdout
    assert [json.loads(line)["seq"] for line in (tmp_path / "some.jsonl").read_text().splitlines()] == [
        1,
        2,
        3,
        4,
    ]
    assert rtme("events", journal, "-o", "all.csv").returncode == 0
    with (tmp_path / "all.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["seq"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert (rows[0]["text"], rows[0]["onset_frame"]) == ("too [dark]", "")
    assert (rows[1]["onset_frame"], rows[1]["offset_time_s"]) == ("10", "0.5")
    assert json.loads(rows[2]["streams"]) == {}
    assert not list(tmp_path.glob("*.part"))


def test_a_parquet_file_has_the_same_columns_whatever_is_in_it(
    rtme: Run, journal: Path, tmp_path: Path
) -> None:
    parquet = pytest.importorskip(
        "pyarrow.parquet", reason="pyarrow is not installed: pip install 'rtme[parquet]'"
    )
    assert rtme("events", journal, "-o", "all.parquet").returncode == 0
    assert rtme("events", journal, "--stream", "nobody", "-o", "none.parquet").returncode == 0
    table = parquet.read_table(tmp_path / "all.parquet")
    assert table["seq"].to_pylist() == [0, 1, 2, 3, 4]
    assert table["onset_frame"].to_pylist() == [None, 10, None, 10, None]
    assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"
    empty = parquet.read_table(tmp_path / "none.parquet")
    assert (empty.num_rows, empty.schema) == (0, table.schema)


def test_parquet_without_pyarrow_names_the_extra(journal: Path, tmp_path: Path) -> None:
    code = "import sys; sys.modules['pyarrow'] = None; from rtme.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "events", str(journal), "-o", "all.parquet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "rtme[parquet]" in done.stderr
    assert not list(tmp_path.glob("*.parquet*"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--kind", "verdict"], "verdict"),
        (["--since", "yesterday-ish"], "yesterday-ish"),
        (["-o", "events.xlsx"], ".parquet"),
        (["-o", "nowhere/events.csv"], "nowhere"),
    ],
)
def test_a_wrong_word_is_one_sentence(rtme: Run, journal: Path, words: list[str], sentence: str) -> None:
    done = rtme("events", journal, *words)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert sentence in done.stderr


def test_a_file_that_is_no_journal_is_one_sentence(rtme: Run, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"no video either" * 100)
    for name in ("clip.mp4", "missing.sqlite"):
        done = rtme("events", name)
        assert done.returncode == JournalError.exit_code
        assert len(done.stderr.splitlines()) == 1
        assert name in done.stderr


def test_a_reader_that_has_enough(path: Path) -> None:
    with Journal(path) as writer:
        writer.append([stored(warning("x" * 200), seq) for seq in range(5_000)])
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{sys.executable} -m rtme events {path} --json | head -n 1"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == ""


def test_live_keeps_what_it_prints_and_numbers_go_on(rtme: Run, clip: Path, path: Path) -> None:
    printed = []
    for _ in range(2):
        done = rtme("live", clip, "--fast", "--json", "--journal", path)
        assert done.returncode == 0, done.stderr
        assert f"events are kept in {path}" in done.stderr
        printed += done.stdout.splitlines()
    kept = rtme("events", path, "--json").stdout.splitlines()
    assert kept == printed
    assert [json.loads(line)["seq"] for line in kept] == list(range(len(kept)))
    assert len({json.loads(line)["run_id"] for line in kept}) == 2


def test_live_has_a_journal_for_its_port_unless_told_not_to(
    rtme: Run, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    path = default_journal(address)
    assert path is not None
    assert path.is_relative_to(tmp_path)
    assert rtme("live", clip, "--fast", "--bind", address, "--no-journal").returncode == 0
    assert rtme("live", clip, "--fast", "--bind", "tcp://127.0.0.1:*").returncode == 0
    assert not path.parent.exists()
    assert rtme("live", clip, "--fast", "--bind", address).returncode == 0
    monkeypatch.setenv("RTME_BIND", address)
    assert rtme("events", path, "--json").stdout.startswith('{"schema":1')


def test_live_goes_on_without_a_journal_that_nobody_asked_for(
    rtme: Run, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").write_text("a file, where a folder would have to be made")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    done = rtme("live", clip, "--fast", "--bind", address)
    assert done.returncode == 0, done.stderr
    assert "no journal:" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start what a user without a home would")
def test_a_user_without_a_home_has_no_journal_and_is_told_so(engine: str, clip: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HOME", "XDG_"))}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"

    def rtme(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "rtme", *words],
            env={**environment, "RTME_ENGINE": engine, "RTME_BIND": address, "COLUMNS": "200"},
            # Whose home it would be is asked of the real user; what may be read, of the effective one.
            preexec_fn=lambda: os.setreuid(54_321, 0),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    done = rtme("live", str(clip), "--fast")
    assert done.returncode == 0, done.stderr
    assert "no journal: this user has no home folder" in done.stderr
    done = rtme("config", "show", "--json")
    assert json.loads(done.stdout)["settings"]["journal"]["value"] is None
    done = rtme("events")
    assert done.returncode == JournalError.exit_code
    assert "XDG_STATE_HOME" in done.stderr
    for words, option in ((["bridge", "mqtt://127.0.0.1:1"], "--state"), (["keys", "show"], "--keys")):
        done = rtme(*words)
        assert done.returncode == BusError.exit_code
        assert "no home folder" in done.stderr
        assert option in done.stderr


def test_live_refuses_a_journal_that_was_asked_for_and_cannot_be(
    rtme: Run, clip: Path, tmp_path: Path
) -> None:
    done = rtme("live", clip, "--fast", "--journal", tmp_path / "nowhere" / "journal.sqlite")
    assert done.returncode == JournalError.exit_code
    assert "nowhere" in done.stderr
    assert rtme("live", clip, "--journal", "a", "--no-journal").returncode == 2


def test_a_second_live_on_the_same_journal_is_refused(rtme: Run, clip: Path, path: Path) -> None:
    with Journal(path):
        done = rtme("live", clip, "--fast", "--journal", path)
    assert done.returncode == JournalError.exit_code
    assert "another service" in done.stderr
    assert "Traceback" not in done.stderr


def test_live_says_on_the_wire_and_in_its_exit_code_that_the_journal_failed(
    engine: str, clip: Path, path: Path, rtme: Run
) -> None:
    # No file may grow beyond 60 kB, which the journal's WAL soon does.
    words = f"{sys.executable} -m rtme live {clip} --fast --json --bind 'tcp://127.0.0.1:*' --engine {engine}"
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 60; {words} --journal {path}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == JournalError.exit_code, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["seq"] for event in events] == list(range(len(events))), "nothing was held up or left out"
    assert [str(path) in event["text"] for event in events if event["kind"] == "warning"] == [True]
    assert events[-1]["journal"]["state"] == "failing"
    kept = seqs(rtme("events", path, "--json"))
    assert kept == list(range(len(kept)))
    assert f"lacks {len(events) - len(kept)} events" in done.stderr
