"""Coverage-guided fuzzing (atheris) of the text that our own code takes apart; `bench/fuzz.py` runs it.

    python tests/fuzz/guided.py TARGET -runs=10000

What it finds it leaves in the working folder, as libFuzzer does.
"""

import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["rtme.bus", "rtme.capture.urls", "rtme.data.manifest", "csv"]):
    from rtme.bus.address import bindable, split
    from rtme.bus.curve import KeyFolder
    from rtme.capture.urls import is_url, redact, safe_name, unique_names
    from rtme.data.manifest import load, videos_path
    from rtme.errors import BusError, DataError

HOME = Path(tempfile.mkdtemp())
HOME.chmod(0o700)


def address(data: bytes) -> None:
    """A bus address."""
    text = data.decode("utf-8", "surrogateescape")
    with suppress(BusError):
        host, port = split(text)
        assert host
        assert port == "*" or 0 <= int(port) <= 65535
        bindable(text)


def camera(data: bytes) -> None:
    """A camera's address, with a password that must not be printed."""
    text = data.decode("utf-8", "ignore")
    url = "rtsp://u:Ge7heim" + "".join(c for c in text if not c.isspace() and c not in "'\"<>") + "@h/x"
    assert is_url(url)
    assert "Ge7heim" not in redact(url)
    for name in (safe_name(url), safe_name(text), *unique_names([text, text])):
        assert re.fullmatch("[A-Za-z0-9_-]+", name)


def keys(data: bytes) -> None:
    """The list of clients, and a secret."""
    folder = KeyFolder(HOME)
    for name, read in (
        ("allowed.toml", folder.allowed),
        ("trusted.toml", folder.trusted),
        ("server.secret", folder.server),
    ):
        path = HOME / name
        path.write_bytes(data)
        path.chmod(0o600)
        with suppress(BusError):
            read()


def manifest(data: bytes) -> None:
    """A dataset's tables: intervals, then after an empty line videos."""
    intervals, _, videos = data.partition(b"\n\n")
    path = HOME / "manifest.csv"
    path.write_bytes(intervals)
    videos_path(path).write_bytes(videos)
    with suppress(DataError):
        load(path).save(HOME / "again.csv")


TARGETS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "address": (address, [b"tcp://127.0.0.1:5556", b"tcp://[::1]:*"]),
    "camera": (camera, [b"rtsp://u:p@10.0.0.7:554/live?token=abc", b"clips/anna 01.final.mp4", b"/@"]),
    "keys": (keys, [b'"desk" = \'' + b"0" * 40 + b"'\n", b"secret = '" + b"0" * 40 + b"'\n"]),
    "manifest": (
        manifest,
        [
            b"dataset,subject,video,onset,apex,offset,type,emotion,au,state,fps,n_frames,origin\n"
            b"own,006,a,3,5,9,me,,R12+4,,30.0,99,x\n\n"
            b"dataset,subject,video,fps,n_frames,folder,pattern,first,file,depth_folder,depth_pattern,spans\n"
            b"own,006,a,30.0,99,.,img{:04d}.jpg,1,,,,speaking:0-12 blink:4-6\n"
        ],
    ),
}


def main() -> None:
    """Run the target that is named; the other words are libFuzzer's."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"name a target: {', '.join(TARGETS)}")
    target, seeds = TARGETS[sys.argv[1]]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds):
            (Path(corpus) / str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], "-max_len=4096", *sys.argv[2:], corpus], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
