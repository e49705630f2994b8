"""Every backend against the reference, and an engine against its int8 form, on a short clip of a real face."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from faces import astronaut_clip
from rtme.cli.engine import app
from rtme.engine import backends
from rtme.engine.backend import Features, Wish
from rtme.engine.backends import Kind, open_backend
from rtme.engine.bundle import Bundle, load_bundle
from rtme.engine.ort import OnnxRuntimeBackend
from rtme.errors import BackendLostError, EngineError
from rtme.live.analysis import analyze
from rtme.trial.heard import Heard, differences, listen, worst
from rtme.trial.kept import compare
from rtme.trial.quantized import quantize
from rtme.trial.tracked import Clip, recordings, track
from rtme.trial.verify import verify
from rtme.view.report import Interval
from tiny_engine import make_tiny_bundle

run = CliRunner().invoke


class Shifted(OnnxRuntimeBackend):
    """A backend that is a little wrong: its features are larger than they should be."""

    BY = 1.25

    def encode(self, crops: NDArray[np.uint8]) -> Features:
        found = super().encode(crops)
        return Features(found.frame * np.float32(self.BY), found.regions)


class Touched(Shifted):
    """One whose rounding shows, and changes nothing."""

    BY = 1 + 1e-6


class Lost(OnnxRuntimeBackend):
    """One whose device goes away."""

    def encode(self, crops: NDArray[np.uint8]) -> Features:
        raise BackendLostError("GPU 0 failed in encoder.onnx: it fell off the bus")


def missing(bundle: Bundle, wish: Wish) -> str | None:
    return None if wish.precision == "fp32" else f"no {wish.precision} here"


@dataclass(frozen=True, slots=True)
class Here(Kind):
    """A kind of backend that is defined in this file."""

    made: type[OnnxRuntimeBackend] = OnnxRuntimeBackend

    def missing(self, bundle: Bundle, wish: Wish) -> str | None:
        return missing(bundle, wish)

    def open(self, bundle: Bundle, wish: Wish) -> OnnxRuntimeBackend:
        return self.made(bundle, wish)


def also(made: type[OnnxRuntimeBackend]) -> Mapping[str, Kind]:
    return {**backends.KINDS, "odd": Here("", "", made=made)}


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return astronaut_clip(tmp_path_factory.mktemp("clips") / "face.mp4", seconds=5, seed=3)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_tiny_bundle(tmp_path_factory.mktemp("engine") / "tiny")


@pytest.fixture(scope="module")
def clip(video: Path, tiny: Bundle) -> Clip:
    (source,) = recordings([video], 60)
    return track(source, tiny.manifest, 60)


@pytest.fixture(scope="module")
def heard(tiny: Bundle, clip: Clip) -> Heard:
    return listen(open_backend(tiny, "onnxruntime"), [clip])


def test_what_is_heard_is_what_analyze_reports(heard: Heard, tiny: Bundle, video: Path) -> None:
    report = analyze(video, engine=str(tiny.path)).report()
    assert len(report.intervals) >= 1
    assert heard.intervals == [report.intervals]


def test_a_clip_ends_where_it_is_asked_to(video: Path, tiny: Bundle) -> None:
    (source,) = recordings([video], 60)
    assert len(track(source, tiny.manifest, 2)) == 60


def test_the_demo_is_the_footage_where_none_is_given(tiny: Bundle) -> None:
    (source,) = recordings([], 2)
    clip = track(source, tiny.manifest, 60)
    assert len(clip) == 60
    assert sum(len(item.crops) for item in clip) > 50


def test_footage_without_a_face_is_refused(tmp_path: Path, tiny: Bundle) -> None:
    from clips import write_clip

    (source,) = recordings([write_clip(tmp_path / "none.mp4", frames=20)], 60)
    with pytest.raises(EngineError, match="no face in `none` may be judged"):
        track(source, tiny.manifest, 60)


def test_an_engine_is_not_far_from_itself(heard: Heard) -> None:
    assert worst(differences(heard, heard)) == 0
    assert compare(heard.intervals, heard.intervals).exactly


def test_intervals_are_lost_gained_or_moved() -> None:
    def found(onset: int, offset: int, kind: Literal["me", "macro"] = "me", face: int = 1) -> Interval:
        times = {f"{name}_s": 0.0 for name in ("onset", "apex", "offset")}
        ends = {"onset": onset, "apex": onset, "offset": offset}
        return Interval(type=kind, face=face, confidence=0.5, **ends, **times)

    before = [[found(10, 19), found(40, 49), found(80, 89)], [found(10, 19), found(70, 79)]]
    after = [[found(11, 19), found(48, 57), found(80, 89, "macro")], [found(10, 19), found(70, 79, face=2)]]
    kept = compare(before, after)
    assert str(kept) == "3 lost, 3 gained, 1 moved"
    assert kept.moved == ["clip 1, face 1: me, frames 10 to 19 is now 11 to 19"]
    assert kept.lost[-1] == "clip 2, face 1: me, frames 70 to 79"
    assert not kept.exactly


def test_nan_against_a_number_is_no_small_difference(heard: Heard) -> None:
    spoilt = replace(heard, numbers={**heard.numbers, "p_me": heard.numbers["p_me"] * np.nan})
    assert not worst(differences(heard, spoilt)) <= 1
    assert worst(differences(spoilt, spoilt)) == 0


def test_onnxruntime_passes_on_the_default_engine(video: Path) -> None:
    bundle = load_bundle("default")
    (source,) = recordings([video], 2)
    found = verify(bundle, [track(source, bundle.manifest, 2)], Wish())
    assert found.reference.startswith("torch")
    verdicts = {(one.backend, one.precision): one for one in found.verdicts}
    plain = verdicts["onnxruntime", "fp32"]
    assert plain.passed
    assert 0 < worst(plain.apart) < 1e-5
    assert any(name.startswith("torch (") for name in found.refused)


@pytest.mark.parametrize(("made", "passes"), [(Touched, True), (Shifted, False), (Lost, False)])
def test_a_backend_that_differs_does_not_pass(
    monkeypatch: pytest.MonkeyPatch, tiny: Bundle, clip: Clip, made: type[OnnxRuntimeBackend], passes: bool
) -> None:
    monkeypatch.setattr("rtme.trial.verify.KINDS", also(made))
    found = verify(tiny, [clip], Wish())
    (odd,) = [one for one in found.verdicts if one.backend == "odd"]
    assert odd.passed is passes
    assert found.passed is passes
    assert found.refused["odd (bf16)"] == "no bf16 here"
    if made is Lost:
        assert odd.failure == "GPU 0 failed in encoder.onnx: it fell off the bus"
    elif made is Shifted:
        assert worst(odd.apart) > 0.01


def test_the_command_says_ok_and_why_others_were_not_run(tiny: Bundle, video: Path) -> None:
    result = run(app, ["verify", str(tiny.path), "--source", str(video), "--seconds", "3"])
    assert result.exit_code == 0
    assert "reference: torch" in result.stdout
    assert ": ok" in result.stdout
    assert "not run: onnxruntime" in result.stdout


def test_the_command_fails_where_a_backend_differs(
    monkeypatch: pytest.MonkeyPatch, tiny: Bundle, video: Path
) -> None:
    monkeypatch.setattr("rtme.trial.verify.KINDS", also(Shifted))
    result = run(app, ["verify", str(tiny.path), "--source", str(video), "--json"])
    assert isinstance(result.exception, EngineError)
    assert str(result.exception).startswith("odd fp32 does not say what torch")
    told = json.loads(result.stdout)
    assert told["passed"] is False
    assert {one["backend"]: one["passed"] for one in told["backends"]}["odd"] is False


def test_quantising_writes_an_engine_that_runs(tmp_path: Path, tiny: Bundle, video: Path) -> None:
    out = tmp_path / "small"
    words = ["quantize", str(tiny.path), "--clips", str(video.parent), "-o", str(out), "--force"]
    result = run(app, words)
    assert result.exit_code == 0, result.exception
    assert "run it with `rtme live --engine`" in result.stdout
    made = load_bundle(out)
    assert made.manifest.name == "tiny-int8"
    assert made.manifest.training["quantised from"].startswith("tiny 0.0.1")
    assert made.temporal_path.read_bytes() == tiny.temporal_path.read_bytes()
    crops = np.random.default_rng(0).integers(110, 146, (3, 112, 112, 3), np.uint8)
    found, whole = (open_backend(each, "onnxruntime").encode(crops).frame for each in (made, tiny))
    assert 0 < np.abs(found - whole).max() < 0.05 * np.abs(whole).max()


def test_the_default_engine_is_half_as_large_in_int8(tmp_path: Path, video: Path) -> None:
    bundle = load_bundle("default")
    (source,) = recordings([video], 2)
    found = quantize(bundle, [track(source, bundle.manifest, 2)], tmp_path / "int8", force=True)
    assert found.written is not None
    assert found.written.encoder_path.stat().st_size < 0.6 * bundle.encoder_path.stat().st_size
    assert (found.written.path / "people.csv").is_file()
    assert 0 < worst(found.apart) < 0.3
    with pytest.raises(EngineError, match="torch: it does not know the operator "):
        open_backend(found.written, "torch")
    with pytest.raises(EngineError, match="it may be int8 already"):
        quantize(found.written, [], tmp_path / "again")


def test_an_engine_that_torch_cannot_run_is_compared_with_onnxruntime(
    tmp_path: Path, tiny: Bundle, clip: Clip
) -> None:
    small = quantize(tiny, [clip], tmp_path / "small", force=True).written
    assert small is not None
    found = verify(small, [clip], Wish())
    assert found.reference.startswith("onnxruntime")
    assert "does not know the operator" in found.note
    assert "onnxruntime" not in {one.backend for one in found.verdicts}


def test_too_much_change_is_not_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny: Bundle, clip: Clip
) -> None:
    monkeypatch.setattr("rtme.trial.quantized.MOST_CHANGED", -1.0)
    assert quantize(tiny, [clip], tmp_path / "small").written is None
    assert not (tmp_path / "small").exists()
    assert quantize(tiny, [clip], tmp_path / "small", force=True).written is not None


def test_an_engine_is_not_written_over_itself(tiny: Bundle, clip: Clip) -> None:
    with pytest.raises(EngineError, match="give another folder"):
        quantize(tiny, [clip], tiny.path)
