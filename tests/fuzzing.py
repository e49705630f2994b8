"""Inputs that nobody would make on purpose, how many of them, and processes that may die of them."""

import copy
import json
import os
import re
import select
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

TOTAL = int(os.environ.get("FUZZ_INPUTS", "0"))
"""How many inputs there are to be in all; 0: as many as a run of the tests can spare."""

given_inputs: Counter[str] = Counter()
"""Inputs that were tried, by target."""

_HERE = Path(__file__).resolve().parent
_SPARE = 500
_LONGEST_S = 60.0
_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., object])


def fuzzed(share: float, least: int = 10) -> Callable[[_F], _F]:
    """Marks a property as one of the fuzz tests.

    Args:
        share: Its part of all inputs; those of all tests together are about 1.
        least: Examples in a run of the tests.
    """
    examples = max(1 if TOTAL else least, round(share * (TOTAL or _SPARE)))

    def mark(test: _F) -> _F:
        chosen = settings(
            max_examples=examples,
            deadline=None,
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.data_too_large,
                HealthCheck.filter_too_much,
            ],
        )
        return pytest.mark.timeout(36_000 if TOTAL else 180)(pytest.mark.fuzz(chosen(test)))

    return mark


def attempt(do: Callable[[], _T], *refusals: type[Exception]) -> tuple[_T | None, str | None]:
    """What it gave and None, or None and what it was refused with."""
    try:
        return do(), None
    except refusals as error:
        return None, str(error)


_numbers = (
    st.integers(-3, 300)
    | st.sampled_from([2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30])
    | st.floats()
    | st.sampled_from([float("nan"), float("inf"), -float("inf"), 1e308, 5e-324, -0.0])
)
_words = st.text(max_size=12) | st.sampled_from(
    ["", "\0", "a" * 300, "../x", "{0}", "nan", "1e999", "-", "ä", "\U0001f600"]
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | _numbers | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=4,
)
"""Whatever JSON can say, and the not-a-numbers that Python lets it say."""


@st.composite
def spoiled(draw: st.DrawFn, whole: Sequence[Any]) -> Any:
    """One of these JSON values with one to three of its parts changed, replaced, left out, added or moved."""
    value = copy.deepcopy(draw(st.sampled_from(list(whole))))
    for _ in range(draw(st.integers(1, 3))):
        holder, place = _somewhere(draw, value)
        if holder is None:
            return draw(json_values)
        # What is of the right kind and still wrong gets further than what is not.
        what = draw(st.sampled_from(["change", "change", "replace", "leave out", "add", "move"]))
        if what == "change":
            holder[place] = draw(_alike(holder[place]))
        elif what == "replace":
            holder[place] = draw(json_values)
        elif what == "leave out":
            del holder[place]
        elif what == "add" and isinstance(holder, dict):
            holder[draw(_words)] = draw(json_values)
        else:
            other, elsewhere = _somewhere(draw, value)
            if other is not None:
                holder[place] = copy.deepcopy(other[elsewhere])
    return value


def _alike(value: Any) -> st.SearchStrategy[Any]:
    """Other values of the same kind."""
    if isinstance(value, bool) or value is None:
        return st.none() | st.booleans() | _numbers
    if isinstance(value, int | float):
        return _numbers
    if isinstance(value, str):
        return _words | st.sampled_from(
            [value + "\0", value * 2, value.upper(), value[:-1], f"{{{value}}}", "{}{}", "{:d"]
        )
    return st.just(value * 2 if isinstance(value, list) else dict(reversed(value.items())))


def _somewhere(draw: st.DrawFn, value: Any) -> tuple[Any, Any]:
    """A container in a JSON value and a place in it; None where there is none."""
    holder, place = None, None
    while isinstance(value, dict | list) and value:
        places = list(value) if isinstance(value, dict) else list(range(len(value)))
        holder, place = value, draw(st.sampled_from(places))
        value = value[place]
        if draw(st.booleans()):
            break
    return holder, place


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


