"""Annotations of other programs, whatever is in them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzzing import as_json, attempt, fuzzed, given_inputs, mutated, spoiled
from made_annotations import talk
from rtme.annotations import FORMS, Recording, read, write
from rtme.errors import RtmeError

TEXTS = [ending for ending, form in FORMS.items() if form.read and ending != ".parquet"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.parametrize("ending", TEXTS)
@fuzzed(0.05)
@given(data=st.data())
def test_annotations_are_understood_or_refused_in_a_sentence(
    ending: str, folder: Path, data: st.DataObject
) -> None:
    given_inputs[f"annotations {ending}"] += 1
    whole = folder / f"whole{ending}"
    if not whole.exists():
        write(whole, [talk()])
    content = data.draw(mutated([whole.read_bytes(), b""]))
    check(folder / f"found{ending}", content)


@fuzzed(0.05)
@given(data=st.data())
def test_a_report_is_understood_or_refused_in_a_sentence(folder: Path, data: st.DataObject) -> None:
    given_inputs["reports"] += 1
    import json

    whole = folder / "report.json"
    if not whole.exists():
        write(whole, [talk()])
    check(folder / "spoiled.json", as_json(data.draw(spoiled([json.loads(whole.read_bytes())]))))


def check(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    got, refusal = attempt(lambda: read(path, default_fps=30), RtmeError)
    if refusal is not None:
        assert path.name in refusal
        assert "\n" not in refusal
        return
    assert got is not None
    assert all(isinstance(one, Recording) for one in got.recordings)
    # What was read can be written again.
    for ending in (".eaf", ".vtt", ".csv"):
        _, refusal = attempt(
            lambda end=ending: write(path.with_name(f"again{end}"), got.recordings[:1]), RtmeError
        )
        assert refusal is None
