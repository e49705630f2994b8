"""A recording written again with what was found: read back, frame by frame."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clips import number_in, with_matrix, write_clip
from rtme.errors import SettingsError
from rtme.live.analysis import analyze
from rtme.live.burning import Sights, burn
from rtme.live.showing import Showing
from rtme.traces import FaceSight, Shown, Sight
from rtme.view.report import Report
from rtme.view.video_file import VideoFile

ROW = 140
"""Of the planted line, below the pictures' numbers."""
STEP = 3
"""Pixels by which it is longer in every frame."""


def report(frames: int) -> Report:
    return Report(source="clip", fps=30, frames=frames, engine="none", engine_note="made up")


def planted(frame: int, time_s: float) -> Shown:
    """A line whose length says the frame's number."""
    line = [(2.0, float(ROW)), (2.0 + STEP * (frame + 1), float(ROW))]
    face = FaceSight(face=1, box=(10, 230, 20, 5), outline=[line], judged=True)
    return Shown(
        Sight(stream="c", epoch=0, frame=frame, time_s=time_s, wall_ns=0, width=320, height=240, faces=[face])
    )


def write_again(source: Path, target: Path, shown: list[Shown]) -> Path:
    with closing(Sights()) as sights:
        for one in shown:
            sights.add(one)
        burn(source, target, report(len(shown)), [], sights)
    assert list(target.parent.glob("*.part")) == []
    return target


def pictures(path: Path) -> Iterator[tuple[Fraction, np.ndarray]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.pts * frame.time_base, frame.to_ndarray(format="rgb24")


def line_length(picture: np.ndarray) -> float:
    return float((picture[ROW, :, 1] > 190).sum())


def times(path: Path) -> list[Fraction]:
    return [time for time, _ in pictures(path)]


def sound(path: Path) -> list[list[tuple[Fraction, Fraction, bytes]]]:
    """Time, duration and content of every packet of each audio track."""
    with av.open(str(path)) as container:
        found: dict[int, list[tuple[Fraction, Fraction, bytes]]] = {
            s.index: [] for s in container.streams.audio
        }
        for packet in container.demux(container.streams.audio) if found else []:
            if packet.size:
                tb = packet.time_base
                found[packet.stream_index].append((packet.pts * tb, packet.duration * tb, bytes(packet)))
        return list(found.values())


def duration(path: Path) -> float:
    with av.open(str(path)) as container:
        assert container.duration is not None
        return container.duration / av.time_base


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".mov", ".webm"])
def test_each_frame_has_what_was_found_in_it_and_its_own_time(tmp_path: Path, ending: str) -> None:
    moments = [0, 33, 66, 150, 160, 400, 1000, 1033, 1040, 1500, 1533]
    source = write_clip(tmp_path / "vfr.mkv", times_ms=moments)
    shown = [planted(n, ms / 1000) for n, ms in enumerate(moments)]
    target = write_again(source, tmp_path / f"out{ending}", shown)
    found = list(pictures(target))
    assert [number_in(picture[:240]) for _, picture in found] == list(range(len(moments)))
    lengths = [line_length(picture) for _, picture in found]
    assert lengths == pytest.approx([STEP * (n + 1) for n in range(len(moments))], abs=2.5)
    assert [time for time, _ in found] == [Fraction(ms, 1000) for ms in moments]


