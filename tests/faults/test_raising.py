"""Stages that raise, hang, or hand on what makes no sense: the service says why, and the other sources go on."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

import rtme
from live_process import is_state, service, wait_for
from rtme.capture.frame import Frame
from rtme.capture.stamps import Stamper
from rtme.engine.bundle import write_bundle
from rtme.errors import RtmeError
from rtme.events import AnyEvent, FaceEvent, IntervalEvent, SpeakerEvent, StateEvent
from soundness import assert_sound, states
from tiny_engine import NUMBERS, encoder_graph, node, temporal_graph


class Odd:
    """A live source of ten grey pictures, of which a test breaks one part."""

    live = True
    corrupt = 0
    frames_expected = None
    fps = 30.0

    def __init__(self, name: str = "odd") -> None:
        self.name = name
        self._stamper = Stamper(name)
        self._given = 0

    def open(self) -> None:
        self._stamper.opened()

    def read(self) -> Frame | None:
        time.sleep(1 / 30)
        self._given += 1
        if self._given > 10:
            return self.after()
        return Frame(self._stamper.stamp(None), self.picture())

    def after(self) -> Frame | None:
        raise ZeroDivisionError("a bug in reading")

    def picture(self) -> NDArray[np.uint8]:
        return np.full((120, 160, 3), 90, np.uint8)

    def close(self) -> None:
        pass


class BadToOpen(Odd):
    def open(self) -> None:
        raise MemoryError("a bug in opening")


class BadToClose(Odd):
    def close(self) -> None:
        raise RuntimeError("a bug in closing")


class BadToCount(Odd):
    @property
    def corrupt(self) -> int:  # type: ignore[override]
        raise LookupError("a bug in counting")


class FloatPictures(Odd):
    def picture(self) -> NDArray[np.uint8]:
        return np.zeros((120, 160, 3), np.float32)  # type: ignore[return-value]


class NoPictures(Odd):
    def picture(self) -> NDArray[np.uint8]:
        return np.zeros((0, 0, 3), np.uint8)


class NothingAtAll(Odd):
    def after(self) -> Frame | None:
        return "no frame"  # type: ignore[return-value]


BUGS: dict[str, tuple[Callable[[str], Odd], str]] = {
    "reading": (Odd, "a bug in reading"),
    "opening": (BadToOpen, "a bug in opening"),
    "closing": (BadToClose, "a bug in reading"),
    "counting": (BadToCount, "a bug in counting"),
    "floats": (FloatPictures, "must be uint8"),
    "empty": (NoPictures, "must have pixels"),
    "nothing": (NothingAtAll, "AttributeError"),
}
"""Sources by their name, and what is said of each."""


def test_sources_with_bugs_end_alone_and_say_why(engine: str, clip: Path) -> None:
    sources = [kind(name) for name, (kind, _) in BUGS.items()]
    with rtme.Live([*sources, str(clip)], fast=True, engine=engine, workers=0) as live:
        seen = list(live)
    assert_sound(seen)
    assert set(live.errors) == set(BUGS)
    for name, (_, why) in BUGS.items():
        assert why in live.errors[name]
        (ended,) = [e for e in seen if isinstance(e, StateEvent) and (e.stream, e.state) == (name, "ended")]
        assert ended.detail == live.errors[name]
    assert [e for e in seen if isinstance(e, SpeakerEvent) and e.stream == "face" and e.end is not None]


def bundle_that_fails(folder: Path) -> str:
    """An engine whose temporal part asks for what is not there as soon as much moves, but not when it is tried."""
    n = NUMBERS
    temporal = onnx.load_from_string(
        temporal_graph(n["window"], n["frame_size"], n["regions"], n["region_size"])
    )
    nodes = list(temporal.graph.node)
    del temporal.graph.node[:]
    for name, number in (("still", np.float32(1.01)), ("beyond", np.int64(99))):
        temporal.graph.initializer.append(onnx.numpy_helper.from_array(np.array(number), name))
    temporal.graph.node.extend(
        [
            node("ReduceMax", ["frame"], "most", keepdims=0),
            node("Greater", ["most", "still"], "moves"),
            node("Cast", ["moves"], "moved", to=onnx.TensorProto.INT64),
            node("Mul", ["moved", "beyond"], "asked"),
        ]
    )
    nodes[0].input[1] = "asked"
    temporal.graph.node.extend(nodes)
    encoder = encoder_graph(n["size"], n["frame_size"], n["regions"], n["region_size"])
    return str(write_bundle(folder, n, encoder=encoder, temporal=temporal.SerializeToString()).path)


def test_an_engine_that_fails_is_never_a_calm_face(clip: Path, tmp_path: Path) -> None:
    seen: list[AnyEvent] = []
    live = rtme.Live([str(clip), Odd()], fast=True, engine=bundle_that_fails(tmp_path), backend="onnxruntime")
    with live, pytest.raises(RtmeError, match="out of data bounds"):
        seen.extend(live)
    assert_sound(seen)
    assert states(seen, "face")[-1] == "ended"
    assert set(live.errors) == {"face", "odd"}
    assert not [event for event in seen if isinstance(event, IntervalEvent)]


HANGS = """
import ctypes, sys
from rtme.cli import main
from rtme.face.tracker import FaceTracker

good = FaceTracker.find

def find(self, image, slot):
    if slot >= 60:
        ctypes.CDLL(None).pause()  # lets go of Python's lock, as MediaPipe does, and never comes back
    return good(self, image, slot)

FaceTracker.find = find
sys.argv[0] = "rtme"
main()
"""


def test_a_library_that_hangs_does_not_keep_the_process(engine: str, tmp_path: Path) -> None:
    program = tmp_path / "hangs.py"
    program.write_text(HANGS)
    with service(engine, "demo", "--fast", program=[str(program)]) as (process, subscriber):
        seen = wait_for(subscriber, lambda event: isinstance(event, FaceEvent))
        # Frames are read, and none comes out any more.
        seen += wait_for(
            subscriber,
            lambda e: e.kind == "heartbeat" and e.streams["demo"].frames > 70 and e.streams["demo"].fps == 0,
        )
        process.send_signal(signal.SIGTERM)
        seen += wait_for(subscriber, is_state("ended"))
        _, said = process.communicate(timeout=60)
    assert process.returncode == 3
    assert_sound(seen)
    assert "did not end within 10 s" in seen[-1].detail
    assert "demo: it did not end within 10 s" in said
