"""Whatever a user gets wrong ends in one clear sentence and a non-zero code, never in a traceback or a hang."""

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from clips import write_clip
from tiny_engine import make_tiny_bundle

Run = Callable[..., subprocess.CompletedProcess[str]]


def refused(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode not in (0, None), done.stdout
    assert "Traceback" not in done.stderr
    for part in parts:
        assert part in done.stderr, done.stderr


@pytest.mark.parametrize("verb", ["live", "analyze"])
def test_a_missing_file(rtme: Run, verb: str) -> None:
    refused(rtme(verb, "nowhere.mp4"), "nowhere.mp4")


def test_a_folder_without_a_video(rtme: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(rtme("analyze", "empty"), "empty", "no video")
    refused(rtme("live", "empty", "--fast"), "empty")


def test_a_text_file_named_mp4(rtme: Run, tmp_path: Path) -> None:
    (tmp_path / "letter.mp4").write_text("Dear camera,\n" * 200)
    refused(rtme("analyze", "letter.mp4"), "letter.mp4")


def test_an_empty_file(rtme: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    refused(rtme("analyze", "empty.mp4"), "empty.mp4")


def test_a_file_with_sound_alone(rtme: Run, tmp_path: Path) -> None:
    import av
    import numpy as np

    with av.open(str(tmp_path / "sound.m4a"), "w") as out:
        stream = out.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    refused(rtme("analyze", "sound.m4a"), "sound.m4a", "video")


def test_a_truncated_file_gives_what_it_has(rtme: Run, clip: Path, tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.avi", "mpeg4", frames=90).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    done = rtme("analyze", "cut.avi", "--json")
    assert done.returncode == 0, done.stderr
    assert 0 < json.loads(done.stdout)["frames"] < 90


def test_a_bit_flipped_file_goes_on(rtme: Run, tmp_path: Path) -> None:
    data = bytearray(write_clip(tmp_path / "whole.avi", "mpeg4", frames=90).read_bytes())
    for position in range(len(data) // 3, len(data) * 2 // 3, 997):
        data[position] ^= 0x55
    (tmp_path / "flipped.avi").write_bytes(data)
    done = rtme("analyze", "flipped.avi", "--json")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["frames"] > 0


def test_one_bad_file_among_good_ones_is_named_and_the_rest_is_done(rtme: Run, clip: Path) -> None:
    done = rtme("analyze", clip, "nowhere.mp4", "--json")
    refused(done, "nowhere.mp4")
    assert [report["frames"] for report in json.loads(done.stdout)] == [90]


def test_a_camera_that_is_not_there(rtme: Run) -> None:
    refused(rtme("live", "97"), "97")


def test_an_address_without_a_host(rtme: Run) -> None:
    refused(rtme("live", "rtsp://", "--seconds", 10))


def test_no_password_in_what_is_said(rtme: Run) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    done = rtme("live", f"rtsp://anna:geheim@127.0.0.1:{port}/cam", "--seconds", 3, "--json")
    assert "geheim" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    states = [json.loads(line) for line in done.stdout.splitlines()]
    assert any(event["kind"] == "state" and event["state"] == "backoff" for event in states)


def test_a_port_in_use(rtme: Run, clip: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(rtme("live", clip, "--bind", f"tcp://127.0.0.1:{port}"), str(port), "in use")


def test_a_bind_for_the_whole_network_needs_a_word(rtme: Run, clip: Path) -> None:
    refused(rtme("live", clip, "--bind", "tcp://0.0.0.0:5599"), "0.0.0.0", "rtme keys new", "--insecure")


def test_an_unknown_engine(rtme: Run, clip: Path) -> None:
    refused(rtme("analyze", clip, "--engine", "warp"), "warp")


@pytest.mark.parametrize("numbers", [{"window": -3}, {"hop": 0}, {"look_ahead": -1}, {"fps": 0}])
def test_a_manifest_with_a_number_that_cannot_be(
    rtme: Run, clip: Path, tmp_path: Path, numbers: dict[str, int]
) -> None:
    bundle = make_tiny_bundle(tmp_path / "engine")
    manifest = bundle.path / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | numbers))
    refused(rtme("analyze", clip, "--engine", bundle.path), next(iter(numbers)))


def test_a_manifest_that_does_not_fit_its_graphs(rtme: Run, clip: Path, tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "engine")
    manifest = bundle.path / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"regions": 5}))
    refused(rtme("analyze", clip, "--engine", bundle.path), "regions", "5")


def test_a_changed_graph(rtme: Run, clip: Path, tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "engine")
    bundle.encoder_path.write_bytes(bundle.encoder_path.read_bytes() + b"\0")
    refused(rtme("analyze", clip, "--engine", bundle.path), "encoder.onnx", "SHA-256")


@pytest.mark.parametrize(
    ("flag", "value"), [("--faces", "0"), ("--faces", "many"), ("--threads", "-1"), ("--transport", "pigeon")]
)
def test_a_flag_that_does_not_fit(rtme: Run, clip: Path, flag: str, value: str) -> None:
    refused(rtme("live", clip, flag, value), flag.strip("-"))


def test_a_settings_file_that_does_not_fit(rtme: Run, tmp_path: Path) -> None:
    (tmp_path / "cameras.toml").write_text('[[source]]\nurl = "0"\nfacse = 2\n')
    refused(rtme("live", "cameras.toml"), "facse", "cameras.toml")
    (tmp_path / "cameras.toml").write_text("[[source")
    refused(rtme("live", "cameras.toml"), "cameras.toml", "TOML")
    refused(rtme("live", "other.toml"), "other.toml")


def test_nowhere_to_write(rtme: Run, clip: Path) -> None:
    refused(rtme("analyze", clip, "-o", "no/such/folder/out.json"), "no/such/folder")


def test_no_password_from_a_misspelt_settings_file(rtme: Run, tmp_path: Path) -> None:
    (tmp_path / "cameras.toml").write_text('sources = ["rtsp://anna:geheim@10.0.0.7/cam"]\n')
    done = rtme("live", "cameras.toml")
    refused(done, "sources", "cameras.toml")
    assert "geheim" not in done.stdout + done.stderr


def test_an_empty_word(rtme: Run) -> None:
    refused(rtme("live", ""), "empty")


def test_an_environment_that_does_not_fit(rtme: Run, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTME_SOURCE", "rtsp://10.0.0.7/cam")
    refused(rtme("live", clip, "--fast"), "RTME_", "source")


def test_a_demo_has_no_end_to_analyse(rtme: Run) -> None:
    refused(rtme("analyze", "demo", timeout=30), "demo", "rtme live")


def test_a_sensitivity_that_is_none_or_that_the_engine_lacks(rtme: Run, clip: Path) -> None:
    refused(rtme("analyze", clip, "--sensitivity", "medium"), "'low', 'normal' or 'high'")
    for verb in (["analyze"], ["live", "--fast"]):
        refused(rtme(*verb, clip, "--sensitivity", "high"), "only normal", "train and export it again")
