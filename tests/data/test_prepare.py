import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from clips import write_clip
from faces import Image, astronaut_clip, performance
from rtme.capture.file import FileSource
from rtme.capture.reader import Reader
from rtme.cli.data import app
from rtme.data import manifest
from rtme.data.manifest import Interval, Manifest, Span, State, Type, Video
from rtme.data.outcomes import Outcome, outcomes
from rtme.data.prepare import FaultyVideosError, prepare
from rtme.data.readers.disk import probe
from rtme.data.store import LABELS, NO_FRAME, UNKNOWN, Store, StorePlan
from rtme.errors import DataError, SettingsError
from rtme.face.tracker import FaceTracker
from rtme.live.capture_stage import CaptureStage
from rtme.live.health import StreamAccount
from rtme.live.inlet import Inlet
from rtme.live.messages import Message, Tracked
from rtme.live.plan import SourcePlan
from rtme.live.track_stage import TrackStage

SPEECH = Path(__file__).parents[3] / "shared" / "data" / "faces" / "speech"
ME, BLINK = LABELS["me"], LABELS["blink"]
PLAN = StorePlan(size=64)


@cache
def face() -> list[Image]:
    frames, _ = performance(2, seed=1)
    return list(frames)


def write_pictures(folder: Path, n_frames: int, first: int = 1) -> Path:
    folder.mkdir(parents=True)
    for index in range(n_frames):
        bgr = cv2.cvtColor(face()[index % len(face())], cv2.COLOR_RGB2BGR)
        assert cv2.imwrite(str(folder / f"img{first + index}.jpg"), bgr)
    return folder


def pictures(
    folder: Path, n_frames: int, fps: float = 30, name: str = "a", spans: tuple[Span, ...] = ()
) -> Video:
    """A video of the manifest whose pictures are written."""
    write_pictures(folder, n_frames)
    return Video(
        dataset="d",
        subject="1",
        video=name,
        fps=fps,
        n_frames=n_frames,
        folder=str(folder),
        pattern="img{}.jpg",
        spans=spans,
    )


def film(file: Path, name: str = "a") -> Video:
    fps, n_frames = probe(file)
    return Video(dataset="d", subject="1", video=name, fps=fps, n_frames=n_frames, file=str(file))


def labelled(
    video: Video, onset: int, offset: int, kind: Type = "me", state: State | None = None
) -> Interval:
    return Interval(
        dataset=video.dataset,
        subject=video.subject,
        video=video.video,
        onset=onset,
        offset=offset,
        type=kind,
        state=state,
        fps=video.fps,
        n_frames=video.n_frames,
    )


def rows_of(folder: Path, video: Video, *intervals: Interval) -> NDArray[np.void]:
    store = prepare(Manifest(intervals, (video,)), folder, PLAN, workers=1)
    return np.array(store.rows(store.clips[0]))


def content(folder: Path) -> dict[str, list[bytes]]:
    """What is in a store; clips are recorded in the order in which they happened to be complete."""
    return {path.name: sorted(path.read_bytes().splitlines()) for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("fps", "n_frames", "frames", "label"),
    [
        # Frames 3 to 5 are labelled.
        (30, 8, [0, 1, 2, 3, 4, 5, 6, 7], [0, 0, 0, 1, 1, 1, 0, 0]),
        # A slot lasts 5/6 of a frame; none begins between frames 3 and 4, and both are labelled.
        (25, 8, [0, 1, 2, 3, NO_FRAME, 4, 5, 6, 7], [0, 0, 0, 1, 1, 1, 1, 0, 0]),
        (60, 9, [0, 2, 4, 6, 8], [0, 0, 1, 0, 0]),
        # Slot s begins at frame 20/3 s, and a frame may be 2 early (0.3 slots): 4.67, 11.33, 18, 24.67.
        (200, 26, [0, 5, 12, 19, 25], [0, 1, 0, 0, 0]),
    ],
)
def test_frames_and_labels_lie_on_their_slots(
    tmp_path: Path, fps: float, n_frames: int, frames: list[int], label: list[int]
) -> None:
    video = pictures(tmp_path / "a", n_frames, fps)
    rows = rows_of(tmp_path / "store", video, labelled(video, 3, 5))
    assert rows["frame"].tolist() == frames
    assert (rows["label"] & ME).tolist() == label
    assert rows["face"].tolist() == [int(frame != NO_FRAME) for frame in frames]
    assert set(rows["speaking"]) == {UNKNOWN}


