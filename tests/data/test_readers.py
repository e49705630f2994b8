from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import copies
from rtme import annotations
from rtme.annotations import Recording, Span
from rtme.annotations.eaf import Annotation
from rtme.data import readers
from rtme.data.manifest import Interval
from rtme.data.readers.reading import Reading
from rtme.errors import DataError, SettingsError


def read(name: str, root: Path, *words: str) -> Reading:
    dataset = readers.find(name)
    return dataset.read(root, dataset.repairs(words))


def ends(reading: Reading) -> list[tuple[str, int, int | None, int, str]]:
    return [(i.video, i.onset, i.apex, i.offset, i.type) for i in reading.manifest.intervals]


def repaired(reading: Reading) -> list[tuple[str, str, str]]:
    return [(repair.what, repair.before, repair.after) for repair in reading.repairs]


@pytest.mark.parametrize("name", readers.NAMES)
def test_every_copy_reads_without_a_problem(name: str, tmp_path: Path) -> None:
    reading = read(name, getattr(copies, name)(tmp_path))
    assert reading.problems == ()
    assert reading.usable().intervals
    assert all(interval.n_frames for interval in reading.manifest.intervals)
    assert all(interval.origin for interval in reading.manifest.intervals)
    assert set(reading.published) <= set(reading.counts) | {"blinks"}


def test_casme2sq(tmp_path: Path) -> None:
    reading = read("casme2sq", copies.casme2sq(tmp_path))
    assert ends(reading) == [
        ("15_0401", 9, 13, 19, "me"),
        ("15_0401", 29, 39, 39, "mae"),
        ("15_0502", 4, 8, 11, "mae"),
        ("15_0502", 19, None, 27, "mae"),
        ("16_0401", 1, None, 8, "me"),
        ("16_0401", 40, 44, 44, "mae"),
    ]
    assert repaired(reading) == [
        ("offset is 0", "0", "40"),
        ("spelling", "happyiness1", "happiness1"),
        ("spelling", "happyiness", "happiness"),
        ("spelling", "happyiness1", "happiness1"),
        ("apex outside", "30 in 20 to 28", "missing"),
        ("apex outside", "0 in 2 to 9", "missing"),
        ("offset is 0", "0", "45"),
    ]
    assert reading.counts["videos"] == 4
    assert reading.counts["labelled videos"] == 3
    first, second, third, fourth, *_ = reading.manifest.intervals
    assert (first.subject, first.au, first.emotion, first.fps) == ("s15", ("4",), "negative", 30)
    assert (second.au, third.emotion, fourth.au) == (("4", "7"), "happiness", ("L12",))
    pictures = reading.manifest.videos[0].pictures()
    assert (pictures[0].name, pictures[9].name, len(pictures)) == ("img1.jpg", "img10.jpg", 60)
    assert pictures[0].parent.parent.parent.name == "rawpic"


@pytest.mark.parametrize(
    ("policy", "offsets"),
    [("apex", [39, 44]), ("apex+20", [59, 49]), ("2*apex-onset", [49, 48]), ("drop", [])],
)
def test_the_repair_of_offset_zero_is_an_option(policy: str, offsets: list[int], tmp_path: Path) -> None:
    reading = read("casme2sq", copies.casme2sq(tmp_path), f"offset_zero={policy}")
    assert [i.offset for i in reading.manifest.intervals if i.type == "mae" and "0401" in i.video] == offsets
    assert sum(repair.what == "offset is 0" for repair in reading.repairs) == 2


def test_the_cropped_release_is_read_when_it_is_alone(tmp_path: Path) -> None:
    copies.casme2sq(tmp_path)
    (tmp_path / "rawpic").rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "s15").rename(tmp_path / "elsewhere" / "raw15")
    (tmp_path / "elsewhere" / "s16").rename(tmp_path / "elsewhere" / "raw16")
    video = read("casme2sq", tmp_path).manifest.videos[0]
    assert (video.pattern, video.n_frames) == ("img_{}.jpg", 60)


