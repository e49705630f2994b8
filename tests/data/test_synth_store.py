"""Synthetic stores, made of scikit-image's public-domain astronaut in three roles."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from click.testing import Result
from skimage.data import astronaut
from typer.testing import CliRunner

from faces import astronaut_clip
from rtme.cli.synth import synth
from rtme.data.alone import alone
from rtme.data.jobs import jobs
from rtme.data.make import make
from rtme.data.material import Item, read
from rtme.data.store import LABELS, NO_FRAME, Clip, Store, StorePlan
from rtme.data.synth_plan import SynthPlan
from rtme.errors import DataError

SPLITS = {"a.png": "train", "b.png": "validation", "c.png": "test", "d.mp4": "train"}
SMALL = StorePlan(size=56)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces")
    picture = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2BGR)
    for name in ("a.png", "b.png", "c.png"):
        cv2.imwrite(str(folder / name), picture)
    astronaut_clip(folder / "d.mp4", 1.0, 25)
    people(folder / "people.csv", SPLITS)
    return folder


def people(path: Path, splits: dict[str, str]) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "person", "split"])
        rows.writerows([name, Path(name).stem, split] for name, split in splits.items())
    return path


def mixed(faces: Path) -> SynthPlan:
    """A plan of second-long clips that has what is rare: a slow camera that loses nothing, a clip as it is."""

    def rare(plan: SynthPlan) -> bool:
        made = jobs(read(faces), plan)
        portraits = [job for job in made if job.item.kind == "portrait"]
        return any(job.fps == 25 and not job.dropped for job in portraits) and any(
            job.dropped for job in made
        )

    plans = (
        SynthPlan(store=SMALL, seconds=1, train=5, validation=1, test=0, seed=seed, untouched=1)
        for seed in range(999)
    )
    return next(plan for plan in plans if rare(plan))


@pytest.fixture(scope="module")
def store(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make(read(faces), tmp_path_factory.mktemp("made") / "store", mixed(faces), 1, lambda _: None)


def same(one: Store, two: Store) -> bool:
    """Equal in all that is ever read of them: crops are undefined where no face is judged."""
    if one.fingerprint != two.fingerprint:
        return False
    for clip in one.clips:
        rows, valid = one.rows(clip), one.rows(clip)["valid"] > 0
        if not np.array_equal(rows, two.rows(clip)):
            return False
        if not np.array_equal(one.crops(clip)[valid], two.crops(clip)[valid]):
            return False
    return True


def bits(clip: Clip, frame: int) -> int:
    """What of the intervals is true of a frame of the source."""
    return sum(LABELS[one.type] for one in clip.intervals if one.onset <= frame <= one.offset)


def test_workers_make_the_same_store_as_one_process(store: Store, faces: Path, tmp_path: Path):
    assert same(store, make(read(faces), tmp_path, mixed(faces), 2, lambda _: None))


def test_two_builds_do_not_share_a_store(faces: Path, tmp_path: Path):
    with alone(tmp_path), pytest.raises(DataError, match="another run fills"):
        make(read(faces), tmp_path, mixed(faces), 1, print)
    assert not list(tmp_path.iterdir())


def test_a_killed_build_goes_on_to_the_same_store(store: Store, faces: Path, tmp_path: Path):
    program = (
        "import sys; from pathlib import Path; from rtme.data.synth_plan import SynthPlan; "
        "from rtme.data.make import make; from rtme.data.material import read; "
        "make(read(Path(sys.argv[1])), Path(sys.argv[2]), SynthPlan.model_validate_json(sys.argv[3]), 1, print)"
    )
    words = [sys.executable, "-c", program, str(faces), str(tmp_path), mixed(faces).model_dump_json()]
    table = tmp_path / "clips.jsonl"
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as build:
        try:
            until = time.monotonic() + 150
            while not (table.is_file() and table.stat().st_size) and time.monotonic() < until:
                time.sleep(0.02)
        finally:
            build.send_signal(signal.SIGKILL)
    begun = len(table.read_text().splitlines())
    assert 1 <= begun < len(store.clips)
    with table.open("a") as file:
        file.write('{"index":')

    told: list[str] = []
    assert same(store, make(read(faces), tmp_path, mixed(faces), 1, told.append))
    assert told[1].startswith(f"{begun} of {len(store.clips)} clips are there")


def test_clips_say_who_does_what_and_what_is_known_of_it(store: Store):
    assert sorted(clip.split or "" for clip in store.clips) == ["train"] * 5 + ["validation"]
    assert len({clip.key for clip in store.clips}) == 6
    for clip in store.clips:
        rows = store.rows(clip)
        valid = rows["valid"] > 0
        assert (clip.dataset, clip.base) == ("synthetic", "clip" if clip.subject == "d" else "portrait")
        assert clip.units_known == clip.labelled == (clip.base == "portrait")
        assert valid.mean() > 0.5
        assert (rows["face"][valid] == 1).all()
        assert store.crops(clip)[valid].std() > 0
        assert not rows["motion"][~valid].any()


def test_labels_of_a_slot_are_those_of_its_frame(store: Store, faces: Path):
    made = jobs(read(faces), mixed(faces))
    for clip in (each for each in store.clips if not made[each.index].doubled):
        rows = store.rows(clip)
        for slot, (frame, label) in enumerate(zip(rows["frame"], rows["label"], strict=True)):
            shown = frame if frame != NO_FRAME else min(round(slot * clip.fps / 30), clip.n_frames - 1)
            assert label & ~LABELS["blink"] == bits(clip, shown)


def test_a_slow_camera_leaves_every_sixth_slot_empty_and_a_bad_one_more(store: Store, faces: Path):
    made = jobs(read(faces), mixed(faces))
    slow = next(
        clip
        for clip in store.clips
        if clip.base == "portrait" and clip.fps == 25 and not made[clip.index].dropped
    )
    # Frame f comes at slot 1.2 f: 0, 1.2, 2.4, 3.6, 4.8 (0.2 before slot 5, which is early but not too early), 6, ...
    assert store.rows(slow)["frame"][:12].tolist() == [0, 1, 2, 3, -1, 4, 5, 6, 7, 8, -1, 9]
    assert (slow.fps, slow.n_frames, slow.slots) == (25, 25, 29 + 1)
    for clip in store.clips:
        lost = clip.n_frames - int((store.rows(clip)["frame"] != NO_FRAME).sum())
        assert lost == 0 or made[clip.index].dropped > 0 or clip.fps > 30


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_a_conversational_clip_has_one_state(faces: Path, tmp_path: Path, fps: float):
    plan = SynthPlan(
        kind="conversation",
        store=StorePlan(size=56, fps=fps, flow_lag=round(fps / 5)),
        seconds=1.5,
        train=4,
        validation=0,
        test=0,
    )
    made = make(read(faces), tmp_path, plan, 1, lambda _: None)
    assert sorted(clip.state or "" for clip in made.clips) == ["listening"] * 2 + ["speaking"] * 2
    assert sorted(bool(clip.of_type("me")) for clip in made.clips) == [False, False, True, True]
    for clip in made.clips:
        rows = made.rows(clip)
        assert (clip.subject, clip.fps, clip.n_frames, clip.slots) == ("a", fps, 1.5 * fps, 1.5 * fps)
        assert rows["frame"].tolist() == list(range(clip.slots))
        assert set(rows["speaking"].tolist()) == {1 if clip.state == "speaking" else 0}
        inside = np.zeros(clip.slots, bool)
        for onset, offset in clip.of_type("me"):
            assert 0.04 <= (offset - onset) / fps <= 0.5 or offset - onset == 1
            inside[onset : offset + 1] = True
        assert np.array_equal((rows["label"] & LABELS["me"]) > 0, inside)


def test_the_motion_is_what_changed_since_the_crop_that_the_flow_compares_with(faces: Path, tmp_path: Path):
    """Of the same clip as pictures, displacements are told from rest: their difference is the motion."""
    moving, still = (
        make(
            read(faces),
            tmp_path / kind,
            SynthPlan(
                kind="conversation",
                store=StorePlan(size=56, input=kind),
                seconds=1,
                train=1,
                validation=0,
                test=0,
            ),
            1,
            lambda _: None,
        )
        for kind in ("motion", "rgb")
    )
    (clip,) = moving.clips
    assert [clip] == still.clips
    motion = moving.rows(clip)["motion"].astype(np.float64)
    rest = still.rows(clip)["motion"].astype(np.float64)
    assert np.abs(motion).max() > 0.1
    known = np.flatnonzero(still.rows(clip)["valid"])[0] + 6
    assert motion[known:] == pytest.approx(rest[known:] - rest[known - 6 : -6], abs=0.02)


def test_of_real_clips_a_third_stays_as_it_is_and_no_state_is_tied_to_a_face(tmp_path: Path):
    def items(kind: str, count: int) -> list[Item]:
        return [
            Item(tmp_path / f"{kind}{n}", f"{kind}{n}", kind, f"{kind}{n}", "train") for n in range(count)
        ]

    material = items("portrait", 10) + items("clip", 4)
    drawn = jobs(material, SynthPlan(train=240, validation=0, test=0))
    real = [job for job in drawn if job.item.kind == "clip"]
    assert (len(drawn), len(real), sum(not job.planted for job in real)) == (240, 60, 20)
    assert drawn == jobs(material, SynthPlan(train=240, validation=0, test=0))

    talks = jobs(material, SynthPlan(kind="conversation", train=240, validation=0, test=0))
    assert {job.item.kind for job in talks} == {"portrait"}
    for person in {job.item.person for job in talks}:
        assert {job.state for job in talks if job.item.person == person} == {"speaking", "listening"}
    for state in ("speaking", "listening"):
        of_state = [job.n_me for job in talks if job.state == state]
        assert (len(of_state), of_state.count(0)) == (120, 60)
        assert set(of_state) == {0, 1, 2}


def command(*words: object) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(synth)
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_command_says_that_it_is_synthetic_and_goes_on_only_with_the_same(faces: Path, tmp_path: Path):
    few = ("--clips", 1, "--validation", 0, "--test", 0, "--seconds", 1, "--size", 56, "--workers", 1)
    told = command(faces, "--out", tmp_path, "--fps", 60, "--kind", "conversation", *few)
    assert told.exit_code == 0, told.output
    assert "SYNTHETIC" in told.output
    assert Store(tmp_path).plan == StorePlan(input="motion", size=56, fps=60, flow_lag=12)
    again = command(faces, "--out", tmp_path, "--fps", 60, "--kind", "conversation", "--seed", 1, *few)
    assert isinstance(again.exception, DataError)
    assert "another folder" in str(again.exception)


@pytest.mark.parametrize(
    ("splits", "says"),
    [
        ({"a.png": "test", "b.png": "validation"}, "in the train split"),
        ({"d.mp4": "train", "b.png": "validation"}, "no portrait"),
        ({"a.png": "train", "b.png": "test"}, "ask for 0 validation clips"),
    ],
)
def test_a_split_without_portraits_is_said(faces: Path, tmp_path: Path, splits: dict[str, str], says: str):
    out = tmp_path / "out"
    result = command(faces, "--out", out, "--people", people(tmp_path / "people.csv", splits))
    assert isinstance(result.exception, DataError)
    assert says in str(result.exception)
    assert not out.exists()


def test_a_person_in_two_splits_is_said(faces: Path, tmp_path: Path):
    table = tmp_path / "people.csv"
    table.write_text("file,person,split\na.png,Ann,train\nb.png,Ann,test\n")
    result = command(faces, "--out", tmp_path / "out", "--people", table)
    assert isinstance(result.exception, DataError)
    assert "Ann is in train and in test" in str(result.exception)


def test_what_cannot_be_used_is_named_and_left_out(faces: Path, tmp_path: Path):
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((64, 64, 3), 90, np.uint8))
    (tmp_path / "torn.mp4").write_bytes(b"not a video")
    result = command(tmp_path, "--out", tmp_path / "out", "--clips", 6, "--validation", 0, "--test", 0)
    assert isinstance(result.exception, DataError)
    assert "no portrait" in str(result.exception)
    told = " ".join(result.output.split())
    assert "2 left out: torn.mp4 (" in told
    assert "wall.png (" in told
    assert not (tmp_path / "out").exists()
