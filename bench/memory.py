"""What the service holds in memory: against the number of streams, and against time.

python bench/memory.py [--streams 4] [--seconds 15] [--minutes 10] [--runs 3 5]        about 17 minutes
"""

import tempfile
from pathlib import Path

from record import begin, often_of, parser_of, save, settings_of, tell
from rtme.trial.speed.clip import make_clip
from rtme.trial.speed.memory import memory
from rtsp import close, feed_of


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--streams", type=int, default=4, help="at most")
    parser.add_argument("--seconds", type=float, default=15, help="of each run with so many streams")
    parser.add_argument("--minutes", type=float, default=10, help="of the long run with one stream")
    parser.add_argument("--source", choices=("auto", "rtsp", "file"), default="auto")
    arguments = parser.parse_args()
    known = begin()
    with tempfile.TemporaryDirectory() as folder:
        feed = feed_of(make_clip(Path(folder) / "clip.mp4", 60), arguments.source)
        try:
            result = memory(
                feed,
                settings=settings_of(arguments),
                most=arguments.streams,
                seconds=arguments.seconds,
                minutes=arguments.minutes,
                often=often_of(arguments, 3, 5),
                on_progress=tell,
            )
        finally:
            close(feed)
    save("memory", result, known, picture=True)


if __name__ == "__main__":
    main()
