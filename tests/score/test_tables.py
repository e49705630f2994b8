from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtme.data import manifest
from rtme.errors import DataError
from rtme.score import (
    Interval,
    VideoFacts,
    read_looked_through,
    read_submission,
    read_table,
    read_videos,
    videos_beside,
    with_full_names,
    write_submission,
    write_table,
)

words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=6)
frames = st.tuples(st.integers(0, 10**6), st.integers(0, 10**4)).map(
    lambda pair: (pair[0], pair[0] + pair[1])
)
rows = st.lists(
    st.builds(
        lambda video, frames, kind, **more: Interval(video, *frames, kind, **more),
        words,
        frames,
        st.sampled_from(["me", "mae"]),
        apex=st.none() | st.integers(0, 10**6),
        score=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        emotion=st.none() | words,
        state=st.sampled_from([None, "speaking", "listening"]),
    ),
    unique_by=lambda one: (one.video, one.onset, one.offset, one.type),
)


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@given(rows)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, intervals: list[Interval]) -> None:
    path = tmp_path_factory.mktemp("table") / "deeper" / "found.csv"
    write_table(path, intervals, {"fold": "s15", "seed": "3"})
    assert read_table(path) == intervals
    header = path.read_text(encoding="utf-8").splitlines()[0]
    assert header == "video,onset,apex,offset,type,score,emotion,state,fold,seed"


def test_a_row_without_an_interval_is_a_video_that_was_looked_through(tmp_path: Path) -> None:
    header = "subject,video,onset,offset,type,state"
    path = write(tmp_path / "labels.csv", header, "ann,a,1,2,me,speaking", "ann,b,,,,listening")
    assert read_table(path) == [Interval("ann/a", 1, 2, "me", state="speaking")]
    assert read_looked_through(path) == [VideoFacts("ann/a"), VideoFacts("ann/b", state="listening")]
    assert read_looked_through(write(path, header, "ann,a,1,2,me,")) is None
    with pytest.raises(DataError, match="row 2: subject is empty"):
        read_table(write(path, header, ",b,,,,listening"))


def test_names_are_joined_of_what_columns_there_are(tmp_path: Path) -> None:
    wanted = {
        "video,onset,offset,type": "v",
        "vid,onset,offset,type": "v",
        "subject,video,onset,offset,type": "s/v",
        "dataset,subject,video,onset,offset,type": "d/s/v",
    }
    for header, name in wanted.items():
        cells = ",".join(name.split("/"))
        path = write(tmp_path / "t.csv", header, f"{cells},3,9,me", "", f"{cells},12.0,14.0,MaE")
        assert read_table(path) == [Interval(name, 3, 9, "me"), Interval(name, 12, 14, "mae")]


