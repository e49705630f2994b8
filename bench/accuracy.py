"""How well an engine finds planted micro-expressions on people it never saw, through the whole live path.

The sets of clips of `rtme engine report` without its cameras, kept with the machine as every bench's figures are.

    python bench/accuracy.py --faces FOLDER [--engine default] [--split validation]
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path

from record import save
from rtme.engine.bundle import load_bundle
from rtme.trial.card import measure
from rtme.trial.card_pictures import draw_scores
from rtme.trial.plan import FULL, people_of


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, required=True, help="folder of portraits and clips")
    parser.add_argument("--engine", default="default")
    parser.add_argument(
        "--table", type=Path, help="who is who (file,person,split); default: the engine's people.csv"
    )
    parser.add_argument("--people", type=int, default=FULL.portraits, help="at most so many portraits")
    parser.add_argument(
        "--clips", type=int, default=FULL.clips, help="at most so many real clips of each folder"
    )
    parser.add_argument(
        "--split",
        default="test",
        choices=("test", "validation"),
        help="whose people; compare engines on validation",
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--name", default="accuracy")
    arguments = parser.parse_args()
    bundle = load_bundle(arguments.engine)
    items = people_of(bundle, arguments.faces, arguments.table, arguments.split)
    plan = replace(FULL, portraits=arguments.people, clips=arguments.clips, cameras=0, conditions=())
    card = measure(bundle, items, arguments.split, plan, arguments.workers, print)
    result = {
        "engine": f"{bundle.manifest.name} {bundle.manifest.version}",
        "people": arguments.split,
        "matching": card["measured"]["matching"],
        "note": "synthetic micro-expressions; nothing here was tested on real ones",
        **card["sets"],
        "seconds": card["measured"]["seconds"],
    }
    save(arguments.name, result, lambda axes: draw_scores(axes, card))


if __name__ == "__main__":
    main()
