"""Each backend in each precision and batch size: milliseconds, drift, and the share of what the machine could do.

python bench/engines.py [--batch 1 4 8 16] [--threads 1] [--runs 5 9]        about 1 minute a backend and precision
"""

from record import begin, often_of, parser_of, save, tell
from rtme.trial.speed.engines import BATCHES, engines


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--batch", type=int, nargs="+", default=list(BATCHES))
    arguments = parser.parse_args()
    known = begin()
    result = engines(
        arguments.engine,
        threads=arguments.threads,
        batches=arguments.batch,
        often=often_of(arguments, 5, 9),
        on_progress=tell,
    )
    save("engines", result, known, picture=True)


if __name__ == "__main__":
    main()
