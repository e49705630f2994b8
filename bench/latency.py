"""How late events are, stage by stage: a numbered clip over a real RTSP server on loopback, the service as its own process.

The subscriber is in this one. What is measured, and what not, stands in rtme/trial/speed/latency.py.

    python bench/latency.py [--seconds 60] [--runs 5 9] [--source rtsp]        about 6 minutes
"""

import tempfile
from pathlib import Path

from record import begin, often_of, parser_of, save, settings_of, tell
from rtme.trial.speed.clip import make_clip
from rtme.trial.speed.latency import latency
from rtsp import close, feed_of


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of each run, after warming up")
    parser.add_argument("--source", choices=("auto", "rtsp", "file"), default="auto")
    arguments = parser.parse_args()
    known = begin()
    with tempfile.TemporaryDirectory() as folder:
        feed = feed_of(make_clip(Path(folder) / "clip.mp4", 60), arguments.source)
        try:
            result = latency(
                feed,
                settings=settings_of(arguments),
                seconds=arguments.seconds,
                often=often_of(arguments, 5, 9),
                on_progress=tell,
            )
        finally:
            close(feed)
    save("latency", result, known, picture=True)


if __name__ == "__main__":
    main()