def test_samm_long_videos(tmp_path: Path) -> None:
    copies.samm_lv(tmp_path)
    reading = read("samm_lv", tmp_path)
    assert ends(reading) == [
        ("006_1", 10, 15, 30, "me"),
        ("006_1", 0, 19, 24, "mae"),
        ("007_3", 4, None, 24, "mae"),
    ]
    assert repaired(reading) == [
        ("fractional offset", "30.5", "31"),
        ("fractional apex", "15.5", "16"),
        ("onset is 0", "0", "1"),
        ("apex outside", "-1 in 5 to 25", "missing"),
    ]
    first, second, third = reading.manifest.intervals
    assert [i.subject for i in reading.manifest.intervals] == ["006", "006", "007"]
    assert (first.au, second.au, third.au) == (("4B", "R12"), ("12A/24",), ("4/7",))
    assert first.emotion is None
    assert "no emotions" in reading.warnings[0]
    assert (reading.counts["subjects"], reading.counts["videos"]) == (3, 3)
    assert reading.manifest.videos[0].pattern == "006_1_{:04d}.jpg"

    copies.samm(tmp_path / "SAMM")
    joined = read("samm_lv", tmp_path)
    assert [i.emotion for i in joined.manifest.intervals] == ["anger", None, None]
    assert joined.warnings == ()


@pytest.mark.parametrize(("how", "offset"), [("half_up", 30), ("floor", 29), ("ceil", 30)])
def test_how_fractional_frames_are_rounded_is_an_option(how: str, offset: int, tmp_path: Path) -> None:
    reading = read("samm_lv", copies.samm_lv(tmp_path), f"fraction={how}")
    assert reading.manifest.intervals[0].offset == offset


def test_samm(tmp_path: Path) -> None:
    reading = read("samm", copies.samm(tmp_path))
    assert ends(reading) == [("006_1_2", 2, 7, 12, "me"), ("007_3_1", 2, None, 20, "me")]
    assert repaired(reading) == [("no apex", "blank", "missing"), ("spelling", "Other", "others")]
    first, second = reading.manifest.intervals
    assert (first.subject, second.subject) == ("006", "007")
    assert (first.au, first.emotion, second.emotion) == (("4B/7",), "anger", "others")
    assert reading.manifest.videos[0].pictures()[first.onset].name == "006_05562.jpg"


def test_casme3(tmp_path: Path) -> None:
    reading = read("casme3", copies.casme3(tmp_path))
    assert ends(reading) == [
        ("a", 2, 4, 8, "me"),
        ("j", 9, 19, 29, "me"),
        ("a", 19, 24, 29, "mae"),
        ("a", 0, 1, 3, "me"),
        ("a", 3, None, 7, "me"),
    ]
    assert ("onset is 0", "0", "1") in repaired(reading)
    assert ("case of the name", "spNO.1/J", "spNO.1/j") in repaired(reading)
    assert ("case of the name", "spNO.2/a", "spNo.2/a") in repaired(reading)
    assert [i.dataset for i in reading.manifest.intervals] == ["casme3"] * 4 + ["casme3c"]
    assert [i.emotion for i in reading.manifest.intervals] == [
        "disgust",
        "others",
        None,
        "others",
        "negative",
    ]
    assert reading.manifest.intervals[4].au == ("4", "7")
    assert (reading.counts["blinks"], reading.counts["ME"]) == (2, 3)
    assert any("1 ME, not in the counts of part A" in warning for warning in reading.warnings)
    assert any("micro-expressions longer than 15 frames: 1, long_me=keep" in w for w in reading.warnings)
    video = next(v for v in reading.manifest.videos if (v.subject, v.video) == ("spNO.1", "a"))
    assert [str(span) for span in video.spans] == ["blink:11-14"]
    assert (Path(video.depth_folder).name, video.depth_pattern) == ("depth", "{}.png")
    assert any("3 of 40 frames are dropped or empty" in warning for warning in reading.warnings)
    assert [path.stem for path in video.pictures()[10:14]] == ["11", "11", "11", "14"]
    assert video.pictures()[19].stem == "19"


@pytest.mark.parametrize(
    ("policy", "what"),
    [
        ("keep", [(2, 8, "me"), (9, 29, "me")]),
        ("drop", [(2, 8, "me")]),
        ("mae", [(2, 8, "me"), (9, 29, "mae")]),
        ("trim", [(2, 8, "me"), (12, 26, "me")]),
    ],
)
def test_what_becomes_of_long_micro_expressions_is_an_option(
    policy: str, what: list[tuple[int, int, str]], tmp_path: Path
) -> None:
    reading = read("casme3", copies.casme3(tmp_path), f"long_me={policy}")
    labels = [
        i for i in reading.manifest.intervals if i.origin.endswith(("AU+Emotion, row 2", "AU+Emotion, row 3"))
    ]
    assert [(i.onset, i.offset, i.type) for i in labels] == what
    assert sum(repair.what == "long ME" for repair in reading.repairs) == (policy != "keep")


