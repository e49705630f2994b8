"""`rtme live` as a process of its own, heard by a subscriber in this one."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av

from live_process import is_state, service, wait_for
from rtme.events import FaceEvent, GapEvent, SpeakerEvent, TruthEvent
from rtsp_camera import RtspCamera

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_camera_that_goes_away_and_comes_back(
    engine: str, clip: Path, rtsp_server: Callable[..., RtspCamera]
) -> None:
    camera = rtsp_server(clip, user="anna", password="geheim")
    with service(engine, camera.url) as (process, subscriber):
        seen = wait_for(subscriber, lambda event: isinstance(event, SpeakerEvent))
        camera.stop()
        seen += wait_for(subscriber, is_state("backoff"))
        camera.start()
        seen += wait_for(subscriber, lambda event: isinstance(event, FaceEvent) and event.epoch == 1)
        process.send_signal(signal.SIGINT)
        seen += wait_for(subscriber, is_state("ended"))
        assert process.wait(30) == 0
    assert any(isinstance(event, GapEvent) and event.cause == "reconnect" for event in seen)
    # What was open when the camera went was closed in its own epoch.
    ended = {event.id for event in seen if isinstance(event, SpeakerEvent) and event.end is not None}
    assert {event.id for event in seen if isinstance(event, SpeakerEvent)} == ended
    assert "geheim" not in "".join(event.model_dump_json() for event in seen)


def test_a_camera_that_is_not_there_yet(
    engine: str, clip: Path, rtsp_server: Callable[..., RtspCamera]
) -> None:
    camera = rtsp_server(clip)
    camera.stop()
    with service(engine, camera.url) as (_, subscriber):
        wait_for(subscriber, is_state("backoff"))
        camera.start()
        wait_for(subscriber, lambda event: isinstance(event, FaceEvent) and event.status == "appeared")


def test_the_demo_tells_what_it_planted(engine: str) -> None:
    with service(engine, "demo") as (process, subscriber):
        wait_for(subscriber, lambda event: isinstance(event, TruthEvent))
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert "Seen:" in process.stderr.read()


def test_json_lines_are_events(rtme: Run, clip: Path) -> None:
    done = rtme("live", clip, "--fast", "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert {"interval", "speaker", "state", "heartbeat"} <= {event["kind"] for event in events}


def test_ctrl_c_loses_no_line(engine: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "rtme", "live", "demo", "--json", "--bind", "tcp://127.0.0.1:*"],
        env={**os.environ, "RTME_ENGINE": engine},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = []
        while not lines or json.loads(lines[-1])["kind"] != "speaker":
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    events = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    assert process.returncode == 0
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert [event["state"] for event in events if event["kind"] == "state"][-1] == "ended"


def test_a_reader_that_has_enough(engine: str, clip: Path) -> None:
    command = f"{sys.executable} -m rtme live {clip} --fast --bind 'tcp://127.0.0.1:*' | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env={**os.environ, "RTME_ENGINE": engine},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_analyze_as_table_and_as_json(rtme: Run, clip: Path, tmp_path: Path) -> None:
    table = rtme("analyze", clip)
    assert table.returncode == 0, table.stderr
    assert "90 frames" in table.stdout
    done = rtme("analyze", clip, "--json", "-o", "out.json")
    report = json.loads(done.stdout)
    assert report == json.loads((tmp_path / "out.json").read_text())
    assert report["fps"] == 30
    first = report["intervals"][0]
    assert first["onset"] <= first["apex"] <= first["offset"]
    assert abs(first["onset_s"] - first["onset"] / 30) < 0.01
    assert {"source", "engine", "speaker", "gaps", "warnings"} <= set(report)


def test_analyze_of_a_folder_and_a_pattern(rtme: Run, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        (folder / name).write_bytes(clip.read_bytes())
    for what in ("recordings", "recordings/*.mp4"):
        reports = json.loads(rtme("analyze", what, "--json").stdout)
        assert [Path(report["source"]).name for report in reports] == ["a.mp4", "b.mp4"]
        assert reports[0]["intervals"] == reports[1]["intervals"]


def test_analyze_draws_into_a_copy(rtme: Run, clip: Path, tmp_path: Path) -> None:
    done = rtme("analyze", clip, "--video", "drawn.mp4", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 90
    assert "drawn.mp4 is written: it shows whoever is seen in" in done.stderr
    with av.open(str(tmp_path / "drawn.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 90


def test_analyze_draws_copies_of_a_folder_and_spares_the_recordings(
    rtme: Run, clip: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    short = clip.read_bytes()
    (folder / "a.mp4").write_bytes(short)
    (folder / "c.mp4").write_bytes(b"no video")
    done = rtme("analyze", "recordings", "--video", "drawn")
    assert done.returncode == 3
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["a.mp4"]
    refused = rtme("analyze", "recordings", "--video", "recordings")
    assert refused.returncode == 2
    assert "one of the recordings" in refused.stderr
    assert (folder / "a.mp4").read_bytes() == short
    refused = rtme("analyze", "recordings", "--video", "one.mp4")
    assert refused.returncode == 2
    assert "writes a folder" in refused.stderr
