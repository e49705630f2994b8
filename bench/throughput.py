"""How many frames a second `rtme analyze` works through: 640x480 H.264, one face.

python bench/throughput.py [--seconds 60] [--repeats 5] [--threads 1]
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import rtme
from clips import make_clip
from record import save


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60, help="length of the recording")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="threads of the encoder")
    parser.add_argument("--engine", default="default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder) / "clip.mp4", arguments.seconds)
        rates = []
        for _ in range(arguments.repeats + 1):
            began = time.perf_counter()
            report = rtme.analyze(clip, engine=arguments.engine, threads=arguments.threads).report()
            rates.append(report.frames / (time.perf_counter() - began))
    counted = rates[1:]
    save(
        "throughput",
        {
            "what": "rtme.analyze, 640x480 H.264 at 30 frames/s, one face; loading included; first run not counted",
            "engine": report.engine,
            "frames": report.frames,
            "threads": arguments.threads,
            "frames_per_second": {
                "median": round(median(counted), 1),
                "min": round(min(counted), 1),
                "max": round(max(counted), 1),
                "runs": len(counted),
            },
        },
    )


if __name__ == "__main__":
    main()
