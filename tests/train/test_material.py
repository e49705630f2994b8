from pathlib import Path

import pytest

from rtme.data.material import read, split_of, write_table
from rtme.data.voice import UNKNOWN, speaking
from rtme.errors import DataError

FACES = Path("../shared/data/faces")
TABLE = Path("engines/default/people.csv")


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def test_any_folder_works_and_a_file_is_a_person(tmp_path: Path):
    touch(tmp_path, "a.jpg", "more/b.PNG", "more/c.mkv", "notes.txt")
    items = read(tmp_path)
    assert [(item.file, item.kind) for item in items] == [
        ("a.jpg", "portrait"),
        ("more/b.PNG", "portrait"),
        ("more/c.mkv", "clip"),
    ]
    assert [item.person for item in items] == ["a.jpg", "more/b.PNG", "more/c.mkv"]


def test_a_table_names_people_splits_and_what_is_left_out(tmp_path: Path):
    touch(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    (tmp_path / "people.csv").write_text("file,person,split\na.jpg,Ann,test\nb.jpg,Ann,test\n")
    assert [(item.file, item.person, item.split) for item in read(tmp_path)] == [
        ("a.jpg", "Ann", "test"),
        ("b.jpg", "Ann", "test"),
    ]


def test_a_written_table_reads_back(tmp_path: Path):
    touch(tmp_path, *(f"{i}.jpg" for i in range(40)))
    items = read(tmp_path, seed=4)
    assert {item.split for item in items} == {"train", "validation", "test"}
    write_table(items, tmp_path / "people.csv")
    assert read(tmp_path, seed=5) == items


@pytest.mark.parametrize(
    "table",
    [
        "file,person,split\na.jpg,Ann,train\nb.jpg,Ann,test\n",
        "file,person,split\na.jpg,Ann,holdout\n",
        "x\n1\n",
    ],
)
def test_a_table_that_would_mix_people_is_refused(tmp_path: Path, table: str):
    touch(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "people.csv").write_text(table)
    with pytest.raises(DataError):
        read(tmp_path)


def test_nothing_to_read_is_said(tmp_path: Path):
    with pytest.raises(DataError, match="no picture or video"):
        read(tmp_path)
    with pytest.raises(DataError, match="not a folder"):
        read(tmp_path / "none")


def test_a_person_keeps_the_split_whoever_else_is_there():
    splits = [split_of(f"person {i}") for i in range(2000)]
    assert splits == [split_of(f"person {i}") for i in range(2000)]
    assert 0.15 < splits.count("test") / 2000 < 0.25


@pytest.mark.skipif(not FACES.is_dir(), reason="the real footage is not here")
def test_the_default_engine_never_trained_on_its_test_people():
    items = read(FACES, TABLE)
    portraits = [item for item in items if item.kind == "portrait"]
    assert sum(item.split == "test" for item in portraits) >= 80
    assert sum(item.split == "validation" for item in portraits) >= 30
    assert {item.split for item in items if item.file.startswith("speech/s1_")} == {"test"}


@pytest.mark.skipif(not FACES.is_dir(), reason="the real footage is not here")
def test_speech_is_heard_between_its_silences():
    heard = speaking(FACES / "speech/bbaf2n.mpg", fps=25, frames=75)
    assert heard[:20].tolist() == [0] * 20
    assert heard[25:55].mean() > 0.9
    assert heard[-5:].tolist() == [0] * 5
    assert set(speaking(FACES / "asl/no.mkv", fps=30, frames=60)) == {UNKNOWN}
