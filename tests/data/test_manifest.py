from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtme.data import manifest
from rtme.data.manifest import Interval, Manifest, Span, Video, to_frame
from rtme.errors import DataError

NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=8)


def video(name: str = "v", subject: str = "s", dataset: str = "d", n_frames: int | None = 100) -> Video:
    return Video(dataset=dataset, subject=subject, video=name, fps=30, n_frames=n_frames)


def interval(onset: int = 1, offset: int = 5, **other: object) -> Interval:
    facts = {"dataset": "d", "subject": "s", "video": "v", "type": "me", "fps": 30, "n_frames": 100}
    return Interval.model_validate({**facts, "onset": onset, "offset": offset, **other})


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    videos, intervals = [], []
    for dataset, subject, name in draw(st.sets(st.tuples(NAMES, NAMES, NAMES), max_size=4)):
        fps = draw(st.floats(1, 1000))
        n_frames = draw(st.none() | st.integers(20, 10_000))
        spans = draw(
            st.lists(
                st.builds(
                    lambda what, a, b: Span(what=what, onset=min(a, b), offset=max(a, b)),
                    st.sampled_from(["speaking", "listening", "blink"]),
                    st.integers(0, 19),
                    st.integers(0, 19),
                ),
                max_size=3,
            )
        )
        key = {"dataset": dataset, "subject": subject, "video": name, "fps": fps, "n_frames": n_frames}
        videos.append(Video(**key, folder=draw(NAMES), pattern="img{:04d}.jpg", first=7, spans=tuple(spans)))
        for onset in draw(st.sets(st.integers(0, 18), max_size=3)):
            offset = draw(st.integers(onset, 19))
            intervals.append(
                Interval(
                    **key,
                    onset=onset,
                    offset=offset,
                    apex=draw(st.none() | st.integers(onset, offset)),
                    type=draw(st.sampled_from(["me", "mae"])),
                    emotion=draw(st.none() | NAMES),
                    au=tuple(draw(st.lists(st.sampled_from(["4", "R12", "14A", "12/14"]), max_size=3))),
                    state=draw(st.sampled_from([None, "speaking", "listening"])),
                    origin=draw(st.just("") | NAMES),
                )
            )
    return Manifest(tuple(intervals), tuple(videos))


@settings(max_examples=40)
@given(manifests())
def test_a_manifest_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, made: Manifest
) -> None:
    path = tmp_path_factory.mktemp("manifest") / "manifest.csv"
    made.save(path)
    assert manifest.load(path) == made


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_frames_keep_their_distance_and_the_first_is_zero(label: int, other: int, first: int) -> None:
    assert to_frame(first, first) == 0
    assert to_frame(label, first) - to_frame(other, first) == label - other
    assert to_frame(label) == label - 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"onset": 9}, "onset 9 comes after offset 5"),
        ({"apex": 6}, "apex 6 is outside of 1 to 5"),
        ({"offset": 100}, "offset 100 is beyond the video's end"),
        ({"subject": "  "}, "subject is empty: fill it in"),
        ({"type": "micro"}, "type is 'micro'"),
        ({"onset": "one"}, "onset is 'one'"),
        ({"fps": "nan"}, "fps is 'nan'"),
    ],
)
def test_a_wrong_row_is_named_with_its_file_and_what_to_do(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    path = tmp_path / "manifest.csv"
    Manifest((interval(7, 8), interval()), (video(),)).save(path)
    header, *lines = path.read_text().splitlines()
    cells = dict(zip(header.split(","), lines[1].split(","), strict=True)) | {
        k: str(v) for k, v in change.items()
    }
    path.write_text("\n".join([header, lines[0], ",".join(cells.values())]) + "\n")
    with pytest.raises(DataError, match=r"manifest\.csv, row 3: ") as error:
        manifest.load(path)
    assert message in str(error.value)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    Manifest((interval(),), (video(),)).save(path)
    path.write_text(path.read_text().replace("offset", "end"))
    with pytest.raises(DataError, match=r"manifest\.csv: no column offset; found dataset, .*end"):
        manifest.load(path)


def test_a_manifest_without_its_videos_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    Manifest((interval(),), (video(),)).save(path)
    manifest.videos_path(path).unlink()
    with pytest.raises(DataError, match=r"manifest\.videos\.csv cannot be read"):
        manifest.load(path)


@pytest.mark.parametrize(
    ("intervals", "videos", "message"),
    [
        ([interval(), interval(apex=3)], [video()], "row 3: the same interval as in row 2"),
        ([interval()], [video("w")], "row 2: video d/s/v is not in the table of videos"),
        ([interval()], [video(n_frames=90)], "row 2: 100 frames at 30 a second"),
        ([], [video(), video()], "video d/s/v is there twice"),
    ],
)
def test_what_no_single_row_shows_is_found(
    intervals: list[Interval], videos: list[Video], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        Manifest(tuple(intervals), tuple(videos)).check()


def test_two_datasets_with_the_same_names_do_not_mix() -> None:
    one = Manifest((interval(),), (video(),))
    other = Manifest((interval(dataset="e"),), (video(dataset="e"),))
    merged = manifest.merge([one, other])
    assert {one.person for one in merged.intervals} == {("d", "s"), ("e", "s")}
    with pytest.raises(DataError, match="there twice"):
        manifest.merge([one, one])


def test_a_manifest_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        Manifest().save(tmp_path / "file" / "manifest.csv")


def test_dropped_and_empty_pictures_are_replaced_by_the_last_good_one(tmp_path: Path) -> None:
    for number in (2, 3, 5):
        (tmp_path / f"img{number}.jpg").write_bytes(b"" if number == 3 else b"x")
    made = Video(
        dataset="d",
        subject="s",
        video="v",
        fps=30,
        n_frames=5,
        folder=str(tmp_path),
        pattern="img{}.jpg",
        first=1,
    )
    assert [path.stem for path in made.pictures()] == ["img2", "img2", "img2", "img2", "img5"]


def test_pictures_that_are_gone_are_missed(tmp_path: Path) -> None:
    made = Video(
        dataset="d", subject="s", video="v", fps=30, n_frames=2, folder=str(tmp_path), pattern="{}.jpg"
    )
    with pytest.raises(DataError, match="has no picture"):
        made.pictures()
    with pytest.raises(DataError, match="cannot be read"):
        made.model_copy(update={"folder": str(tmp_path / "gone")}).pictures()


def test_how_labels_were_repaired_travels_with_them(tmp_path: Path) -> None:
    policy = manifest.Policy(choices={"offset_zero": "apex"}, repairs={"offset is 0": 44})
    video = Video(dataset="x", subject="1", video="v", fps=30, n_frames=10)
    Manifest((), (video,), {"x": policy}).save(tmp_path / "manifest.csv")
    loaded = manifest.load(tmp_path / "manifest.csv")
    other = Manifest((), (video.model_copy(update={"dataset": "y"}),))
    assert manifest.merge([loaded, other]).policies == {"x": policy}
    assert str(policy) == "44 repaired rows (offset is 0 44), by offset_zero=apex"
    (tmp_path / "manifest.repairs.json").write_text("{")
    with pytest.raises(DataError, match=r"manifest\.repairs\.json cannot be read"):
        manifest.load(tmp_path / "manifest.csv")
