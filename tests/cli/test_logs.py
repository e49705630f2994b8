"""The log of `rtme live`: one JSON object a line, or words; never a password."""

import json
import logging
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from rtme.cli.logs import JsonLines, Lines, logging_to_stderr
from rtme.errors import BusError

Run = Callable[..., subprocess.CompletedProcess[str]]


def record(message: str, **beside: object) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": message, "name": "rtme.bus", "levelname": "WARNING", **beside})


@given(message=st.text(), value=st.text() | st.integers() | st.none())
def test_any_record_is_one_line_of_json(message: str, value: object) -> None:
    line = JsonLines().format(record(message.replace("%", ""), stream=value))
    assert len(line.splitlines()) == 1 or "\n" not in line
    said = json.loads(line)
    assert {"time", "level", "logger", "message", "stream"} == set(said)
    assert (said["level"], said["logger"]) == ("warning", "rtme.bus")


@pytest.mark.parametrize("formatter", [JsonLines(), Lines()])
def test_no_secret_of_a_url_is_written_wherever_it_stands(formatter: logging.Formatter) -> None:
    url = "rtsp://anna:geheim@10.0.0.7:554/live?token=geheim"
    try:
        raise ValueError(f"cannot open {url}")
    except ValueError as error:
        trouble = (type(error), error, error.__traceback__)
    line = formatter.format(record(f"lost {url}", source=url, all=[url], exc_info=trouble))
    assert "geheim" not in line
    assert "10.0.0.7:554/live" in line


def test_json_from_beginning_to_end(rtme: Run, clip: Path) -> None:
    url = "rtsp://anna:geheim@127.0.0.1:1/cam"
    done = rtme("live", url, clip, "--fast", "--seconds", "6", "--log-format", "json")
    # The camera never came.
    assert done.returncode == 3, done.stderr
    said = [json.loads(line) for line in done.stderr.splitlines()]
    assert all({"time", "level", "logger", "message"} <= set(line) for line in said)
    assert "geheim" not in done.stderr
    states = [(line["stream"], line["state"]) for line in said if line.get("event") == "state"]
    assert {("127-0-0-1", "backoff"), ("face", "live"), ("face", "ended")} <= set(states)
    assert {line["level"] for line in said if line.get("state") == "backoff"} == {"warning"}
    (address,) = [line["address"] for line in said if "address" in line]
    assert address.startswith("tcp://127.0.0.1:")
    assert "over: the time asked for has passed" in [line["message"] for line in said]


def test_an_error_is_a_line_of_json_too_and_keeps_its_exit_code(rtme: Run) -> None:
    done = rtme("live", "demo", "--log-format", "json", "--metrics", "0.0.0.0:9464")
    assert done.returncode == BusError.exit_code
    (line,) = done.stderr.splitlines()
    said = json.loads(line)
    assert said["level"] == "error"
    assert "other machines" in said["message"]


def test_a_missing_file_is_an_error_of_its_stream(rtme: Run) -> None:
    done = rtme("live", "nowhere.mp4", "--log-format", "json")
    assert done.returncode == 3
    said = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["stream"] for line in said if line["level"] == "error"] == ["nowhere"]


def test_words_on_stderr_do_not_repeat_what_stands_on_stdout(rtme: Run, clip: Path) -> None:
    words = rtme("live", clip, "--fast")
    assert "connecting" in words.stdout
    assert "connecting" not in words.stderr
    beside_json = rtme("live", clip, "--fast", "--json")
    assert "INFO face is connecting" in beside_json.stderr


def test_a_wrong_format_is_refused(rtme: Run) -> None:
    done = rtme("live", "demo", "--log-format", "xml")
    assert done.returncode == 2
    assert "log_format" in done.stderr


def test_a_reader_that_does_not_read_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as reader, os.fdopen(writing, "w") as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        with logging_to_stderr("json", events_too=True):
            # A pipe holds 64 kB: whoever waited for its reader would wait for ever.
            for number in range(20_000):
                logging.getLogger("rtme.test").warning("%d", number)
            thread = threading.Thread(target=lambda: [*reader], daemon=True)
            thread.start()
        stderr.close()
        thread.join(60)
        assert not thread.is_alive()


def test_logging_is_left_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with logging_to_stderr("json", events_too=True) as notes:
            notes.say("hello", stream="cam")
            raise BusError("no")

    before = (logging.getLogger().handlers[:], logging.getLogger("rtme").level)
    with pytest.raises(typer.Exit):
        fail()
    assert (logging.getLogger().handlers, logging.getLogger("rtme").level) == before
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["message"], first["stream"], first["level"]) == ("hello", "cam", "info")
    assert (second["message"], second["level"]) == ("no", "error")
