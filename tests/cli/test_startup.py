"""What a verb loads before it does anything: seconds at each call, and at each Tab."""

import subprocess
import sys

import pytest

SLOW = ("cv2", "mediapipe", "torch", "pandas", "matplotlib", "onnxruntime", "av", "scipy", "sklearn", "jax")

CODE = """
import sys
from rtme.cli import main
sys.argv = ["rtme", *sys.argv[1:]]
try:
    main()
except SystemExit:
    pass
print(*sorted(name for name in sys.modules if "." not in name), file=sys.stderr)
"""


def loaded(*words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words], capture_output=True, text=True, timeout=120, check=True
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["wacth"]])
def test_what_needs_no_verb_loads_none(words: list[str]) -> None:
    assert not loaded(*words) & {*SLOW, "numpy", "zmq", "pydantic_settings"}


@pytest.mark.parametrize(
    "words",
    [
        ["watch", "tcp://127.0.0.1:1", "--seconds", "0.2"],
        ["watch", "--help"],
        ["live", "--help"],
        ["analyze", "--help"],
        ["events", "nowhere.sqlite"],
        ["config", "show"],
        ["keys", "--help"],
        ["train", "--help"],
        ["data", "--help"],
        ["engine", "--help"],
        ["bench", "--help"],
        ["schema"],
    ],
    ids=" ".join,
)
def test_what_is_slow_to_load_is_loaded_late(words: list[str]) -> None:
    assert not loaded(*words) & set(SLOW)
