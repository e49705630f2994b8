"""How well an engine finds planted micro-expressions on people it never saw, through the whole live path.

Three kinds of material, all of test people only, unless another split is named:

* portraits: animated with micro-expressions and interference;
* injected: real clips with micro-expressions planted in them;
* untouched: the same real clips as they are. Nobody planted anything, so every interval counts as a false alarm.

One-to-one matching at IoU >= 0.5, pooled over clips. Synthetic micro-expressions only: this says nothing about real ones.

    python bench/accuracy.py --faces FOLDER [--engine default] [--people N]
"""

import argparse
import json
import time
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

import rtme
from record import save
from rtme.capture.frames import FramesSource
from rtme.data.material import Item, read
from rtme.data.voice import speaking
from rtme.engine.bundle import load_bundle
from rtme.errors import DataError
from rtme.synth import Portrait, Script, inject, render
from rtme.trial.footage import landmarks, pictures
from rtme.trial.tables import SpeakerCount, Tables, planted

SECONDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, required=True, help="folder of portraits and clips")
    parser.add_argument("--engine", default="default")
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
        "people": arguments.split,
        "matching": "one-to-one, IoU >= 0.5 of inclusive frames, pooled over clips",
        "note": "synthetic micro-expressions; nothing here was tested on real ones",
        "portraits": score_portraits(arguments.engine, portraits),
    }
    for folder, clips in folders.items():
        result[folder] = score_clips(arguments.engine, clips[: arguments.clips])
    result["seconds"] = round(time.monotonic() - began, 1)
    save(arguments.name, result, lambda axes: draw(axes, result))
    if arguments.write:
        path = bundle.path / "manifest.json"
        manifest = json.loads(path.read_text())
        command = "python bench/accuracy.py --faces FOLDER"
        manifest["scores"]["test"] = {"command": command, **result}
        path.write_text(json.dumps(manifest, indent=2) + "\n")


def score_portraits(engine: str, items: Iterable[Item]) -> dict[str, Any]:
    tables, turns, people = Tables(), SpeakerCount(), 0
    for item in items:
        rng = np.random.default_rng(zlib.crc32(item.file.encode()))
        try:
            portrait = Portrait.load(item.path, item.person)
        except DataError:
            continue
        script = Script.random(rng, n_frames=30 * SECONDS, fps=30.0)
        frames, truth = render(portrait, script, (320, 320), rng)
        report = rtme.analyze(FramesSource(frames, 30.0), engine=engine).report()
        tables.add(item.file, 30.0, truth.n_frames, planted(truth), report)
        turns.add(truth.speaking, report)
        people += 1
    return {"people": people, **tables.summary(), "speaker": turns.summary()}


def score_clips(engine: str, items: list[Item]) -> dict[str, Any]:
    injected, untouched, turns = Tables(), Tables(), SpeakerCount()
    for item in items:
        images, fps = pictures(item.path)
        rng = np.random.default_rng(zlib.crc32(item.file.encode()))
        script = Script.random(rng, len(images), fps, macro=0, large=0, me_per_clip=0.6 * len(images) / fps)
        frames, truth = inject(images, landmarks(images), script, person=item.person)
        report = rtme.analyze(FramesSource(frames, fps), engine=engine).report()
        injected.add(item.file, fps, truth.n_frames, planted(truth), report)
        plain = rtme.analyze(FramesSource(images, fps), engine=engine).report()
        untouched.add(item.file, fps, len(images), [], plain)
        turns.add(speaking(item.path, fps, len(images)), plain)
    return {
        "clips": len(items),
        "people": len({item.person for item in items}),
        "injected": injected.summary(),
        "untouched": {key: untouched.summary()[key] for key in ("found", "false_per_minute", "minutes")},
        "speaker": turns.summary(),
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


if __name__ == "__main__":
    main()
