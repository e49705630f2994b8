"""How many frames a second `rtme.analyze` works through, and how many live streams go before a frame is dropped.

python bench/throughput.py [--seconds 20] [--fps 30 60] [--streams 16] [--runs 3 5]        about 15 minutes on two cores
"""

import tempfile
from pathlib import Path

from record import begin, often_of, parser_of, save, settings_of, tell
from rtme.trial.speed.clip import make_clip
from rtme.trial.speed.throughput import recorded, streams
from rtsp import close, feed_of


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="of each run with live streams")
    parser.add_argument("--length", type=float, default=60, help="of the recording, seconds")
    parser.add_argument("--fps", type=int, nargs="+", default=[30, 60], help="of the live streams")
    parser.add_argument("--streams", type=int, default=16, help="at most")
    parser.add_argument("--source", choices=("auto", "rtsp", "file"), default="auto")
    arguments = parser.parse_args()
    settings, known = settings_of(arguments), begin()
    live = []
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder) / "recording.mp4", arguments.length)
        found = recorded(clip, settings=settings, often=often_of(arguments, 5, 9), on_progress=tell)
        for fps in arguments.fps:
            feed = feed_of(make_clip(Path(folder) / f"clip-{fps}.mp4", 20, fps), arguments.source)
            try:
                live.append(
                    streams(
                        feed,
                        settings=settings,
                        most=arguments.streams,
                        seconds=arguments.seconds,
                        often=often_of(arguments, 3, 5),
                        on_progress=tell,
                    )
                )
            finally:
                close(feed)
    save("throughput", {"recorded": found, "live": live}, known, picture=True)


if __name__ == "__main__":
    main()