def test_tables_of_other_programs(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes('Video, Type ,Offset,Onset,Note\r\n"a, b",ME,9, 3,ü\r\n'.encode("utf-8-sig"))
    assert read_table(path) == [Interval("a, b", 3, 9, "me")]
    assert read_table(write(tmp_path / "nothing.csv", "video,onset,offset,type")) == []


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "t.csv is empty: its first row must name the columns video, onset, offset, type"),
        (["video,onset,type", "v,1,me"], "t.csv: no column offset; found video, onset, type"),
        (["video,onset,onset,offset,type"], "t.csv: the column onset is there twice"),
        (["vid,video,onset,offset,type"], "t.csv: the column video is there twice"),
        (["v,1,2,me", "v,4,5,me"], "t.csv: no column video, onset, offset, type; found v, 1, 2, me"),
        (
            ["video,onset,offset,type", "v,1,2,me", "v,x,5,me"],
            "t.csv, row 3: onset is 'x', which is no whole number",
        ),
        (
            ["video,onset,offset,type", "v,1,2.5,me"],
            "t.csv, row 2: offset is '2.5', which is no whole number",
        ),
        (
            ["video,onset,offset,type", "v,1,nan,me"],
            "t.csv, row 2: offset is 'nan', which is no whole number",
        ),
        (
            ["video,onset,offset,type", "v,1,inf,me"],
            "t.csv, row 2: offset is 'inf', which is no whole number",
        ),
        (["video,onset,offset,type", "v,,2,me"], "t.csv, row 2: onset is empty: fill it in"),
        (["video,onset,offset,type", "v,1,2"], "t.csv, row 2: type is empty: fill it in"),
        (["video,onset,offset,type", ",1,2,me"], "t.csv, row 2: video is empty: fill it in"),
        (["subject,video,onset,offset,type", ",v,1,2,me"], "t.csv, row 2: subject is empty: fill it in"),
        (
            ["video,onset,offset,type", "", "v,9,2,me"],
            "t.csv, row 3: onset 9 comes after offset 2: swap or correct",
        ),
        (["video,onset,offset,type", "v,-1,2,me"], "t.csv, row 2: frames -1 to 2: frames are counted from 0"),
        (["video,onset,offset,type", "v,1,2,macro"], "t.csv, row 2: type is 'macro': write me or mae"),
        (["video,onset,offset,type", "v,1,2,me,x"], "t.csv, row 2: 5 cells under 4 columns"),
        (
            ["video,onset,offset,type,score", "v,1,2,me,sure"],
            "t.csv, row 2: score is 'sure', which is no number",
        ),
        (
            ["video,onset,offset,type,score", "v,1,2,me,nan"],
            "t.csv, row 2: score is nan: write a finite number",
        ),
        (
            ["video,onset,offset,type,state", "v,1,2,me,silent"],
            "t.csv, row 2: state is 'silent': write speaking or",
        ),
        (
            ["video,onset,offset,type", "v,1,2,me", "v,1,2,mae", "v,1,2,ME"],
            "t.csv, row 4: the same interval as in row 2: delete one of them",
        ),
    ],
)
def test_bad_tables(tmp_path: Path, lines: list[str], message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert message in str(caught.value)


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("video,onset,offset,type\nM\xfcller,1,2,me\n".encode("latin-1"))
    for name, message in (
        ("gone.csv", "cannot be read: No such"),
        ("latin.csv", "not UTF-8"),
        (".", "cannot be read"),
    ):
        with pytest.raises(DataError, match=message):
            read_table(tmp_path / name)
    (tmp_path / "binary.csv").write_bytes(b"video,onset,offset,type\n\0\0,1,2,me\n" + b"x" * 200_000)
    with pytest.raises(DataError, match=r"binary\.csv"):
        read_table(tmp_path / "binary.csv")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        write_table(tmp_path / "file" / "t.csv", [])


def test_videos(tmp_path: Path) -> None:
    path = write(
        tmp_path / "videos.csv",
        "subject,video,fps,n_frames,state,spans",
        "s,a,29.97,900,speaking,",
        "s,b,30,,,",
        "s,c,,100,,speaking:0-40 blink:50-52 speaking:60-99",
        "s,d,30,100,,speaking:0-40 listening:41-99",
        "s,e,30,100,,blink:0-4",
    )
    assert read_videos(path) == [
        VideoFacts("s/a", 29.97, 900, "speaking"),
        VideoFacts("s/b", 30, None),
        VideoFacts("s/c", None, 100, "speaking"),
        VideoFacts("s/d", 30, 100),
        VideoFacts("s/e", 30, 100),
    ]
    for row, message in (
        ("s,a,0,9,,", "row 2: fps is 0"),
        ("s,a,30,0,,", "row 2: n_frames is 0"),
        ("s,a,30,9.5,,", "row 2: n_frames is '9.5'"),
        ("s,a,30,9,asleep,", "row 2: state is 'asleep'"),
        ("s,a,30,9,,\ns,a,30,9,,", "row 3: video s/a is also in row 2"),
    ):
        with pytest.raises(DataError, match=message):
            read_videos(write(path, "subject,video,fps,n_frames,state,spans", row))


def test_our_manifest_is_read_as_it_is(tmp_path: Path) -> None:
    video = {"dataset": "d", "subject": "006", "video": "006_1", "fps": 200.0, "n_frames": 900}
    labelled = manifest.Interval(
        **video,
        onset=3,
        apex=5,
        offset=9,
        type="me",
        emotion="anger",
        state="speaking",
        au=("4", "R12"),
        origin="x, row 2",
    )
    span = manifest.Span(what="listening", onset=0, offset=99)
    path = tmp_path / "manifest.csv"
    manifest.Manifest((labelled,), (manifest.Video(**video, file="006_1.mp4", spans=(span,)),)).save(path)
    assert read_table(path) == [Interval("d/006/006_1", 3, 9, "me", 5, None, "anger", "speaking")]
    beside = videos_beside(path)
    assert beside is not None
    assert read_videos(beside) == [VideoFacts("d/006/006_1", 200, 900, "listening")]
    assert videos_beside(tmp_path / "other.csv") is None


def test_a_spotting_submission_counts_from_1_unless_told(tmp_path: Path) -> None:
    found = [
        Interval("casme2sq/s15/15_0101", 0, 9, "me", score=0.4),
        Interval("casme2sq/s16/16_0102", 30, 59, "mae"),
    ]
    path = tmp_path / "megc.csv"
    write_submission(path, found, "spotting")
    assert path.read_text().splitlines() == [
        "vid,pred_onset,pred_offset,type",
        "15_0101,1,10,me",
        "16_0102,31,60,mae",
    ]
    short = [Interval("15_0101", 0, 9, "me"), Interval("16_0102", 30, 59, "mae")]
    assert read_submission(path, "spotting") == short
    assert read_submission(path, "spotting", first=0)[1] == Interval("16_0102", 31, 60, "mae")
    write_submission(path, found, "spotting", first=0)
    assert path.read_text().splitlines()[1] == "15_0101,0,9,me"
    assert read_submission(path, "spotting", first=0) == short
    with pytest.raises(
        DataError, match="row 2: pred_onset is 0, before the first frame, which has the number 1"
    ):
        read_submission(path, "spotting")


def test_a_spot_then_recognise_submission_has_micro_expressions_with_emotions(tmp_path: Path) -> None:
    found = [Interval("samm_lv/006/006_1", 4, 40, "me", emotion="negative")]
    path = tmp_path / "megc.csv"
    write_submission(path, found, "recognition")
    assert path.read_text().splitlines() == ["subject,video,onset,offset,emotion", "006,006_1,5,41,negative"]
    assert read_submission(path, "recognition") == [Interval("006/006_1", 4, 40, "me", emotion="negative")]
    for wrong, message in (
        (Interval("s/v", 0, 9, "mae", emotion="negative"), "macro-expression"),
        (Interval("s/v", 0, 9, "me"), "no emotion"),
        (Interval("v", 0, 9, "me", emotion="negative"), "no subject"),
    ):
        with pytest.raises(DataError, match=message):
            write_submission(tmp_path / "wrong.csv", [wrong], "recognition")
    assert not (tmp_path / "wrong.csv").exists()
    with pytest.raises(DataError, match="row 2: emotion is empty"):
        read_submission(write(path, "subject,video,onset,offset,emotion", "006,006_1,5,41,"), "recognition")
    with pytest.raises(DataError, match="no column onset, offset, emotion"):
        read_submission(write(path, "subject,video,pred_onset"), "recognition")


def test_two_videos_of_one_name_are_not_put_into_one_file(tmp_path: Path) -> None:
    found = [Interval("a/1/v", 0, 9, "me"), Interval("b/1/v", 0, 9, "me")]
    with pytest.raises(DataError, match="a/1/v and b/1/v would both be v"):
        write_submission(tmp_path / "megc.csv", found, "spotting")


def test_short_names_become_full_ones() -> None:
    def named(*names: str) -> list[Interval]:
        return [Interval(name, 0, 9, "me") for name in names]

    videos = ["d/1/a", "d/2/b", "e/2/b", "c"]
    found = with_full_names(named("a", "1/a", "d/1/a", "d/2/b", "c", "unknown"), videos)
    assert [one.video for one in found] == ["d/1/a", "d/1/a", "d/1/a", "d/2/b", "c", "unknown"]
    with pytest.raises(DataError, match=r"video 2/b may be d/2/b or e/2/b: write subject and dataset"):
        with_full_names(named("2/b"), videos)


def test_turns_in_a_table_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "found.csv"
    path.write_text("video,onset,offset,type\na,0,89,speaking\na,10,15,me\nb,0,9,Listening\n")
    assert [(one.video, one.onset) for one in read_table(path)] == [("a", 10)]
