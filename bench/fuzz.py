"""Hands made-up and spoiled inputs to everything that reads what others wrote, 100,000 unless another number is given.

Wire messages (parsed, and through a subscriber's socket), settings, engine and dataset manifests, key files, addresses,
graphs of engines on each backend, videos. Then, where atheris is installed (`pip install atheris`), the text that our own
code takes apart once more, led by the branches that an input reaches.

    python bench/fuzz.py [--inputs 100000]
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from record import ROOT, begin, save

GUIDED = ("address", "camera", "keys", "manifest")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=100_000)
    arguments = parser.parse_args()
    known = begin()
    began = time.monotonic()
    inputs, found = made_up(arguments.inputs)
    guided, more = led(arguments.inputs // 10 // len(GUIDED))
    result = {
        "what": "inputs that were handed over, by who reads them",
        "inputs": sum(inputs.values()) + sum(guided.values()),
        "made_up": inputs,
        "guided": guided or "atheris is not installed",
        "minutes": round((time.monotonic() - began) / 60, 1),
        "findings": found + more,
    }
    save("fuzz", result, known)
    if found or more:
        sys.exit(f"{len(found + more)} findings; what was said of them stands above")


def made_up(number: int) -> tuple[dict[str, int], list[str]]:
    """The tests that are marked as fuzz, with so many inputs: how many each target had, and which failed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "inputs.json"
        command = [sys.executable, "-m", "pytest", "-m", "fuzz", "-rf", "tests/fuzz", "tests/bus"]
        environment = {**os.environ, "FUZZ_INPUTS": str(number), "FUZZ_REPORT": str(report)}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, check=False
        )
        print(done.stdout, flush=True)
        return json.loads(report.read_text()), re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE)


def led(runs: int) -> tuple[dict[str, int], list[str]]:
    """Coverage-guided: runs of each target, and the targets that failed."""
    if find_spec("atheris") is None:
        print("atheris is not installed: nothing is led by coverage")
        return {}, []
    failed = []
    for target in GUIDED:
        with tempfile.TemporaryDirectory() as folder:
            command = [
                sys.executable,
                str(ROOT / "tests/fuzz/guided.py"),
                target,
                f"-runs={runs}",
                "-verbosity=0",
            ]
            done = subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False)
            if done.returncode != 0:
                failed.append(f"guided: {target}")
                print(done.stderr[-3000:], flush=True)
    return dict.fromkeys(GUIDED, runs), failed


if __name__ == "__main__":
    main()
