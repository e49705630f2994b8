"""How many frames a second `rtme data prepare` works through, with one worker and with one for each core.

python bench/preparing.py [--video FILE_OR_FOLDER] [--seconds 60] [--repeats 3] [--size 112] [--input motion]
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path
from statistics import median

from clips import make_clip
from record import save
from rtme.data.manifest import Manifest, Video
from rtme.data.prepare import prepare
from rtme.data.readers.disk import probe
from rtme.data.store import StorePlan


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--video", type=Path, help="a recording, or a folder of them; made up when not given")
    parser.add_argument("--seconds", type=float, default=60, help="length of the recording that is made up")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--input", choices=("motion", "rgb"), default="motion")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    plan = StorePlan(input=arguments.input, size=arguments.size)
    with tempfile.TemporaryDirectory() as folder:
        given = arguments.video
        if given is None:
            files = [make_clip(Path(folder) / "clip.mp4", arguments.seconds)]
        else:
            files = sorted(given.iterdir()) if given.is_dir() else [given]
        what = files[0].name if len(files) == 1 else f"{len(files)} files of {given.name}"
        one = [_video(file, index) for index, file in enumerate(files)]
        workers = os.cpu_count() or 1
        # Workers share videos out, so that each needs one.
        many = one if len(one) >= workers else [_video(files[0], index) for index in range(workers)]
        runs = {
            f"{count} worker{'s' if count > 1 else ''}, {len(videos)} video{'s' if len(videos) > 1 else ''}": [
                _run(videos, Path(folder), plan, count) for _ in range(arguments.repeats)
            ]
            for count, videos in ((1, one), (workers, many))
        }
    save(
        "preparing",
        {
            "what": "rtme data prepare; loading of the workers included",
            "footage": f"{what}, {one[0].n_frames} frames at {one[0].fps:g} a second"
            + (", 640x480 H.264, one face" if given is None else ""),
            "plan": plan.model_dump(mode="json"),
            "load_before": round(load, 1),
            "frames_per_second": {name: _spread([run[0] for run in each]) for name, each in runs.items()},
            "processor_ms_per_frame": {
                name: _spread([run[1] for run in each]) for name, each in runs.items()
            },
            "runs": arguments.repeats,
        },
    )


def _video(file: Path, index: int) -> Video:
    fps, n_frames = probe(file)
    return Video(
        dataset="own", subject=str(index), video=file.stem, fps=fps, n_frames=n_frames, file=str(file)
    )


def _run(videos: list[Video], folder: Path, plan: StorePlan, workers: int) -> tuple[float, float]:
    """Frames a second, and processor milliseconds a frame, which a busy machine changes little."""
    began, used = time.perf_counter(), _processor_s()
    with tempfile.TemporaryDirectory(dir=folder) as store:
        prepare(Manifest((), tuple(videos)), Path(store), plan, workers)
    frames = sum(video.n_frames or 0 for video in videos)
    return frames / (time.perf_counter() - began), (_processor_s() - used) * 1e3 / frames


def _processor_s() -> float:
    mine, workers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return mine.ru_utime + mine.ru_stime + workers.ru_utime + workers.ru_stime


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": round(median(values), 1), "min": round(min(values), 1), "max": round(max(values), 1)}


if __name__ == "__main__":
    main()
