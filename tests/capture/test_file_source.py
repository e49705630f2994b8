import random
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from clips import number_in, numbered, with_matrix, write_clip
from rtme.capture.file import FileSource
from rtme.errors import SourceError

DATA = Path("../shared/data/faces")


def read_all(source: FileSource) -> list:
    source.open()
    frames = list(iter(source.read, None))
    source.close()
    return frames


def numbers(frames: list) -> list[int | None]:
    return [number_in(f.image) for f in frames]


KINDS = {
    "h264.mp4": {"codec": "libx264"},
    "h264.mkv": {"codec": "libx264"},
    "b-frames.mp4": {"codec": "libx264", "bf": "3"},
    "hevc.mp4": {"codec": "libx265", "x265_params": "log-level=none"},
    "mpeg1.mpg": {"codec": "mpeg1video"},
    "mpeg4.avi": {"codec": "mpeg4", "bf": "2"},
    "cinepak.avi": {"codec": "cinepak", "pix_fmt": "rgb24", "size": (120, 80)},  # its encoder takes its time
    "moving.gif": {"codec": "gif", "pix_fmt": "rgb8"},
    "motion-jpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "raw.h264": {"codec": "libx264", "fps": 25},  # has no times; FFmpeg assumes 25
    "stream.ts": {"codec": "libx264"},
    "audio-first.mp4": {"codec": "libx264", "audio": "first"},
    "audio-second.mp4": {"codec": "libx264", "audio": "second"},
    "odd-size.avi": {"codec": "mjpeg", "pix_fmt": "yuvj444p", "size": (321, 243)},
}


@pytest.mark.parametrize("file", KINDS)
def test_every_picture_of_every_kind_of_file(tmp_path, file):
    path = write_clip(tmp_path / file, frames=40, **KINDS[file])
    source = FileSource(path)
    frames = read_all(source)

    assert numbers(frames) == list(range(40))
    assert [f.stamp.frame for f in frames] == list(range(40))
    assert {(f.stamp.stream, f.stamp.epoch) for f in frames} == {(path.stem, 0)}
    pts = np.diff([f.stamp.pts_s for f in frames])
    assert np.all(pts > 0)
    fps = KINDS[file].get("fps", 30)
    assert pts.sum() == pytest.approx(39 / fps, abs=0.05)
    assert all(f.image.dtype == np.uint8 and f.image.flags.c_contiguous for f in frames)
    assert frames[0].image.shape == (*KINDS[file].get("size", (320, 240))[::-1], 3)
    assert source.corrupt == 0
    assert source.fps == pytest.approx(fps, rel=0.15)


@pytest.mark.parametrize("file", ["h264.mp4", "mpeg1.mpg", "moving.gif"])
def test_a_progress_bar_knows_about_how_many_frames_come(tmp_path, file):
    source = FileSource(write_clip(tmp_path / file, frames=40, **KINDS[file]))
    source.open()
    assert source.frames_expected == pytest.approx(40, abs=2)


def test_colours_are_rgb_in_that_order(tmp_path):
    frame = read_all(FileSource(write_clip(tmp_path / "a.mp4", frames=1, crf="10")))[0]
    assert np.abs(frame.image.astype(int) - numbered(0)).mean() < 6


def test_variable_frame_rate_keeps_each_frames_own_time(tmp_path):
    times = [0, 33, 66, 150, 160, 400, 1000, 1033]
    frames = read_all(FileSource(write_clip(tmp_path / "vfr.mkv", times_ms=times)))
    assert numbers(frames) == list(range(len(times)))
    assert [f.stamp.pts_s for f in frames] == pytest.approx([t / 1000 for t in times])


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize(
    ("turns_before", "matrix"), [(1, (0, 1, -1, 0)), (2, (-1, 0, 0, -1)), (3, (0, -1, 1, 0))]
)
def test_the_rotation_flag_is_applied(tmp_path, codec, turns_before, matrix):
    quiet = {"x265_params": "log-level=none"} if codec == "libx265" else {}
    path = write_clip(tmp_path / "phone.mp4", codec, frames=5, quarter_turns=turns_before, **quiet)
    frames = read_all(FileSource(with_matrix(path, *matrix)))
    assert numbers(frames) == list(range(5))
    assert frames[0].image.shape == (240, 320, 3)


def test_a_mirrored_front_camera_is_turned_back(tmp_path):
    path = with_matrix(write_clip(tmp_path / "selfie.mp4", frames=3), -1, 0, 0, 1)
    mirrored = read_all(FileSource(path))
    assert [number_in(f.image[:, ::-1]) for f in mirrored] == [0, 1, 2]


def test_pixels_that_are_not_square_are_made_so(tmp_path):
    frames = read_all(FileSource(write_clip(tmp_path / "recorder.mkv", frames=3, aspect="2")))
    assert numbers(frames) == [0, 1, 2]
    assert frames[0].image.shape == (240, 640, 3)


def test_a_file_that_changes_its_size_midway(tmp_path):
    small = write_clip(tmp_path / "small.h264", frames=20)
    large = write_clip(tmp_path / "large.h264", frames=20, size=(640, 480), first=20)
    both = tmp_path / "both.h264"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    frames = read_all(FileSource(both))
    assert numbers(frames) == list(range(40))
    assert {f.image.shape for f in frames} == {(240, 320, 3), (480, 640, 3)}


def test_times_that_start_again_midway_still_increase(tmp_path):
    once = write_clip(tmp_path / "once.ts", frames=20)
    twice = tmp_path / "twice.ts"
    twice.write_bytes(once.read_bytes() * 2)
    frames = read_all(FileSource(twice))
    # The transport stream's own counter breaks at the seam: what cannot be trusted there is left out.
    got = numbers(frames)
    assert got[:12] == list(range(12))
    assert got[-20:] == list(range(20))
    steps = np.diff([f.stamp.pts_s for f in frames])
    assert steps.min() > 0
    assert steps.max() < 0.5