def test_expressions_of_casme3_are_read_without_its_blinks(tmp_path: Path) -> None:
    copies.casme3(tmp_path)
    header = ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Expression type"]
    row = ["spNO.1", "a", 3, 5, 9, "4", "Micro-expression"]
    copies.xls(tmp_path / "annotation" / "CAS(ME)3_part_A_v2.xls", {"AU+Emotion": [header, row]})
    reading = read("casme3", tmp_path)
    assert reading.counts["ME"] == 1
    assert any("blinks were not read: " in w and "no sheet 'eye blink'" in w for w in reading.warnings)


def test_the_outdated_labels_of_casme3_are_refused(tmp_path: Path) -> None:
    copies.casme3(tmp_path)
    (tmp_path / "annotation" / "CAS(ME)3_part_A_v2.xls").unlink()
    with pytest.raises(DataError, match=r"part_A_v1\.xls is version 1.*v2\.xls"):
        read("casme3", tmp_path)


def test_casme(tmp_path: Path) -> None:
    reading = read("casme", copies.casme(tmp_path))
    assert ends(reading) == [("sub01_EP01_5", 2, 6, 12, "me"), ("sub12_EP01_5", 0, 3, 8, "me")]
    assert repaired(reading) == [
        ("no action unit", "?", "left out"),
        ("renumbered clip", "pictures from 1", "first picture is 52"),
    ]
    assert [i.subject for i in reading.manifest.intervals] == ["sub01", "sub12"]
    assert reading.manifest.intervals[0].fps == 60


def test_casme2(tmp_path: Path) -> None:
    reading = read("casme2", copies.casme2(tmp_path))
    assert ends(reading) == [("sub01_EP02_01f", 0, 13, 40, "me"), ("sub02_EP02_01f", 0, None, 10, "me")]
    assert repaired(reading) == [("no apex", "/", "missing")]
    assert reading.manifest.videos[0].pattern == "img{}.jpg"
    assert reading.manifest.intervals[1].au == ("R4", "7")


def test_smic(tmp_path: Path) -> None:
    reading = read("smic", copies.smic(tmp_path))
    assert ends(reading) == [("s1_ne_01", 5, None, 12, "me"), ("s2_po_01", 10, None, 16, "me")]
    assert [i.subject for i in reading.manifest.intervals] == ["s01", "s02"]
    assert reading.manifest.intervals[0].au == ()
    assert reading.repairs == ()


def test_smic_has_157_labels(tmp_path: Path) -> None:
    header = ["Subject", "Filename", "OnsetF", "OffsetF", "FirstF", "Emotion"]
    rows = [[1, f"s1_ne_{n}", 11, 12, 10, "negative"] for n in range(160)]
    copies.xlsx(tmp_path / "SMIC-HS-E_annotation.xlsx", {"Sheet1": [header, *rows]})
    reading = read("smic", tmp_path)
    assert (reading.counts["ME"], reading.published["ME"]) == (157, 157)
    assert "row 159: the 3 rows from here on are no labels" in reading.warnings[0]


def test_smic_needs_the_labels_of_the_camera_that_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no label file SMIC-NIR-E_annotation\*\.xls\*; found SMIC-HS-E"):
        read("smic", copies.smic(tmp_path), "camera=NIR")


def test_mmew(tmp_path: Path) -> None:
    copies.mmew(tmp_path)
    reading = read("mmew", tmp_path)
    assert ends(reading) == [("S13-07-001", 0, 19, 39, "me"), ("S14-04-001", 0, None, 29, "me")]
    assert ("no offset", "blank", "30, the clip's last frame") in repaired(reading)
    assert [i.subject for i in reading.manifest.intervals] == ["S13", "S14"]
    assert len(read("mmew", tmp_path, "offset_missing=drop").manifest.intervals) == 1


def test_4dme(tmp_path: Path) -> None:
    copies.fourdme(tmp_path)
    reading = read("fourdme", tmp_path)
    assert ends(reading) == [("S01_01", 0, 10, 20, "me"), ("S02_01", 0, 3, 10, "me")]
    assert repaired(reading) == [("static AU", "4", "left out")]
    assert reading.manifest.intervals[0].au == ("L7",)
    assert reading.manifest.videos[0].pictures()[0].name == "02480.jpg"
    assert read("fourdme", tmp_path, "static_au=keep").manifest.intervals[0].au == ("L7", "4")


