"""Whatever is written comes back, frame by frame."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_annotations import RATES, recordings, talk
from rtme.annotations import FORMS, Recording, Span, read, write
from rtme.annotations.label import Label, find_label
from rtme.annotations.timing import edges_ms, frames
from rtme.errors import SettingsError

READ = [ending for ending, form in FORMS.items() if form.read]


def written(recording: Recording, ending: str) -> Recording:
    if ending == ".parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'rtme[parquet]'")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"found{ending}"
        assert write(path, [recording]) == [path]
        assert [one.name for one in Path(folder).iterdir()] == [path.name]
        (got,) = read(path).recordings
    return got


@pytest.mark.parametrize("ending", READ)
@settings(max_examples=40)
@given(recording=recordings)
def test_any_intervals_come_back_with_their_frames(ending: str, recording: Recording) -> None:
    got = written(recording, ending)
    assert got.spans == recording.spans
    assert got.fps == recording.fps
    assert (got.source, got.n_frames) == (recording.source, recording.n_frames)
    assert (got.engine, got.engine_note) == (recording.engine, recording.engine_note)


@pytest.mark.parametrize("ending", READ)
def test_nothing_found_is_a_valid_file_with_nothing_in_it(ending: str) -> None:
    empty = Recording("talk.mp4", 30.0, 90)
    assert written(empty, ending) == empty


@pytest.mark.parametrize("ending", [".eaf", ".TextGrid", ".vtt", ".json"])
def test_times_of_a_stream_whose_rate_varies_are_kept(ending: str, tmp_path: Path) -> None:
    odd = Recording("phone.mp4", 30.0, 90, (Span("me", 10, 15, 1, None, 0.5, (401, None, 777)),))
    got = written(odd, ending)
    assert got.spans == odd.spans
    assert got.spans[0].edges_ms(30.0) == (401, 777)


@given(st.sampled_from(RATES[:8]), st.integers(0, 1_000_000), st.integers(0, 500))
def test_edges_in_milliseconds_are_frames_again(fps: float, first: int, more: int) -> None:
    assert frames(*edges_ms(first, first + more, fps), fps) == (first, first + more)


@given(st.text("0123456789-() ms.", max_size=30))
def test_a_label_is_found_in_any_text(text: str) -> None:
    label = Label(10, 13, 15, (333, 533), 0.831)
    assert find_label(f"{text} {label}") is not None
    assert find_label(str(label)) == label


@pytest.mark.parametrize("name", ["found.xlsx", "found", "eaf", "found.eaf.bak"])
def test_an_unknown_ending_is_one_sentence(name: str, tmp_path: Path) -> None:
    for attempt in (lambda: write(tmp_path / name, [talk()]), lambda: read(tmp_path / name)):
        with pytest.raises(SettingsError, match=r"must end in \.eaf, \.TextGrid"):
            attempt()


def test_endings_may_be_written_in_any_case(tmp_path: Path) -> None:
    write(tmp_path / "found.EAF", [talk()])
    assert read(tmp_path / "found.EAF").recordings == (talk(),)


def test_several_recordings_are_one_table_or_a_folder_of_files(tmp_path: Path) -> None:
    films = [talk(source=source) for source in ("a/one.mp4", "b/one.mp4", "two.mp4")]
    assert write(tmp_path / "all.csv", films) == [tmp_path / "all.csv"]
    assert read(tmp_path / "all.csv").recordings == tuple(films)
    names = [path.relative_to(tmp_path) for path in write(tmp_path / "all.eaf", films)]
    assert names == [Path("all/one.eaf"), Path("all/one-2.eaf"), Path("all/two.eaf")]
    assert [read(tmp_path / name).recordings[0] for name in names] == films
