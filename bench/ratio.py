"""What it saves that the encoder sees each frame once: rtme against a plain sliding window, and against MediaPipe alone.

The same pictures and weights, one way after the other in each run; see rtme/trial/speed/ratio.py.

    python bench/ratio.py [--seconds 10] [--runs 5 9]        about 3 minutes
"""

from record import begin, often_of, parser_of, save, settings_of, tell
from rtme.trial.speed.ratio import ratio


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="length of the clip")
    arguments = parser.parse_args()
    known = begin()
    result = ratio(
        settings=settings_of(arguments),
        seconds=arguments.seconds,
        often=often_of(arguments, 5, 9),
        on_progress=tell,
    )
    save("ratio", result, known, picture=True)


if __name__ == "__main__":
    main()