def test_mmme_goes_by_times(tmp_path: Path) -> None:
    reading = read("mmme", copies.mmme(tmp_path))
    assert ends(reading) == [("01_trial1", 30, 36, 45, "me")]
    video = reading.manifest.videos[0]
    assert (video.fps, video.n_frames, Path(video.file).name) == (150, 60, "01_trial1.avi")


def test_own_table(tmp_path: Path) -> None:
    reading = read("own", copies.own(tmp_path))
    assert ends(reading) == [("talk", 10, 12, 15, "me"), ("talk", 20, None, 40, "mae")]
    assert [i.state for i in reading.manifest.intervals] == ["speaking", "speaking"]
    assert [(v.subject, v.video, [str(s) for s in v.spans]) for v in reading.manifest.videos] == [
        ("007", "talk", ["speaking:0-59"]),
        ("8", "quiet", ["listening:0-59"]),
    ]


def own_table(root: Path, *lines: str) -> Path:
    copies.own(root)
    (root / "labels.csv").write_text("subject,video,onset,offset,type,state,fps\n" + "\n".join(lines) + "\n")
    return root


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (",talk,1,2,me,,", "labels.csv, row 2: subject or video is empty: fill it in"),
        (
            "1,talk,9,2,me,,",
            "onset 9 comes after offset 2: correct it, or use --repair reversed=swap or =drop",
        ),
        ("1,talk,1,60,me,,", "the label is 1 to 60 and the frames of talk are 0 to 59"),
        ("1,talk,1,,me,,", "offset is empty or no number: fill it in"),
        ("1,talk,1,2,tiny,,", "type is 'tiny': write me or mae"),
        ("1,talk,1,2,me,singing,", "state is 'singing': write speaking or listening"),
        ("1,talk,-1,2,me,,", "the label is -1 to 2 and the frames of talk are 0 to 59"),
        ("1,gone,1,2,me,,", "no video file gone and no fps: put gone.mp4 below"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_a_remedy(line: str, problem: str, tmp_path: Path) -> None:
    reading = read("own", own_table(tmp_path, line, "1,talk,5,6,me,,"))
    assert [str(one) for one in reading.problems if problem in str(one)]
    assert ends(reading) == [("talk", 5, None, 6, "me")]
    with pytest.raises(DataError, match=r"labels\.csv, row 2"):
        reading.usable()


@pytest.mark.parametrize(
    ("lines", "words", "left"),
    [
        (["1,talk,9,2,me,,"], ["reversed=swap"], [(2, 9)]),
        (["1,talk,9,2,me,,"], ["reversed=drop"], []),
        (["1,talk,50,70,me,,"], ["beyond_end=clip"], [(50, 59)]),
        (["1,talk,70,80,me,,"], ["beyond_end=clip"], []),
        (["1,talk,50,70,me,,"], ["beyond_end=drop"], []),
        (["1,talk,1,2,me,,", "1,talk,1,2,me,,"], [], [(1, 2)]),
    ],
)
def test_repairs_that_every_dataset_has(
    lines: list[str], words: list[str], left: list[tuple[int, int]], tmp_path: Path
) -> None:
    reading = read("own", own_table(tmp_path, *lines), *words)
    assert [(i.onset, i.offset) for i in reading.usable().intervals] == left
    assert len(reading.repairs) == 1


@pytest.mark.parametrize("fps", ["0", "-30"])
def test_a_rate_that_cannot_be_is_refused(fps: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="video own/1/gone: fps is"):
        read("own", own_table(tmp_path, f"1,gone,1,2,me,,{fps}"))


def test_own_pictures_need_their_rate_only(tmp_path: Path) -> None:
    copies.pictures(tmp_path / "1" / "walk", "f{:03d}.png", range(10, 40))
    reading = read("own", own_table(tmp_path, "1,walk,1,2,me,,60"))
    video = reading.manifest.videos[0]
    assert (video.fps, video.n_frames, video.pictures()[1].name) == (60, 30, "f011.png")


def test_a_duplicate_can_be_an_error(tmp_path: Path) -> None:
    reading = read("own", own_table(tmp_path, "1,talk,1,2,me,,", "1,talk,1,2,me,,"), "duplicate=error")
    assert "the same interval again" in str(reading.problems[0])


def test_elan(tmp_path: Path) -> None:
    copies.film(tmp_path / "videos" / "talk.mp4", 90)
    copies.eaf(
        tmp_path / "videos" / "talk.eaf",
        "talk.mp4",
        {
            # 33 ms is the edge of frame 1 at 30 fps, rounded as ELAN does.
            "ME": [(33, 267, ""), (1000, 1100, "4+7"), (2000, 2100, "Surprise")],
            "apex": [(100, 133, "")],
            "MaE": [(1400, 1900, "smile")],
            "speaking": [(0, 900, "")],
            "state": [(900, 2500, "listening")],
            "blink": [(2500, 3040, "")],
            "emotion": [(0, 10, "joy")],
            "notes": [(0, 10, "hello")],
            "au@ME": [(0, 0, "L12")],
        },
    )
    reading = read("own", tmp_path)
    assert reading.problems == ()
    assert ends(reading) == [
        ("talk", 1, 3, 7, "me"),
        ("talk", 30, None, 32, "me"),
        ("talk", 60, None, 62, "me"),
        ("talk", 42, None, 56, "mae"),
    ]
    assert [i.au for i in reading.manifest.intervals] == [("L12",), ("4", "7"), (), ()]
    assert [i.emotion for i in reading.manifest.intervals] == [None, None, "surprise", "smile"]
    assert [i.state for i in reading.manifest.intervals] == ["speaking", *["listening"] * 3]
    assert [str(span) for span in reading.manifest.videos[0].spans] == [
        "speaking:0-26",
        "listening:27-74",
        "blink:75-89",
    ]
    assert repaired(reading) == [("blink beyond the end", "90", "89")]
    assert any("tier notes is none of" in warning for warning in reading.warnings)
    assert any("tier emotion does not depend on tier ME" in warning for warning in reading.warnings)
    assert reading.manifest.videos[0].subject == "P1"


def test_what_rtme_found_and_somebody_corrected_in_elan(tmp_path: Path) -> None:
    copies.film(tmp_path / "anna" / "talk.mp4", 90)
    path = tmp_path / "anna" / "talk.eaf"
    found = (Span("me", 10, 15, 1, 13, 0.8), Span("me", 12, 20, 2, 14, 0.8), Span("speaking", 0, 89, 1))
    annotations.write(path, [Recording(str(tmp_path / "anna" / "talk.mp4"), 30.0, 90, found)])
    # An emotion that somebody typed where rtme leaves the text empty.
    path.write_text(
        path.read_text().replace("<ANNOTATION_VALUE />", "<ANNOTATION_VALUE>joy</ANNOTATION_VALUE>", 1)
    )
    reading = read("own", tmp_path)
    assert (reading.problems, reading.warnings) == ((), ())
    assert ends(reading) == [("talk", 10, 13, 15, "me"), ("talk", 12, 14, 20, "me")]
    first, second = reading.manifest.intervals
    assert (first.emotion, first.subject, first.state) == ("joy", "anna", "speaking")
    assert second.emotion is None


@given(
    st.sampled_from([24, 25, 30000 / 1001, 30, 60, 100, 150, 200]),
    st.integers(0, 50_000),
    st.integers(0, 500),
)
def test_edges_of_frames_that_elan_rounds_to_milliseconds_come_back(
    fps: float, first: int, more: int
) -> None:
    edges = [round(1000 * frame / fps) for frame in (first, first + more + 1)]
    annotation = Annotation("a1", "ME", "P1", "", *edges)
    assert annotation.frames(fps) == (first, first + more)


@pytest.mark.parametrize(
    ("participant", "folder", "subject"), [("", "anna", "anna"), ("P1", "anna", "P1"), ("", ".", None)]
)
def test_an_elan_file_says_who_is_seen(
    participant: str, folder: str, subject: str | None, tmp_path: Path
) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    copies.film(tmp_path / folder / "talk.mp4", 30)
    copies.eaf(tmp_path / folder / "talk.eaf", "talk.mp4", {"ME": [(100, 200, "")]}, participant)
    reading = read("own", tmp_path)
    if subject is None:
        assert "has no participant: fill in Participant" in str(reading.problems[0])
    else:
        assert [i.subject for i in reading.manifest.intervals] == [subject]


def test_elan_files_that_cannot_be_read(tmp_path: Path) -> None:
    copies.eaf(tmp_path / "talk.eaf", "talk.mp4", {"ME": [(100, 200, "")]})
    assert "its video talk was not found" in str(read("own", tmp_path).problems[0])
    (tmp_path / "talk.eaf").write_text("<ANNOTATION_DOCUMENT>")
    with pytest.raises(DataError, match="cannot be read as an ELAN file"):
        read("own", tmp_path)
    (tmp_path / "talk.eaf").write_text("<html/>")
    with pytest.raises(DataError, match="is not an ELAN file"):
        read("own", tmp_path)


def test_a_folder_with_nothing_in_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"neither labels\.csv nor an ELAN file"):
        read("own", tmp_path)
    with pytest.raises(
        DataError, match=r"no label file SAMM_LongVideos_V3_Release\.xls\*; found no spreadsheet"
    ):
        read("samm_lv", tmp_path)
    with pytest.raises(DataError, match="is not a folder"):
        read("casme2", tmp_path / "gone")