def test_a_slot_between_two_expressions_is_in_neither(tmp_path: Path) -> None:
    video = pictures(tmp_path / "a", 8, 25)
    rows = rows_of(tmp_path / "store", video, labelled(video, 1, 3), labelled(video, 4, 5, "mae"))
    assert rows["label"].tolist() == [0, 1, 1, 1, 0, 2, 2, 0, 0]


def test_pictures_above_the_grids_rate_are_not_opened(tmp_path: Path) -> None:
    video = pictures(tmp_path / "a", 9, 60)
    for skipped in (2, 4, 6, 8):
        (tmp_path / "a" / f"img{skipped}.jpg").write_bytes(b"no picture")
    prepare(Manifest((), (video,)), tmp_path / "store", PLAN, workers=1)
    assert outcomes(tmp_path / "store")[0].unreadable == ()


def test_turns_blinks_and_states_are_those_of_the_frames(tmp_path: Path) -> None:
    spans = (
        Span(what="speaking", onset=0, offset=3),
        Span(what="listening", onset=5, offset=7),
        Span(what="blink", onset=2, offset=3),
    )
    video = pictures(tmp_path / "a", 9, spans=spans)
    # The turn at frame 5 counts, not what the interval says of it.
    rows = rows_of(tmp_path / "store", video, labelled(video, 3, 5, state="speaking"))
    assert rows["speaking"].tolist() == [1, 1, 1, 1, 1, 0, 0, 0, UNKNOWN]
    assert rows["label"].tolist() == [0, 0, BLINK, BLINK | ME, ME, ME, 0, 0, 0]
    assert Store(tmp_path / "store").clips[0].state is None


def test_a_clip_of_one_state_says_so(tmp_path: Path) -> None:
    whole = pictures(tmp_path / "a", 4, spans=(Span(what="listening", onset=0, offset=3),))
    store = prepare(Manifest((labelled(whole, 1, 2),), (whole,)), tmp_path / "store", PLAN, workers=1)
    (clip,) = store.clips
    assert (clip.key, clip.state, clip.fps, clip.n_frames, clip.slots) == ("d/1/a", "listening", 30, 4, 4)
    assert clip.of_type("me") == [(1, 2)]
    assert manifest.load(tmp_path / "store" / "manifest.csv") == Manifest((labelled(whole, 1, 2),), (whole,))


