"""How well an engine finds planted micro-expressions on people it never saw, through the whole live path.

Three kinds of material, all of test people only, unless another split is named:

* portraits: animated with micro-expressions and interference;
* injected: real clips with micro-expressions planted in them;
* untouched: the same real clips as they are. Nobody planted anything, so every interval counts as a false alarm.

One-to-one matching at IoU >= 0.5, pooled over clips. Synthetic micro-expressions only: this says nothing about real ones.

    python bench/accuracy.py --faces FOLDER [--engine default] [--sensitivity normal] [--people N]
"""

import argparse
import json
import time
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

import rtme
from record import save
from rtme.capture.file import FileSource
from rtme.capture.frames import FramesSource
from rtme.data.material import Item, read
from rtme.data.voice import speaking
from rtme.engine.bundle import load_bundle
from rtme.errors import DataError
from rtme.face.tracker import FaceTracker
from rtme.score import Interval, VideoFacts, spotting
from rtme.spot.rules import Sensitivity
from rtme.synth import Portrait, Script, Truth, inject, render
from rtme.view.report import Report

Image = NDArray[np.uint8]
SECONDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, required=True, help="folder of portraits and clips")
    parser.add_argument("--engine", default="default")
    parser.add_argument("--sensitivity", default="normal", choices=get_args(Sensitivity))
    parser.add_argument(
        "--table", type=Path, help="who is who (file,person,split); default: the engine's people.csv"
    )
    parser.add_argument("--people", type=int, help="at most so many portraits")
    parser.add_argument("--clips", type=int, help="at most so many real clips of each folder")
    parser.add_argument(
        "--split",
        default="test",
        choices=("test", "validation"),
        help="whose people; compare engines on validation",
    )
    parser.add_argument("--name", default="accuracy")
    parser.add_argument(
        "--write", action="store_true", help="write the figures into the engine's manifest as well"
    )
    arguments = parser.parse_args()
    bundle = load_bundle(arguments.engine)
    table = arguments.table or bundle.path / "people.csv"
    items = [i for i in read(arguments.faces, table) if i.split == arguments.split]
    portraits = [i for i in items if i.kind == "portrait"][: arguments.people]
    folders: dict[str, list[Item]] = {}
    for item in items:
        if item.kind == "clip":
            folders.setdefault(item.file.split("/")[0], []).append(item)
    began = time.monotonic()
    result: dict[str, Any] = {
        "engine": f"{bundle.manifest.name} {bundle.manifest.version}",
        "sensitivity": arguments.sensitivity,
        "people": arguments.split,
        "matching": "one-to-one, IoU >= 0.5 of inclusive frames, pooled over clips",
        "note": "synthetic micro-expressions; nothing here was tested on real ones",
        "portraits": score_portraits(arguments.engine, portraits, arguments.sensitivity),
    }
    for folder, clips in folders.items():
        result[folder] = score_clips(arguments.engine, clips[: arguments.clips], arguments.sensitivity)
    result["seconds"] = round(time.monotonic() - began, 1)
    save(arguments.name, result, lambda axes: draw(axes, result))
    if arguments.write:
        path = bundle.path / "manifest.json"
        manifest = json.loads(path.read_text())
        command = f"python bench/accuracy.py --faces FOLDER --sensitivity {arguments.sensitivity}"
        test = "test" if arguments.sensitivity == "normal" else f"test at {arguments.sensitivity} sensitivity"
        manifest["scores"][test] = {"command": command, **result}
        path.write_text(json.dumps(manifest, indent=2) + "\n")


def score_portraits(
    engine: str, items: Iterable[Item], sensitivity: Sensitivity = "normal"
) -> dict[str, Any]:
    tables, turns, people = Tables(), SpeakerCount(), 0
    for item in items:
        rng = np.random.default_rng(zlib.crc32(item.file.encode()))
        try:
            portrait = Portrait.load(item.path, item.person)
        except DataError:
            continue
        script = Script.random(rng, n_frames=30 * SECONDS, fps=30.0)
        frames, truth = render(portrait, script, (320, 320), rng)
        report = rtme.analyze(FramesSource(frames, 30.0), engine=engine, sensitivity=sensitivity).report()
        tables.add(item.file, 30.0, truth.n_frames, planted(truth), report)
        turns.add(truth.speaking, report)
        people += 1
    return {"people": people, **tables.summary(), "speaker": turns.summary()}