_WORDS = [
    b"",
    b"NaN",
    b"Infinity",
    b"-1",
    b"1e999",
    b"0",
    b"9" * 20,
    b"null",
    b"\0",
    b"{}{}",
    b"-0",
    b"'",
    b'"',
]
_PIECES = [
    b"",
    b"\0",
    b"\xff",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\0\0\0\1",
]
_PIECES += [
    b'"',
    b"{",
    b"]",
    b",",
    b"\n",
    b"\r",
    b"'",
    b"=",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"9" * 30,
]


@st.composite
def mutated(draw: st.DrawFn, wholes: Sequence[bytes], most: int = 6) -> bytes:
    """One of these with up to ``most`` edits.

    Bytes are flipped, overwritten, put in, taken out, copied or repeated, a word is replaced, or the end is cut off.
    """
    data = bytearray(draw(st.sampled_from(list(wholes))))
    for _ in range(draw(st.integers(1, most))):
        if not data:
            break
        # Headers are near the beginning and the end, so most edits are.
        near = draw(st.integers(0, min(64, len(data) - 1)) | st.integers(0, len(data) - 1))
        at = len(data) - 1 - near if draw(st.booleans()) else near
        length = draw(st.integers(1, 16))
        what = draw(st.sampled_from(["flip", "write", "put in", "take out", "copy", "repeat", "word", "cut"]))
        if what == "flip":
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif what in ("write", "put in"):
            piece = draw(st.sampled_from(_PIECES) | st.binary(min_size=1, max_size=8))
            data[at : at + (len(piece) if what == "write" else 0)] = piece
        elif what == "take out":
            del data[at : at + length]
        elif what == "copy":
            start = draw(st.integers(0, len(data) - 1))
            data[at:at] = data[start : start + length]
        elif what == "repeat":
            data[at:at] = data[at : at + length] * draw(st.sampled_from([2, 10, 200_000 // length]))
        elif what == "word":
            # In files of megabytes only those about the place.
            words = list(re.finditer(rb"[\w.+-]+", data[max(0, at - 500) : at + 500]))
            if words:
                start, end = draw(st.sampled_from(words)).span()
                data[max(0, at - 500) + start : max(0, at - 500) + end] = draw(st.sampled_from(_WORDS))
        elif draw(st.booleans()):
            del data[at:]
    return bytes(data)


class Worker:
    """A process that is handed one input after another; started again when one has killed it.

    Args:
        script: Python that reads a target's name from its arguments and calls :func:`serve`.
        target: The name.
    """

    def __init__(self, script: Path, target: str) -> None:
        self._command = [sys.executable, "-X", "faulthandler", str(script), target]
        self._process: subprocess.Popen[bytes] | None = None
        self._notes = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the worker

    def ask(self, data: bytes) -> str:
        """What the process said of this input.

        Raises:
            AssertionError: It died of it, or gave no answer for a minute.
        """
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):  # how it ended is told below
            process.stdin.write(struct.pack("<I", len(data)) + data)
            process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], _LONGEST_S)
        answer = process.stdout.readline().decode() if ready else ""
        if answer.endswith("\n"):
            return answer[:-1]
        code = self._end()
        self._notes.seek(0)
        notes = self._notes.read()[-3000:].decode("utf-8", "replace")
        how = f"ended with {code}" if ready else f"gave no answer for {_LONGEST_S:g} s"
        raise AssertionError(f"{self._command[-1]} {how} on {len(data)} bytes; it noted: {notes}")

    def _start(self) -> subprocess.Popen[bytes]:
        self._notes.truncate(0)
        path = os.pathsep.join([str(_HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._notes,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert self._process.stdout is not None
        # Loading a library is no input's fault.
        assert self._process.stdout.readline() == b"ready\n", self._end()
        return self._process

    def _end(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        try:
            code = process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
        self._end()
        self._notes.close()


def serve(answer: Callable[[bytes], str]) -> None:
    """The other end of a :class:`Worker`: answers each input in one line, until there is none."""
    lines = os.fdopen(os.dup(1), "w")
    # Whatever a library prints must not be taken for an answer.
    os.dup2(2, 1)
    print("ready", file=lines, flush=True)
    while size := sys.stdin.buffer.read(4):
        try:
            said = answer(sys.stdin.buffer.read(struct.unpack("<I", size)[0]))
        except Exception as error:
            said = f"raised {type(error).__name__}: {error}"
        print(" ".join(said.split()), file=lines, flush=True)