@pytest.mark.parametrize("file", ["h264.mkv", "stream.ts", "mpeg1.mpg", "mpeg4.avi", "cinepak.avi"])
def test_a_truncated_file_gives_what_it_has(tmp_path, file):
    whole = write_clip(tmp_path / file, frames=60, **{**KINDS[file], "g": "12", "bf": "0"}).read_bytes()
    cut = tmp_path / f"cut-{file}"
    cut.write_bytes(whole[: len(whole) * 6 // 10])
    got = numbers(read_all(FileSource(cut)))
    assert got == list(range(len(got)))
    assert 15 < len(got) < 60


@pytest.mark.parametrize("file", ["h264.mkv", "stream.ts", "mpeg1.mpg", "mpeg4.avi"])
@pytest.mark.parametrize("seed", range(2))
def test_flipped_bits_cost_pictures_and_are_counted(tmp_path, file, seed):
    data = bytearray(write_clip(tmp_path / file, frames=60, g="12", **KINDS[file]).read_bytes())
    dice = random.Random(seed)
    for _ in range(10):
        data[dice.randrange(len(data) // 3, len(data))] ^= 1 << dice.randrange(8)
    broken = tmp_path / f"broken-{file}"
    broken.write_bytes(data)
    source = FileSource(broken)
    frames = read_all(source)
    assert source.corrupt > 0
    assert frames
    assert [f.stamp.frame for f in frames] == list(range(len(frames)))
    assert np.all(np.diff([f.stamp.pts_s for f in frames]) > 0)
    good = [n for n in numbers(frames) if n is not None]
    # H.264 hides some damage so well that FFmpeg does not tell.
    assert len(good) > 0.75 * len(frames), "damaged pictures must be left out, not shown"


def test_at_its_own_pace_each_frame_waits_for_its_time(tmp_path):
    now = 100.0
    given: list[tuple[float, float]] = []

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    # The pause of nine seconds is longer than a reader may be kept waiting.
    path = write_clip(tmp_path / "a.mkv", times_ms=[0, 40, 80, 500, 9500, 9540])
    source = FileSource(path, paced=True, clock=lambda: now, sleep=sleep)
    source.open()
    while frame := source.read():
        given.append((frame.stamp.pts_s, now - 100.0))
    assert [at for _, at in given] == pytest.approx([0, 0.04, 0.08, 0.5, 2.5, 2.54])
    assert not source.live


def test_opening_again_starts_the_next_epoch_from_the_first_picture(tmp_path):
    source = FileSource(write_clip(tmp_path / "a.mp4", frames=5), name="again")
    first, second = read_all(source), read_all(source)
    assert numbers(first) == numbers(second) == list(range(5))
    assert {f.stamp.epoch for f in second} == {1}
    assert [f.stamp.frame for f in second] == list(range(5))
    source.close()
    with pytest.raises(SourceError, match="not open"):
        source.read()


def bad_file(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / "bad.mp4"
    if kind == "a folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("this is no video\n" * 50)
    elif kind == "text that FFmpeg would draw":
        path = path.with_suffix(".txt")
        path.write_text("this is no video\n" * 50)
    elif kind == "sound only":
        path = path.with_suffix(".wav")
        with wave.open(str(path), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(8000)
            sound.writeframes(bytes(16000))
    elif kind == "cut before its index":
        whole = write_clip(tmp_path / "whole.mp4", frames=60)
        path.write_bytes(whole.read_bytes()[:5000])
    elif kind == "pictures all destroyed":
        data = write_clip(tmp_path / "whole.mp4", frames=10).read_bytes()
        start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
        path.write_bytes(data[:start] + bytes(end - start) + data[end:])
    return path


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("missing", "there is no file"),
        ("a folder", "is a folder"),
        ("empty", "is empty"),
        ("text", "is not a video"),
        ("text that FFmpeg would draw", "no video stream"),
        ("sound only", "no video stream"),
        ("cut before its index", "is not a video"),
        ("pictures all destroyed", "no picture in"),
    ],
)
def test_what_is_no_video_is_told_in_one_sentence(tmp_path, kind, says):
    path = bad_file(tmp_path, kind)
    with pytest.raises(SourceError, match=says) as caught:
        read_all(FileSource(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_with_a_colon_is_a_path(tmp_path, monkeypatch):
    write_clip(tmp_path / "rtsp:take 2.mp4", frames=3)
    monkeypatch.chdir(tmp_path)
    assert len(read_all(FileSource("rtsp:take 2.mp4"))) == 3


@pytest.mark.skipif(not DATA.exists(), reason=f"real footage is not at {DATA}")
@pytest.mark.parametrize(
    ("file", "frames", "fps"),
    [
        ("asl/yes.mkv", None, 30),
        ("speech/s1_bbaf2n.mpg", 75, 25),
        ("clips/head-pose-face-detection-male.gif", None, 12),
    ],
)
def test_real_footage(file, frames, fps):
    source = FileSource(DATA / file)
    got = read_all(source)
    assert source.corrupt == 0
    assert len(got) == (frames or len(got)) > 20
    assert np.median(np.diff([f.stamp.pts_s for f in got])) == pytest.approx(1 / fps, rel=0.05)


def test_a_file_that_is_deleted_while_it_is_read_goes_on(tmp_path, numbered_clip):
    path = Path(shutil.copy(numbered_clip, tmp_path / "gone.mp4"))
    source = FileSource(path)
    source.open()
    path.unlink()
    assert numbers(list(iter(source.read, None))) == list(range(90))
