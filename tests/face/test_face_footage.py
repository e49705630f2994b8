"""Real footage: small, compressed, talking, turning, and none at all."""

from pathlib import Path

import av
import numpy as np
import pytest

from rtme.face.motion import decode_motion
from rtme.face.tracker import FaceTracker

FACES = Path(__file__).parents[3] / "shared" / "data" / "faces"

pytestmark = pytest.mark.skipif(not FACES.is_dir(), reason=f"no real footage at {FACES}")


def frames(path, every=1):
    with av.open(str(path)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index % every == 0:
                yield index // every, frame.to_ndarray(format="rgb24")


def seen(paths, fps, faces=1):
    """All faces of some clips, and how many frames there were."""
    found, count = [], 0
    with FaceTracker(fps=fps, faces=faces) as tracker:
        for path in paths:
            tracker.reset()
            for slot, image in frames(path):
                count += 1
                found += tracker.track(image, slot)
    return found, count


@pytest.mark.parametrize(
    ("folder", "pattern", "fps", "least"),
    [("asl", "[b-h]*.mkv", 30, 0.8), ("speech", "s1_b*a*.mpg", 25, 0.9)],
)
def test_ordinary_compressed_footage_is_judged(folder, pattern, fps, least):
    found, count = seen(sorted((FACES / folder).glob(pattern))[:3], fps)
    assert count > 150
    assert sum(face.invalid is None for face in found) > least * count
    assert not [
        face.invalid for face in found if face.invalid and face.invalid.startswith(("blurred", "too small"))
    ]


def test_a_talking_face_is_at_rest_but_for_its_mouth():
    found, _ = seen(sorted((FACES / "speech").glob("s1_*.mpg"))[:2], 25)
    brows = [
        np.abs(decode_motion(face.crop)[1][22:34, 30:82]).mean() for face in found if face.crop is not None
    ]
    lips = [
        np.abs(decode_motion(face.crop)[1][72:92, 38:74]).mean() for face in found if face.crop is not None
    ]
    assert np.median(brows) < 0.5 * np.percentile(lips, 90)


def test_people_without_faces_are_never_judged():
    with FaceTracker(fps=5, flow_lag=1) as tracker:
        for slot, image in frames(FACES / "clips" / "no-face-people-walking.mp4", every=2):
            assert all(face.invalid is not None for face in tracker.track(image, slot)), slot


def test_two_people_keep_their_numbers():
    found, _ = seen([FACES / "clips" / "head-pose-face-detection-female-and-male.gif"], 12, faces=2)
    assert {face.face for face in found} == {1, 2}