def test_a_renamed_sheet_is_named(tmp_path: Path) -> None:
    copies.xlsx(tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx", {"MICRO": [copies.SAMM_HEADER]})
    with pytest.raises(DataError, match="no sheet 'MICRO_ONLY'; found MICRO"):
        read("samm", tmp_path)


def test_a_missing_sheet_is_named(tmp_path: Path) -> None:
    copies.xlsx(tmp_path / "CAS(ME)^2code_final.xlsx", {"CASFEcode_final": [[1] * 9]})
    with pytest.raises(DataError, match="no sheet 'naming rule1'; found CASFEcode_final"):
        read("casme2sq", tmp_path)


def test_a_renamed_column_is_named(tmp_path: Path) -> None:
    header = ["Onset" if name == "Onset Frame" else name for name in copies.SAMM_HEADER]
    path = copies.xlsx(tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx", {"MICRO_ONLY": [[None], header]})
    with pytest.raises(DataError) as error:
        read("samm", tmp_path)
    assert str(error.value).startswith(
        f"{path}, sheet MICRO_ONLY, row 2: no column 'Onset Frame'; expected Subject"
    )
    assert "found Subject, Filename, Inducement Code, Onset, Apex Frame" in str(error.value)


def test_a_damaged_label_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "casme.xlsx").write_bytes(b"no spreadsheet")
    with pytest.raises(DataError, match=r"casme\.xlsx cannot be read as a spreadsheet"):
        read("casme", tmp_path)


def test_labels_are_read_without_their_frames(tmp_path: Path) -> None:
    copies.casme2(tmp_path / "copy")
    (tmp_path / "copy" / "CASME2-coding-20190701.xlsx").rename(tmp_path / "CASME2-coding-20190701.xlsx")
    only = tmp_path / "labels"
    only.mkdir()
    (tmp_path / "CASME2-coding-20190701.xlsx").rename(only / "CASME2-coding-20190701.xlsx")
    reading = read("casme2", only)
    assert [(i.onset, i.offset, i.n_frames) for i in reading.usable().intervals] == [
        (45, 85, None),
        (49, 59, None),
    ]
    assert "the frames of 2 of 2 videos were not found" in reading.warnings[0]


def test_labels_beyond_the_frames_are_named(tmp_path: Path) -> None:
    copies.casme2(tmp_path)
    (tmp_path / "CASME2_RAW_selected" / "sub01" / "EP02_01f" / "img86.jpg").unlink()
    problem = str(read("casme2", tmp_path).problems[0])
    assert "CASME2-coding-20190701.xlsx, sheet Sheet1, row 2: the label is 46 to 86" in problem
    assert "46 to 85: complete the frames, or use --repair beyond_end=clip or =drop" in problem
    clipped = read("casme2", tmp_path, "beyond_end=clip").usable().intervals[0]
    assert (clipped.onset, clipped.offset) == (0, 39)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("offset=apex", "no repair 'offset' for casme2sq: choose of fraction, .*offset_zero"),
        ("offset_zero=guess", r"cannot be 'guess': choose of apex, apex\+20, 2\*apex-onset, drop"),
    ],
)
def test_unknown_repairs_are_refused(word: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        readers.find("casme2sq").repairs([word])


def test_an_unknown_dataset_is_refused() -> None:
    with pytest.raises(SettingsError, match="no dataset 'casmeII': choose of casme2sq, samm_lv"):
        readers.find("casmeII")


def test_two_datasets_with_the_same_subjects_stay_apart(tmp_path: Path) -> None:
    both = [
        i
        for name, make in (("samm", copies.samm), ("samm_lv", copies.samm_lv))
        for i in read(name, make(tmp_path / name)).manifest.intervals
    ]
    people: set[tuple[str, str]] = {Interval.model_validate(i).person for i in both}
    assert {("samm", "006"), ("samm_lv", "006")} <= people
