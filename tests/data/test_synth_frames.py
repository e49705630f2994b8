"""On which slots the frames of a synthetic clip fall, and which picture and labels they bring."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from rtme.data import make as making
from rtme.data.jobs import Job, jobs
from rtme.data.make import make
from rtme.data.material import Item, read
from rtme.data.store import LABELS, NO_FRAME, Clip, StorePlan
from rtme.data.synth_plan import Rate, SynthPlan
from rtme.face.crop import FaceCrop
from rtme.synth.mix import Mix


class Watcher:
    """Stands in for the tracker and keeps what it is shown: no test here needs a face to be found.

    Attributes:
        clips: Slot and picture of each frame, clip by clip.
    """

    def __init__(self) -> None:
        self.clips: list[list[tuple[int, NDArray[np.uint8]]]] = []

    def reset(self) -> None:
        self.clips.append([])

    def track(self, image: NDArray[np.uint8], slot: int) -> list[FaceCrop]:
        self.clips[-1].append((slot, image))
        return []


@pytest.fixture
def watcher(monkeypatch: pytest.MonkeyPatch) -> Watcher:
    watcher = Watcher()
    monkeypatch.setattr(making, "_tracker", lambda plan: watcher)
    return watcher


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    folder = tmp_path_factory.mktemp("faces")
    cv2.imwrite(str(folder / "a.png"), cv2.cvtColor(astronaut(), cv2.COLOR_RGB2BGR))
    (folder / "people.csv").write_text("file,person,split\na.png,a,train\n")
    return read(folder)


def plan(fps: float, **changes: object) -> SynthPlan:
    return SynthPlan.model_validate(
        {
            "store": StorePlan(size=32), "seconds": 1, "train": 1, "validation": 0, "test": 0, "dropped": 0,
            "doubled": 0, "squeezed": 0, "rates": [Rate(fps=fps, share=1)], "eyes_px": (30, 31), **changes,
        }
    )  # fmt: skip


def bits(clip: Clip, frame: int) -> int:
    """What is true of a frame's own picture."""
    found = sum(LABELS[one.type] for one in clip.intervals if one.onset <= frame <= one.offset)
    blinks = [span for span in clip.spans if span.what == "blink" and span.start <= frame <= span.end]
    return found | (LABELS["blink"] if blinks else 0)


@pytest.mark.parametrize(
    ("fps", "frames"),
    [
        (15.0, [frame for n in range(15) for frame in (n, NO_FRAME)][:-1]),
        (60.0, list(range(0, 60, 2))),
    ],
)
def test_frames_of_slow_and_fast_cameras_end_on_the_slots_of_their_time(
    watcher: Watcher, faces: list[Item], tmp_path: Path, fps: float, frames: list[int]
):
    store = make(faces, tmp_path, plan(fps, mix=Mix(blink=10)), 1, lambda _: None)
    (clip,), (shown,) = store.clips, watcher.clips
    rows = store.rows(clip)
    assert (clip.fps, clip.n_frames) == (fps, fps)
    assert rows["frame"].tolist() == frames
    assert [slot for slot, _ in shown] == [k for k, frame in enumerate(frames) if frame != NO_FRAME]
    at = [min(round(slot * fps / 30), clip.n_frames - 1) for slot in range(clip.slots)]
    assert rows["label"].tolist() == [bits(clip, frame) for frame in at]


def test_a_doubled_frame_shows_the_picture_before_and_has_its_labels(
    watcher: Watcher, faces: list[Item], tmp_path: Path
):
    wanted = plan(30.0, doubled=1, train=6, mix=Mix(blink=10, large=4))
    store = make(faces, tmp_path, wanted, 1, lambda _: None)
    otherwise = 0
    for clip, shown in zip(store.clips, watcher.clips, strict=True):
        pictures = [image for _, image in shown]
        own = list(range(clip.n_frames))
        for frame in range(1, clip.n_frames):
            if pictures[frame] is pictures[frame - 1]:
                own[frame] = own[frame - 1]
        labels = [bits(clip, frame) for frame in own]
        assert store.rows(clip)["label"].tolist() == labels
        otherwise += sum(label != bits(clip, frame) for frame, label in enumerate(labels))
    assert otherwise, "no doubled frame lies at the end of anything"


def test_of_real_clips_the_bit_rate_goes_with_the_pixels():
    item = Item(Path("a.mp4"), "a.mp4", "clip", "a", "train")
    job = Job(0, item, True, 30.0, 0.0, 0, squeezed=("libx264", 200))
    codec, kbps = job.squeezed_at(1280 * 720) or ("", 0)
    assert (codec, kbps) == ("libx264", round(200 * 1280 * 720 / 272**2))
    assert Job(0, item, True, 30.0, 0.0, 0).squeezed_at(1280 * 720) is None


def test_shares_of_a_plan_are_those_of_its_clips(tmp_path: Path):
    material = [Item(tmp_path / f"{n}.png", f"{n}.png", "portrait", str(n), "train") for n in range(5)]
    material += [Item(tmp_path / f"{n}.mp4", f"{n}.mp4", "clip", str(n), "train") for n in range(5)]
    rates = (Rate(fps=15, share=1), Rate(fps=60, share=3), Rate(fps=30, share=0))
    drawn = jobs(
        material,
        SynthPlan(
            train=400, validation=0, test=0, real=0.5, as_taken=1, squeezed=1, codecs={"mpeg4": 1.0}, rates=rates,
            eyes_px=(50, 60),
        ),
    )  # fmt: skip
    portraits = [job for job in drawn if job.item.kind == "portrait"]
    assert {job.squeezed[0] if job.squeezed else None for job in portraits} == {"mpeg4"}
    assert {job.fps for job in portraits} == {15, 60}
    assert 0.65 < np.mean([job.fps == 60 for job in portraits]) < 0.85
    assert all(50 <= job.eye_px <= 60 for job in portraits)
    real = [job for job in drawn if job.item.kind == "clip"]
    assert not any(job.mirrored or job.backwards or job.squeezed or job.camera for job in real)