def score_clips(engine: str, items: list[Item], sensitivity: Sensitivity = "normal") -> dict[str, Any]:
    injected, untouched, turns = Tables(), Tables(), SpeakerCount()
    for item in items:
        source = FileSource(item.path)
        images = list(pictures(source))
        fps = source.fps or 30.0
        rng = np.random.default_rng(zlib.crc32(item.file.encode()))
        script = Script.random(rng, len(images), fps, macro=0, large=0, me_per_clip=0.6 * len(images) / fps)
        frames, truth = inject(images, landmarks(images), script, person=item.person)
        report = rtme.analyze(FramesSource(frames, fps), engine=engine, sensitivity=sensitivity).report()
        injected.add(item.file, fps, truth.n_frames, planted(truth), report)
        plain = rtme.analyze(FramesSource(images, fps), engine=engine, sensitivity=sensitivity).report()
        untouched.add(item.file, fps, len(images), [], plain)
        turns.add(speaking(item.path, fps, len(images)), plain)
    return {
        "clips": len(items),
        "people": len({item.person for item in items}),
        "injected": injected.summary(),
        "untouched": {key: untouched.summary()[key] for key in ("found", "false_per_minute", "minutes")},
        "speaker": turns.summary(),
    }


def pictures(source: FileSource) -> Iterator[Image]:
    source.open()
    try:
        while (frame := source.read()) is not None:
            yield frame.image
    finally:
        source.close()


def landmarks(images: list[Image]) -> list[NDArray[np.float32] | None]:
    with FaceTracker(input="rgb", min_eye_distance_px=1) as tracker:
        found = [tracker.track(image, slot) for slot, image in enumerate(images)]
    return [crops[0].landmarks if crops else None for crops in found]


def planted(truth: Truth) -> list[tuple[int, int]]:
    return [(i.onset, i.offset) for i in truth.intervals if i.type == "me"]


class Tables:
    """Planted and found micro-expressions of some clips."""

    def __init__(self) -> None:
        self._truth: list[Interval] = []
        self._found: list[Interval] = []
        self._videos: list[VideoFacts] = []

    def add(
        self, clip: str, fps: float, n_frames: int, planted: list[tuple[int, int]], report: Report
    ) -> None:
        self._videos.append(VideoFacts(clip, fps, n_frames))
        self._truth += [Interval(clip, onset, offset, "me") for onset, offset in planted]
        self._found += [
            Interval(clip, i.onset, i.offset, "me", score=i.confidence)
            for i in report.intervals
            if i.type == "me"
        ]

    def summary(self) -> dict[str, float | int]:
        counts = spotting(self._truth, self._found, self._videos).me
        onset, offset = counts.onset_error, counts.offset_error
        return {
            "f1": round(counts.f1, 3),
            "precision": round(counts.precision, 3),
            "recall": round(counts.recall, 3),
            "matched": counts.tp,
            "truths": counts.truths,
            "found": counts.found,
            "false_per_minute": round(counts.false_alarms_per_minute or 0.0, 2),
            "minutes": round(counts.minutes or 0.0, 2),
            "onset_error": round(onset.mean_abs, 2) if onset else 0.0,
            "offset_error": round(offset.mean_abs, 2) if offset else 0.0,
        }


def draw(axes: Axes, result: dict[str, Any]) -> None:
    scored = {"portraits": result["portraits"]}
    scored |= {
        f"{k}, injected": v["injected"] for k, v in result.items() if isinstance(v, dict) and "injected" in v
    }
    places = np.arange(len(scored))
    for shift, key in ((-0.27, "f1"), (0.0, "precision"), (0.27, "recall")):
        bars = axes.bar(places + shift, [score[key] for score in scored.values()], 0.25, label=key)
        axes.bar_label(bars, fmt="%.2f", size=7)
    labels = [
        f"{name}\n{s['truths']} planted, {s['false_per_minute']} false/min" for name, s in scored.items()
    ]
    axes.set_xticks(places, labels, size=8)
    axes.set_ylim(0, 1.1)
    axes.set_title(f"{result['engine']}: synthetic micro-expressions, people never trained on", size=9)
    axes.legend(fontsize=7)


class SpeakerCount:
    """Frames by true and decided speaker state; frames that nobody knows or decided are left out."""

    def __init__(self) -> None:
        self._counts = np.zeros((2, 2), int)
        self._undecided = 0

    def add(self, truth: NDArray[np.uint8], report: Report) -> None:
        said = np.full(len(truth), 255, np.uint8)
        for turn in report.speaker:
            said[turn.start : turn.end + 1] = turn.state == "speaking"
        known = truth != 255
        self._undecided += int((known & (said == 255)).sum())
        known &= said != 255
        np.add.at(self._counts, (truth[known], said[known]), 1)

    def summary(self) -> dict[str, Any]:
        totals = self._counts.sum(1)
        recall = [float(self._counts[s, s] / totals[s]) if totals[s] else None for s in (0, 1)]
        both = [r for r in recall if r is not None]
        return {
            "balanced_accuracy": round(sum(both) / 2, 3) if len(both) == 2 else None,
            "listening_recall": None if recall[0] is None else round(recall[0], 3),
            "speaking_recall": None if recall[1] is None else round(recall[1], 3),
            "frames": int(totals.sum()),
            "undecided_frames": self._undecided,
        }


if __name__ == "__main__":
    main()
