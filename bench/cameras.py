"""What the engine finds of the same performances at other frame rates, sizes of the face, noise and light.

Portraits of people the engine never saw are animated, so the micro-expressions are SYNTHETIC and so are the cameras.
No figure depends on how fast the machine is.

    python bench/cameras.py FACES [--split validation] [--people 14] [--workers 1]
"""

import argparse
from pathlib import Path

from record import begin, save
from rtme.engine.bundle import load_bundle
from rtme.trial import card
from rtme.trial.conditions import NOISY, REFERENCE, SMALL, Condition
from rtme.trial.figures import drop, scores
from rtme.trial.plan import Plan, jobs, people_of

DUSK_15 = Condition(
    "light", "dim light, 15 dB more noise, 15 frames a second", light="dim", grain=NOISY.grain, fps=15
)
CONDITIONS = (
    REFERENCE,
    *(Condition("frame rate", f"{fps} frames a second", fps=fps) for fps in (60, 20, 15, 10)),
    Condition("face size", "face of 85 px (eyes 40 px apart)", eye_px=40.0),
    SMALL,
    NOISY,
    Condition("light", "dim light", light="dim"),
    # A webcam at dusk: what it sees is dark and noisy, and at last it exposes for longer.
    Condition("light", "dim light, 15 dB more noise", light="dim", grain=NOISY.grain),
    DUSK_15,
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "faces", type=Path, help="folder of portraits and real videos, as for rtme engine report"
    )
    parser.add_argument("--engine", default="default")
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    known = begin()
    bundle = load_bundle(arguments.engine)
    items = people_of(bundle, arguments.faces, None, arguments.split)
    plan = Plan(portraits=0, talks=0, clips=0, cameras=arguments.people, conditions=CONDITIONS)
    takes = card.run(
        bundle, jobs(items, plan), plan, (), arguments.workers, lambda line: print(line, flush=True)
    )
    seen = {one.name: [take for take in takes if take.condition == one.name] for one in CONDITIONS}
    save(
        "cameras",
        card.rounded(
            {
                "what": "the same animated portraits through each camera; everything to be found is synthetic",
                "engine": f"{bundle.manifest.name} {bundle.manifest.version}",
                "people_of": arguments.split,
                "cameras": [
                    {
                        "group": one.group,
                        "name": one.name,
                        **scores(seen[one.name]),
                        **drop(seen[one.name], seen["reference"]),
                    }
                    for one in CONDITIONS
                ],
            }
        ),
        known,
    )


if __name__ == "__main__":
    main()
