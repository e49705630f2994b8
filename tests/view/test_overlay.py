"""What is drawn onto pictures."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtme.events import FaceEvent, HeartbeatEvent, StateEvent, StreamHealth
from rtme.traces import FaceSight, Shown, Sight
from rtme.view.overlay import STATUS, TURNS, WHITE, FaceState, Found, draw_face, draw_text, plain, wrapped
from rtme.view.scene import Scene
from rtme.view.tiles import MOST, Size, compose

SIGHT = FaceSight(face=1, box=(100, 80, 80, 90), outline=[[(100, 80), (180, 80), (180, 170)]], judged=True)


def picture(height: int = 240, width: int = 320) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


def has(image: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((np.abs(image.astype(int) - colour).max(axis=2) <= 6).any())


@pytest.mark.parametrize("status", ["provisional", "confirmed", "closed"])
@pytest.mark.parametrize("turn", ["speaking", "listening"])
def test_each_state_has_its_colour(status: str, turn: str) -> None:
    image = picture()
    draw_face(image, SIGHT, FaceState(turn, Found("micro-expression", status), 0.5))  # type: ignore[arg-type]
    assert has(image, STATUS[status])
    assert has(image, TURNS[turn])
    assert not any(has(image, colour) for other, colour in STATUS.items() if other != status)


def test_a_face_that_is_not_judged_is_grey() -> None:
    image = picture()
    draw_face(image[:, :, :], replace_sight(judged=False))
    assert (image[80, 110:170].max(axis=0) - image[80, 110:170].min(axis=0)).max() < 20
    assert not has(image[82:170, 100:180], WHITE)


def replace_sight(**changes: object) -> FaceSight:
    return SIGHT.model_copy(update=changes)


def test_the_bar_is_as_long_as_the_score() -> None:
    lengths = []
    for score in (0.0, 0.25, 0.5, 1.0):
        image = picture()
        draw_face(image, SIGHT, FaceState(score=score))
        row = image[176].astype(int)
        lengths.append(int((row[100:181].max(axis=1) > 95).sum()))
    assert lengths == pytest.approx([0, 20, 40, 80], abs=2)


def test_a_face_of_a_larger_source_lands_where_it_is() -> None:
    image = picture()
    draw_face(image, SIGHT, scale=0.5)
    assert (image[40, 55:88] > 150).all()


numbers = st.floats(-5000, 5000)


@settings(max_examples=50)
@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    box=st.tuples(numbers, numbers, st.floats(0, 5000), st.floats(0, 5000)),
    line=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=5),
    score=st.floats(0, 1),
    text=st.text(max_size=40),
)
def test_nothing_that_lies_outside_is_an_error(
    size: tuple[int, int], box: tuple[float, ...], line: list[tuple[float, float]], score: float, text: str
) -> None:
    sight = FaceSight(face=1, box=box, outline=[line], judged=True)  # type: ignore[arg-type]
    draw_face(picture(*size), sight, FaceState("speaking", Found(text, "closed"), score))


@given(st.text())
def test_every_text_can_be_written(text: str) -> None:
    assert all(" " <= letter <= "~" for letter in plain(text))
    draw_text(picture(), [(text, WHITE)], (0, 20))


def test_accents_are_left_out() -> None:
    assert plain("Café 1.2–1.4 s 門") == "Cafe 1.2-1.4 s ?"


@given(st.lists(st.text(st.characters(categories=["L"]), min_size=1, max_size=12), max_size=30))
def test_no_word_is_lost_when_lines_are_broken(words: list[str]) -> None:
    assert " ".join(wrapped(" ".join(words), 200, 10)).split() == " ".join(words).split()


def shown(stream: str, value: int) -> Shown:
    _, jpeg = cv2.imencode(".jpg", np.full((240, 320, 3), value, np.uint8))
    sight = Sight(
        stream=stream, epoch=0, frame=1, time_s=0.1, wall_ns=1, width=640, height=480, faces=[SIGHT]
    )
    return Shown(sight, bytes(jpeg))


def scene(*streams: str, state: str = "live") -> Scene:
    found = Scene()
    seq = 0
    for stream in streams:
        found.add(StateEvent.model_validate({"stream": stream, "state": state, "run_id": "r", "seq": seq}))
        found.add(FaceEvent(stream=stream, face=1, status="appeared", run_id="r", seq=seq + 1))
        seq += 2
    health = {name: StreamHealth(state="live", fps=29.6) for name in streams}
    found.add(
        HeartbeatEvent(
            stream="_service", uptime_s=1, engine="e", last_seq=1, run_id="r", seq=seq, streams=health
        )
    )
    return found


SIZE = Size(800, 640)


def test_tiles_hold_each_source_once() -> None:
    names = ["a", "b", "c"]
    pictures = {name: shown(name, value) for name, value in zip(names, (80, 140, 200), strict=True)}
    whole = compose(scene(*names), names, pictures, SIZE, "a note")
    middles = [whole[230, 60], whole[230, 460], whole[530, 60], whole[530, 460]]
    assert [int(pixel[0]) for pixel in middles] == pytest.approx([80, 140, 200, 24], abs=4)
    assert has(whole[:300, :400], WHITE), "an outline, and a name"


def test_a_source_that_stopped_is_dark() -> None:
    live = compose(scene("a"), ["a"], {"a": shown("a", 200)}, SIZE, "n")
    stalled = compose(scene("a", state="stalled"), ["a"], {"a": shown("a", 200)}, SIZE, "n")
    assert int(live[450, 60, 0]) > 190
    assert int(stalled[450, 60, 0]) < 100


def test_no_source_has_a_picture_yet() -> None:
    assert compose(Scene(), ["a", "b"], {}, SIZE, "n").shape == (640, 800, 3)


def test_more_sources_than_tiles() -> None:
    names = [f"cam-{n}" for n in range(50)]
    pictures = {name: shown(name, 120) for name in names}
    whole = compose(scene(*names), names, pictures, SIZE, "n")
    assert whole.shape == (640, 800, 3)
    assert len(names) > MOST
