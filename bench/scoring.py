"""How long `rtme score` takes over many videos, from the start of the process to its last line, and how much of a core.

Makes the tables first: labels and predictions in equal parts, most predictions near a label.

    python bench/scoring.py [--videos 1000] [--intervals 100000] [--repeats 5]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from record import save
from rtme.score import Interval, write_table

FPS, FRAMES = 30, 20_000
RULES = ("one_to_one", "ground_truth_centric", "many_to_many")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", type=int, default=1_000)
    parser.add_argument("--intervals", type=int, default=100_000, help="labels and predictions together")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_tables(Path(folder), arguments.videos, arguments.intervals // 2)
        runs = {rule: [time_score(Path(folder), rule) for _ in range(arguments.repeats)] for rule in RULES}
    said = runs["one_to_one"][0][2]
    save(
        "scoring",
        {
            "what": "rtme score --json: the whole command, reading of the tables included",
            "videos": said["videos"],
            "intervals": said["overall"]["truths"] + said["overall"]["found"],
            "matched": {rule: each[0][2]["overall"]["tp"] for rule, each in runs.items()},
            "seconds": {rule: spread([wall for wall, _, _ in each]) for rule, each in runs.items()},
            "cpu_seconds": {rule: spread([cpu for _, cpu, _ in each]) for rule, each in runs.items()},
            "runs": arguments.repeats,
        },
    )


def make_tables(folder: Path, n_videos: int, n_labels: int) -> None:
    rng = Random(0)
    names = [f"made/{number % 50:02d}/{number:04d}" for number in range(n_videos)]
    emotions = ("negative", "positive", "surprise")
    truth: dict[tuple[Any, ...], Interval] = {}
    found: dict[tuple[Any, ...], Interval] = {}
    while len(truth) < n_labels:
        onset = rng.randrange(FRAMES - 200)
        kind, length = ("me", rng.randint(4, 15)) if rng.random() < 0.4 else ("mae", rng.randint(16, 100))
        one = Interval(
            names[len(truth) % n_videos], onset, onset + length, kind, emotion=rng.choice(emotions)
        )
        truth[one.video, one.onset, one.offset, one.type] = one
    for one in list(truth.values()):
        onset = max(0, one.onset + (rng.randint(-6, 6) if rng.random() < 0.8 else rng.randint(-500, 90)))
        offset = onset + max(3, one.offset - one.onset + rng.randint(-4, 4))
        near = Interval(
            one.video, onset, offset, one.type, score=round(rng.random(), 4), emotion=rng.choice(emotions)
        )
        found[near.video, near.onset, near.offset, near.type] = near
    write_table(folder / "labels.csv", list(truth.values()))
    write_table(folder / "found.csv", list(found.values()))
    rows = [
        f"{name},{FPS},{FRAMES},{('speaking', 'listening')[number % 2]}" for number, name in enumerate(names)
    ]
    (folder / "labels.videos.csv").write_text("\n".join(["video,fps,n_frames,state", *rows]) + "\n")


def time_score(folder: Path, rule: str) -> tuple[float, float, dict[str, Any]]:
    words = ["score", "--pred", "found.csv", "--gt", "labels.csv", "--match", rule, "--json"]
    began, spent = time.perf_counter(), cpu_of_children()
    done = subprocess.run(
        [sys.executable, "-m", "rtme", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return time.perf_counter() - began, cpu_of_children() - spent, json.loads(done.stdout)


def cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def spread(seconds: list[float]) -> dict[str, float]:
    return {"median": round(median(seconds), 2), "min": round(min(seconds), 2), "max": round(max(seconds), 2)}


if __name__ == "__main__":
    main()
