import platform
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtme.capture.demo import DemoSource
from rtme.capture.file import FileSource
from rtme.capture.rtsp import RtspSource
from rtme.capture.source import PermanentSourceError
from rtme.capture.sources import expand, open_source
from rtme.capture.urls import redact, safe_name, unique_names
from rtme.capture.webcam import WebcamSource, list_cameras
from rtme.errors import SourceError


@pytest.mark.parametrize(
    ("spec", "kind", "name"),
    [
        ("0", WebcamSource, "camera-0"),
        ("/dev/video3", WebcamSource, "video3"),
        ("demo", DemoSource, "demo"),
        ("rtsp://u:p@cam.example.org:554/live", RtspSource, "cam-example-org"),
        ("http://10.0.0.7/stream.mjpg", RtspSource, "10-0-0-7"),
        ("clips/anna 01.final.mp4", FileSource, "anna-01-final"),
        ("file:///data/a%20b.mp4", FileSource, "a-b"),
    ],
)
def test_what_a_word_names(spec, kind, name):
    source = open_source(spec)
    assert isinstance(source, kind)
    assert source.name == name
    assert source.live == (kind is not FileSource)
    assert open_source(spec, name="mine").name == "mine"


def test_a_file_address_is_a_path():
    assert open_source("file:///data/a%20b.mp4").path == Path("/data/a b.mp4")


@given(st.lists(st.text(max_size=12), max_size=8))
def test_names_are_unique_fit_the_wire_and_hold_no_dot(specs):
    names = unique_names(specs)
    assert len(names) == len(specs) == len(set(names))
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", n) for n in names)


def test_two_cameras_at_one_host_have_two_names():
    assert unique_names(["rtsp://h/1", "rtsp://h/2", "h", "a.mp4", "b/a.mp4"]) == [
        "h",
        "h-2",
        "h-3",
        "a",
        "a-2",
    ]


safe_text = st.text("abcXYZ019_-", min_size=1, max_size=12)
secret = st.text("abcXYZ019_-%!$&()*+,;=.~", min_size=5, max_size=16).map(lambda s: f"Q{s}Q")


@given(safe_text, secret, safe_text)
def test_a_password_never_survives(user, password, path):
    for url in (
        f"rtsp://{user}:{password}@10.0.0.7:554/{path}",
        f"rtsp://{user}:{password}@{password}@10.0.0.7/{path}",
        f"rtsp://{user}:{password}/{password}@10.0.0.7/{path}",
        f"http://10.0.0.7/{path}?user={user}&pwd={password}",
        f"rtsp://10.0.0.7/user=x&password={password.replace('&', '').replace(';', '').replace(',', '')}&ch=1",
    ):
        assert password not in redact(url).replace("***", "")
        assert "10.0.0.7" in redact(f"cannot open '{url}' (timeout)")
        assert password not in safe_name(url)
        assert password not in repr(RtspSource(url))


def test_what_is_no_secret_stays():
    for url in ("rtsp://10.0.0.7:554/live/ch0", "http://host/pictures/face@2x.mjpg", "plain text: a@b"):
        assert redact(url) == url


def test_a_folder_and_a_pattern_become_files(tmp_path):
    for name in ("b.mp4", "a.MKV", "notes.txt", "c[1].mp4"):
        (tmp_path / name).touch()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "d.mp4").touch()

    def names(spec: str) -> list[str]:
        return [Path(p).name for p in expand(spec)]

    assert names(str(tmp_path)) == ["a.MKV", "b.mp4", "c[1].mp4"]
    assert names(f"{tmp_path}/*.mp4") == ["b.mp4", "c[1].mp4"]
    assert names(f"{tmp_path}/**/*.mp4") == ["b.mp4", "c[1].mp4", "d.mp4"]
    assert names(f"{tmp_path}/c[1].mp4") == ["c[1].mp4"]
    assert expand("none.mp4") == ["none.mp4"]
    assert expand("0") == ["0"]
    assert expand("rtsp://h/*") == ["rtsp://h/*"]


def test_a_relative_pattern_stays_relative(tmp_path, monkeypatch):
    (tmp_path / "a.mp4").touch()
    monkeypatch.chdir(tmp_path)
    assert expand("*.mp4") == ["a.mp4"]


def test_a_folder_or_a_pattern_without_video(tmp_path):
    with pytest.raises(SourceError, match="no video file"):
        expand(str(tmp_path))
    with pytest.raises(SourceError, match="no file fits"):
        expand(f"{tmp_path}/*.mp4")


@pytest.mark.skipif(platform.system() != "Linux", reason="looks at /dev")
def test_an_unknown_camera_is_told_with_those_there_are():
    with pytest.raises(
        PermanentSourceError, match=r"no camera /dev/video97; (these are here|this machine has)"
    ):
        WebcamSource(97).open()
    assert all(c.device.startswith("/dev/video") for c in list_cameras())


@pytest.mark.skipif(platform.system() != "Linux", reason="opens it through v4l2")
def test_a_device_that_is_no_camera(tmp_path):
    device = tmp_path / "video0"
    device.write_bytes(b"no camera")
    with pytest.raises(SourceError, match="is it a camera"):
        WebcamSource(str(device)).open()