def test_the_last_good_picture_stands_in_for_bad_ones(tmp_path: Path) -> None:
    video = pictures(tmp_path / "a", 14)
    mended = write_pictures(tmp_path / "mended", 14)
    folder = tmp_path / "a"
    # Cut off, which OpenCV does not mind; not there; no picture at all.
    whole = (folder / "img9.jpg").read_bytes()
    (folder / "img9.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "img11.jpg").unlink()
    (folder / "img1.jpg").write_bytes(b"no picture")
    for bad, good in ((9, 8), (11, 10), (1, 2)):
        shutil.copy(mended / f"img{good}.jpg", mended / f"img{bad}.jpg")
    told = outcomes_of(video, tmp_path / "store")
    assert told.unreadable == ("img1.jpg", "img9.jpg")
    assert (told.repeated, told.seen) == (1, 14)
    assert outcomes_of(video.model_copy(update={"folder": str(mended)}), tmp_path / "again").repeated == 0
    assert Store(tmp_path / "store").rows(Store(tmp_path / "store").clips[0])["valid"].any()
    for name in ("000000.crops.npy", "000000.rows.npy"):
        assert (tmp_path / "store" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def outcomes_of(video: Video, folder: Path) -> Outcome:
    prepare(Manifest((), (video,)), folder, PLAN, workers=1)
    return outcomes(folder)[0]


class Listener:
    """Stands where the engine does, and keeps what arrives."""

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self.heard: list[Tracked] = []

    def put(self, message: Message) -> bool:
        if isinstance(message, Tracked):
            self.heard.append(message)
        return True


def live(file: Path, plan: StorePlan) -> list[Tracked]:
    """What the live path's own two threads hand to the engine."""
    source = SourcePlan("s", FileSource(file), 1)
    inlet, account, listener = Inlet(latest_wins=False), StreamAccount(), Listener(plan.fps)
    ready, stop = threading.Event(), threading.Event()

    def tracker(faces: int) -> FaceTracker:
        return FaceTracker(
            input=plan.input, size=plan.size, fps=plan.fps, flow_lag=plan.flow_lag, faces=faces
        )

    threads: list[threading.Thread] = [
        CaptureStage("s", Reader(source.source), inlet, print, account, ready, stop),
        TrackStage(source, tracker, inlet, listener, print, account, ready, stop),  # type: ignore[arg-type]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return listener.heard


def assert_as_live(file: Path, plan: StorePlan, folder: Path) -> None:
    store = prepare(Manifest((), (film(file),)), folder, plan, workers=1)
    rows, crops = store.rows(store.clips[0]), store.crops(store.clips[0])
    seen = live(file, plan)
    assert seen
    assert np.flatnonzero(rows["frame"] != NO_FRAME).tolist() == [one.slot for one in seen]
    for one in seen:
        row = rows[one.slot]
        assert row["frame"] == one.mark.frame
        faces = {crop.face: crop.crop for crop in one.crops}
        assert (row["face"] in faces) == bool(faces)
        crop = faces.get(int(row["face"]))
        assert bool(row["valid"]) == (crop is not None)
        if crop is not None:
            np.testing.assert_array_equal(crops[one.slot], crop)
    assert rows["valid"].mean() > 0.5


@pytest.mark.parametrize("fps", [25, 60])
def test_a_store_holds_what_live_would_see(tmp_path: Path, fps: int) -> None:
    clip = astronaut_clip(tmp_path / "face.mp4", seconds=1.2, fps=fps, seed=2)
    assert_as_live(clip, StorePlan(), tmp_path / "store")


def test_a_store_holds_what_live_would_see_of_real_speech(tmp_path: Path) -> None:
    if not SPEECH.is_dir():
        pytest.skip(f"no real footage at {SPEECH}")
    assert_as_live(sorted(SPEECH.iterdir())[0], StorePlan(input="rgb", size=96), tmp_path / "store")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Four videos of several lengths, the longest neither first nor last."""
    root = tmp_path_factory.mktemp("dataset")
    videos = [pictures(root / name, n, name=name) for name, n in zip("abcd", (20, 24, 40, 16), strict=True)]
    return Manifest(tuple(labelled(video, 3, 8) for video in videos), tuple(videos))


@pytest.fixture(scope="module")
def unbroken(dataset: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unbroken") / "store"
    prepare(dataset, folder, PLAN, workers=1)
    return folder


def test_workers_side_by_side_make_the_same_store(dataset: Manifest, unbroken: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    prepare(dataset, tmp_path / "store", PLAN, 2, lambda done, expected: told.append((done, expected)))
    assert content(tmp_path / "store") == content(unbroken)
    assert told[-1] == (100, 100)
    assert told == sorted(told)


def test_a_killed_run_goes_on_where_it_was(dataset: Manifest, unbroken: Path, tmp_path: Path) -> None:
    dataset.save(tmp_path / "manifest.csv")
    store = tmp_path / "store"
    words = [sys.executable, "-m", "rtme", "data", "prepare", str(tmp_path / "manifest.csv")]
    words += ["--out", str(store), "--size", "64", "--workers", "2"]
    run = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: (store / "clips.jsonl").is_file() and (store / "clips.jsonl").stat().st_size > 0)
    run.send_signal(signal.SIGKILL)
    run.wait(30)
    with (store / "clips.jsonl").open("a") as file:
        file.write('{"index": 1, "data')
    assert len(Store(store).clips) < 4
    done = [path.stat().st_mtime_ns for path in complete(store)]
    prepare(dataset, store, PLAN, workers=1)
    assert content(store) == content(unbroken)
    assert done == [path.stat().st_mtime_ns for path in complete(store)][: len(done)]


def complete(store: Path) -> list[Path]:
    """Crops of the clips that are recorded, in the order in which they were."""
    lines = (store / "clips.jsonl").read_text().splitlines(keepends=True)
    return [store / f"{json.loads(line)['index']:06d}.crops.npy" for line in lines if line.endswith("\n")]


def wait_for(happened: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_complete_store_is_left_as_it_is(dataset: Manifest, unbroken: Path) -> None:
    before = content(unbroken)
    # A dataset that was moved, or is on a disk that is away, is the same dataset.
    moved = [video.model_copy(update={"folder": "/elsewhere"}) for video in dataset.videos]
    prepare(Manifest(dataset.intervals, tuple(moved)), unbroken, PLAN, workers=1)
    prepare(dataset, unbroken, PLAN, workers=2)
    assert content(unbroken) == before


def test_another_plan_or_other_labels_are_refused(dataset: Manifest, unbroken: Path) -> None:
    before = content(unbroken)
    for other, plan in (
        (dataset, StorePlan(size=96)),
        (Manifest(dataset.intervals[1:], dataset.videos), PLAN),
    ):
        with pytest.raises(DataError, match="another way"):
            prepare(other, unbroken, plan, workers=1)
    assert content(unbroken) == before


def test_two_runs_do_not_share_a_store(dataset: Manifest, tmp_path: Path) -> None:
    words = (
        "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX); "
        "print(flush=True); input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", words, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    other.stdout.readline()
    with pytest.raises(DataError, match="another run fills"):
        prepare(dataset, tmp_path, PLAN, workers=1)
    other.kill()
    other.communicate()


def faceless(file: Path) -> Video:
    return film(write_clip(file, "mpeg4", frames=12), "faceless")


def test_faulty_videos_are_named_and_the_others_kept(tmp_path: Path) -> None:
    good = pictures(tmp_path / "good", 12, name="good")
    damaged = film(write_clip(tmp_path / "damaged.mp4", frames=12), "damaged")
    Path(damaged.file).write_bytes(Path(damaged.file).read_bytes()[:400])
    empty = pictures(tmp_path / "empty", 5, name="empty")
    for path in Path(empty.folder).iterdir():
        path.write_bytes(b"no picture")
    given = Manifest((), (damaged, faceless(tmp_path / "faceless.mp4"), empty, good))
    with pytest.raises(FaultyVideosError, match=r"3 of 4 videos could not be prepared, and all others are"):
        prepare(given, tmp_path / "store", PLAN, workers=1)
    faults = {one.video: one.fault or "" for one in outcomes(tmp_path / "store")}
    assert "no face was found in any of its 12 frames" in faults["d/1/faceless"]
    assert "damaged.mp4" in faults["d/1/damaged"]
    assert "none of the pictures" in faults["d/1/empty"]
    assert faults["d/1/good"] == ""
    store = prepare(given, tmp_path / "store", PLAN, workers=1, skip_faulty=True)
    assert [(clip.index, clip.video) for clip in store.clips] == [(3, "good")]
    assert {path.name for path in store.folder.glob("*.npy")} == {"000003.crops.npy", "000003.rows.npy"}
    assert not list(store.folder.glob("*.part"))


def test_frames_that_are_not_there_are_missed_before_any_work(tmp_path: Path) -> None:
    good = pictures(tmp_path / "good", 4)
    gone = good.model_copy(update={"video": "gone", "folder": str(tmp_path / "gone")})
    never = good.model_copy(update={"video": "never", "folder": "", "pattern": ""})
    with pytest.raises(
        DataError, match=r"2 of 3 videos have no frames here .*no folder .*gone.*names neither"
    ):
        prepare(Manifest((), (good, gone, never)), tmp_path / "store", PLAN, workers=1)
    assert not list((tmp_path / "store").iterdir())
    store = prepare(Manifest((), (good, gone, never)), tmp_path / "store", PLAN, workers=1, skip_faulty=True)
    assert [clip.video for clip in store.clips] == ["a"]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"fps": 120.0}, "plays at 30 frames a second"), ({"n_frames": 80}, "its labels go to frame 70")],
)
def test_a_file_that_is_not_what_the_manifest_says_is_faulty(
    tmp_path: Path, change: dict[str, float], message: str
) -> None:
    true = film(astronaut_clip(tmp_path / "face.mp4", seconds=0.5))
    video = true.model_copy(update=change)
    intervals = (labelled(video, 2, 70),) if "n_frames" in change else ()
    with pytest.raises(FaultyVideosError, match=message):
        prepare(Manifest(intervals, (video,)), tmp_path / "store", PLAN, workers=1)


def test_pictures_lost_from_the_middle_of_a_file_make_it_faulty(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "c.avi", "mpeg4", frames=60, g="10")
    damaged = bytearray(clip.read_bytes())
    video = film(clip)
    middle = len(damaged) // 2
    damaged[middle : middle + 3000] = np.random.default_rng(0).bytes(3000)
    clip.write_bytes(damaged)
    with pytest.raises(FaultyVideosError, match="cannot be told by number"):
        prepare(Manifest((), (video,)), tmp_path / "store", PLAN, workers=1)


def test_a_plan_that_makes_no_sense_is_refused(dataset: Manifest, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="flow_lag is 0"):
        prepare(dataset, tmp_path / "store", StorePlan(flow_lag=0), workers=1)
    with pytest.raises(DataError, match="no video"):
        prepare(Manifest(), tmp_path / "store", PLAN, workers=1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 700 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=700k", "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk can only be made by root, where mounting is allowed")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_too_small_is_said_before_any_work(dataset: Manifest, small_disk: Path) -> None:
    with pytest.raises(DataError, match=r"needs 1 MiB .* has 700 KiB free: .*--size.*--out"):
        prepare(dataset, small_disk / "store", PLAN, workers=1)
    # Nothing binds the folder to the plan that did not fit.
    assert not list((small_disk / "store").iterdir())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_disk_that_becomes_full_loses_nothing(small_disk: Path, tmp_path: Path, workers: int) -> None:
    clip = film(astronaut_clip(tmp_path / "face.mp4", seconds=1.2))
    # How long they are is not known beforehand.
    videos = tuple(clip.model_copy(update={"video": name, "n_frames": None}) for name in "abc")
    with pytest.raises(DataError, match=r"No space left on device.*what is complete is kept"):
        prepare(Manifest((), videos), small_disk / "store", PLAN, workers)
    store = Store(small_disk / "store")
    # Two that fill it at the same time may both have to stop.
    assert len(store.clips) == 1 if workers == 1 else len(store.clips) < 2
    assert [store.crops(clip).shape for clip in store.clips] == [(36, 64, 64, 3)] * len(store.clips)
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    store = prepare(Manifest((), videos), small_disk / "store", PLAN, workers=1)
    crops = [store.crops(clip) for clip in store.clips]
    assert len(crops) == 3
    np.testing.assert_array_equal(crops[0], crops[2])
    assert not list(store.folder.glob("*.part"))
    del crops, store


root = typer.Typer()
root.add_typer(app, name="data")


def command(*words: object) -> Result:
    return CliRunner().invoke(root, ["data", "prepare", *map(str, words)], env={"COLUMNS": "200"})


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset as a user has it: a video of a person who speaks, one of nobody, and labels."""
    folder = tmp_path_factory.mktemp("own")
    astronaut_clip(folder / "talk.mp4", seconds=1)
    write_clip(folder / "nobody.mp4", "mpeg4", frames=12)
    rows = ["subject,video,onset,offset,type,state", "7,talk.mp4,10,15,me,speaking", "8,nobody,,,,"]
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_a_dataset_is_prepared_from_its_folder(own: Path, tmp_path: Path) -> None:
    result = command("own", own, "--out", tmp_path / "store", "--size", 64, "--workers", 1)
    assert isinstance(result.exception, FaultyVideosError)
    assert result.exception.exit_code == 7
    lines = result.output.splitlines()
    assert lines[0].endswith("store: 1 clips, 30 slots, 30 frames")
    assert lines[1].endswith("of the frames show a face that may be judged")
    assert "not prepared: own/8/nobody: no face was found in any of its 12 frames" in lines
    assert lines[-1] == f"{tmp_path / 'store'} holds face crops: keep it as you keep the dataset"
    store = Store(tmp_path / "store")
    assert store.clips[0].state == "speaking"
    assert np.flatnonzero(store.rows(store.clips[0])["label"]).tolist() == [10, 11, 12, 13, 14, 15]
    again = command(
        "own", own, "-o", tmp_path / "store", "--size", 64, "--workers", 1, "--skip-faulty", "--json"
    )
    assert again.exit_code == 0
    facts = json.loads(again.stdout)
    assert (facts["clips"], facts["frames"], list(facts["faulty"])) == (1, 30, ["own/8/nobody"])
    assert facts["judged"] + sum(facts["not_judged"].values()) == 30


def test_a_manifest_is_prepared_by_its_name(own: Path, tmp_path: Path) -> None:
    Manifest((), (film(own / "talk.mp4"),)).save(tmp_path / "m.csv")
    result = command(
        tmp_path / "m.csv", "-o", tmp_path / "store", "--input", "rgb", "--size", 64, "--workers", 1
    )
    assert result.exit_code == 0, result.output
    assert Store(tmp_path / "store").plan == StorePlan(input="rgb", size=64)


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (["casme2sq"], SettingsError, "where is casme2sq"),
        (["gone.csv"], DataError, "gone.csv cannot be read"),
        (["gone.csv", "--repair", "fraction=floor"], SettingsError, "needs no --repair"),
        (["gone.csv", "--size", "8"], SettingsError, "size is 8"),
        (["gone.csv", "--input", "gray"], SettingsError, "input is 'gray'"),
    ],
)
def test_what_was_mistyped_is_said(
    tmp_path: Path, words: list[str], kind: type[Exception], message: str
) -> None:
    error = command(*words, "--out", tmp_path / "store").exception
    assert isinstance(error, kind)
    assert message in str(error)
    assert not (tmp_path / "store").exists()


def test_labels_that_cannot_be_used_stop_it_before_any_work(own: Path, tmp_path: Path) -> None:
    bad = shutil.copytree(own, tmp_path / "bad")
    with (bad / "labels.csv").open("a") as file:
        file.write("7,talk.mp4,20,99,me,speaking\n")
    error = command("own", bad, "--out", tmp_path / "store").exception
    assert isinstance(error, DataError)
    assert "1 row of your own recordings cannot be used" in str(error)
    assert not (tmp_path / "store").exists()