def test_a_frame_that_was_not_looked_at_has_the_faces_of_the_one_before_for_a_moment(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "fast.mp4", frames=40, fps=60)
    shown = [planted(n, n / 60) for n in range(0, 20, 2)]
    lengths = [
        line_length(picture) for _, picture in pictures(write_again(source, tmp_path / "o.mp4", shown))
    ]
    for n in range(20):
        assert lengths[n] == pytest.approx(STEP * (n // 2 * 2 + 1), abs=2.5)
    assert lengths[-1] < STEP


@pytest.mark.parametrize("audio", ["first", "second", None])
def test_sound_length_and_times_stay(tmp_path: Path, audio: str | None) -> None:
    source = write_clip(tmp_path / "in.mp4", frames=60, audio=audio)
    target = write_again(source, tmp_path / "out.mp4", [])
    assert sound(target) == sound(source)
    assert times(target) == times(source)
    assert duration(target) == pytest.approx(duration(source), abs=0.002)


def test_every_track_of_sound_is_kept_with_its_language(tmp_path: Path) -> None:
    one = write_clip(tmp_path / "one.mp4", frames=30, audio="second")
    two = tmp_path / "two.mkv"
    with av.open(str(one)) as old, av.open(str(two), "w") as new:
        video = new.add_stream_from_template(old.streams.video[0])
        tracks = [new.add_stream_from_template(old.streams.audio[0]) for _ in range(2)]
        for track, language in zip(tracks, ("deu", "fra"), strict=True):
            track.metadata["language"] = language
        packets = [packet for packet in old.demux() if packet.size]
        for packet in packets:
            for stream in [video] if packet.stream.type == "video" else tracks:
                again = av.Packet(bytes(packet))
                again.pts, again.dts, again.time_base = packet.pts, packet.dts, packet.time_base
                again.is_keyframe, again.duration, again.stream = packet.is_keyframe, packet.duration, stream
                new.mux(again)
    target = write_again(two, tmp_path / "out.mkv", [])
    assert len(sound(target)) == 2
    assert sound(target) == sound(two)
    with av.open(str(target)) as container:
        assert [track.metadata["language"] for track in container.streams.audio] == ["deu", "fra"]


def test_a_recording_that_begins_late_begins_late(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "late.mkv", times_ms=range(500, 1500, 40))
    target = write_again(source, tmp_path / "late.mp4", [])
    assert times(target) == times(source)


def test_what_a_phone_filmed_is_upright(tmp_path: Path) -> None:
    source = with_matrix(write_clip(tmp_path / "phone.mp4", frames=5, quarter_turns=1), 0, 1, -1, 0)
    target = write_again(source, tmp_path / "out.mp4", [planted(n, n / 30) for n in range(5)])
    found = [picture for _, picture in pictures(target)]
    assert [number_in(picture[:240, :320]) for picture in found] == list(range(5))
    assert [line_length(picture) for picture in found] == pytest.approx([3, 6, 9, 12, 15], abs=2.5)


@pytest.mark.parametrize("size", [(321, 240), (320, 241), (161, 121)])
def test_odd_sizes_are_made_even(tmp_path: Path, size: tuple[int, int]) -> None:
    source = write_clip(tmp_path / "odd.mkv", "ffv1", frames=5, size=size, pix_fmt="bgr0")
    found = [picture for _, picture in pictures(write_again(source, tmp_path / "out.mp4", []))]
    assert [number_in(picture[: size[1], : size[0]]) for picture in found] == list(range(5))


def test_colours_stay(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", "ffv1", frames=3, pix_fmt="bgr0")
    target = write_again(source, tmp_path / "out.mp4", [])
    for (_, before), (_, after) in zip(pictures(source), pictures(target), strict=True):
        off = np.abs(before.astype(int) - after[:240].astype(int))
        # Codecs halve the resolution of colour.
        assert np.median(off) <= 4
        assert abs(float(before.mean()) - float(after[:240].mean())) < 2


def test_the_whole_way_draws_face_state_score_and_where_it_comes_from(
    engine: str, clip: Path, tmp_path: Path
) -> None:
    target = tmp_path / "drawn.mp4"
    with closing(Sights()) as sights:
        analysis = analyze(clip, engine=engine, showing=Showing(pictures=False), on_sight=sights.add)
        found = analysis.report()
        burn(clip, target, found, analysis.shown, sights)
        places = [sight.faces for sight in sights]
    assert not [one for one in analysis.shown if isinstance(one.message, Sight)]
    assert len(places) == found.frames
    before, after = list(pictures(clip)), list(pictures(target))
    assert [time for time, _ in before] == [time for time, _ in after]
    for (_, old), (_, new), faces in zip(before, after, places, strict=True):
        height = old.shape[0]
        changed = np.abs(old.astype(int) - new[:height].astype(int)).max(axis=2) > 60
        assert new.shape[0] > height
        x, y, w, h = (round(side) for side in faces[0].box)
        inside = changed[max(0, y) : y + h, max(0, x) : x + w]
        assert inside.mean() > 0.01, "an outline"
    with av.open(str(target)) as container:
        assert found.engine_note in container.metadata["comment"]


def test_nothing_is_left_when_the_disk_is_full(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk."""
    source = write_clip(tmp_path / "in.mp4", frames=60)
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from rtme.live.burning import Sights, burn; from rtme.view.report import Report\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "report = Report(source='c', fps=30, frames=60, engine='e', engine_note='n')\n"
        "try: burn(sys.argv[1], Path(sys.argv[2]), report, [], Sights())\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(source), str(tmp_path / "out.mp4")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stdout.startswith("SettingsError cannot write"), done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4"]


def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", frames=400, size=(160, 120))
    write_again(source, tmp_path / "first.mp4", [])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    write_again(source, tmp_path / "second.mp4", [])
    frames_kb = 400 * 160 * 120 * 3 / 1024
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < frames_kb / 2


@pytest.mark.parametrize(
    ("name", "words"),
    [("out.avi", "must end in"), ("gone/out.mp4", "does not exist"), ("in.mp4", "the recording itself")],
)
def test_a_path_that_cannot_be_written_is_one_sentence(tmp_path: Path, name: str, words: str) -> None:
    source = write_clip(tmp_path / "in.mp4", frames=3)
    before = source.read_bytes()
    with pytest.raises(SettingsError, match=words):
        VideoFile(source, tmp_path / name)
    assert source.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_sound_that_the_container_cannot_hold_is_said_at_once(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", frames=3, audio="first")
    with pytest.raises(SettingsError, match=r"cannot hold the sound.*aac.*\.mkv"):
        VideoFile(source, tmp_path / "out.webm")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_who_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", frames=3)
    with VideoFile(source, tmp_path / "out.mp4") as video:
        for n in range(50):
            video.write(np.zeros((240, 320, 3), np.uint8), n / 30)
        assert (tmp_path / "out.mp4.part").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_pictures_of_another_size_are_made_to_fit(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", frames=3)
    with VideoFile(source, tmp_path / "out.mp4") as video:
        for n, shape in enumerate([(240, 320, 3), (480, 640, 3), (121, 99, 3)]):
            video.write(np.full(shape, 50 * (n + 1), np.uint8), n / 30)
        video.finish()
    found = [picture for _, picture in pictures(tmp_path / "out.mp4")]
    assert {picture.shape for picture in found} == {(240, 320, 3)}
    assert [int(np.median(picture)) for picture in found] == pytest.approx([50, 100, 150], abs=4)
