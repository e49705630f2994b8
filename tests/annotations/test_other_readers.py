"""What is written, opened by other people's programs."""

import csv
import json
import xml.etree.ElementTree as ET
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings

from made_annotations import recordings, talk
from rtme.annotations import Recording, Span, write
from rtme.score import read_submission, read_table

NOTHING = Recording("talk.mp4", 30.0, 90)


def test_elan_by_pympi(tmp_path: Path) -> None:
    elan = pytest.importorskip("pympi", reason="pympi-ling is not installed").Elan
    write(tmp_path / "talk.eaf", [talk()])
    document = elan.Eaf(str(tmp_path / "talk.eaf"))
    assert document.get_annotation_data_for_tier("ME@face1") == [(333, 533, "")]
    assert document.get_annotation_data_for_tier("MaE@face1") == [(1667, 2700, "")]
    assert document.get_annotation_data_for_tier("apex@face1") == [(433, 467, "")]
    assert document.get_annotation_data_for_tier("state@face1") == [
        (0, 1367, "speaking"),
        (1367, 3000, "listening"),
    ]
    (frames,) = document.get_ref_annotation_data_for_tier("frames@ME@face1")
    assert frames[:3] == (333, 533, "10-13-15 (333-533 ms) confidence 0.831")
    (media,) = document.get_linked_files()
    assert media["MIME_TYPE"] == "video/mp4"
    assert Path(unquote(urlsplit(media["MEDIA_URL"]).path)) == Path("talk.mp4").resolve()
    # A name of the whole path and one from here: the file is found wherever the two are copied to.
    assert (tmp_path / media["RELATIVE_MEDIA_URL"]).resolve() == Path("talk.mp4").resolve()
    assert dict(document.properties)["lastUsedAnnotationId"] == "10"
    write(tmp_path / "nothing.eaf", [NOTHING])
    assert list(elan.Eaf(str(tmp_path / "nothing.eaf")).get_tier_names()) == []


@settings(max_examples=40)
@given(recording=recordings)
def test_elan_by_the_rules_of_its_schema(
    recording: Recording, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("eaf") / "found.eaf"
    write(path, [recording])
    follows_the_schema(path)


ATTRIBUTES = {
    # Of EAF 3.0: those that an element must have, and those that it may.
    "ANNOTATION_DOCUMENT": ({"DATE", "AUTHOR", "VERSION"}, {"FORMAT"}),
    "HEADER": (set(), {"MEDIA_FILE", "TIME_UNITS"}),
    "MEDIA_DESCRIPTOR": (
        {"MEDIA_URL", "MIME_TYPE"},
        {"RELATIVE_MEDIA_URL", "TIME_ORIGIN", "EXTRACTED_FROM"},
    ),
    "PROPERTY": (set(), {"NAME"}),
    "TIME_ORDER": (set(), set()),
    "TIME_SLOT": ({"TIME_SLOT_ID"}, {"TIME_VALUE"}),
    "TIER": (
        {"TIER_ID", "LINGUISTIC_TYPE_REF"},
        {"PARTICIPANT", "ANNOTATOR", "DEFAULT_LOCALE", "PARENT_REF", "EXT_REF", "LANG_REF"},
    ),
    "ANNOTATION": (set(), set()),
    "ALIGNABLE_ANNOTATION": ({"ANNOTATION_ID", "TIME_SLOT_REF1", "TIME_SLOT_REF2"}, {"SVG_REF"}),
    "REF_ANNOTATION": ({"ANNOTATION_ID", "ANNOTATION_REF"}, {"PREVIOUS_ANNOTATION"}),
    "ANNOTATION_VALUE": (set(), set()),
    "LINGUISTIC_TYPE": (
        {"LINGUISTIC_TYPE_ID"},
        {"TIME_ALIGNABLE", "CONSTRAINTS", "GRAPHIC_REFERENCES", "CONTROLLED_VOCABULARY_REF"},
    ),
    "CONSTRAINT": ({"STEREOTYPE"}, {"DESCRIPTION"}),
}
ORDER = ["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "CONSTRAINT"]


def follows_the_schema(path: Path) -> None:
    """What EAFv3.0.xsd asks for, and what ELAN does besides: tiers without overlaps, slots in the order of time."""
    root = ET.parse(path).getroot()
    for element in root.iter():
        must, may = ATTRIBUTES[element.tag]
        there = {name for name in element.attrib if not name.startswith("{")}
        assert must <= there <= must | may, element.tag
    tags = [child.tag for child in root]
    assert tags == sorted(tags, key=ORDER.index)
    assert tags.count("HEADER") == tags.count("TIME_ORDER") == 1
    header = [child.tag for child in root[0]]
    assert header == sorted(header)  # media before properties
    assert datetime.fromisoformat(root.attrib["DATE"]).tzinfo
    slots = {one.attrib["TIME_SLOT_ID"]: int(one.attrib["TIME_VALUE"]) for one in root.iter("TIME_SLOT")}
    assert list(slots.values()) == sorted(slots.values())
    assert all(0 <= ms < 2**32 for ms in slots.values())
    annotations = [one[0] for one in root.iter("ANNOTATION")]
    ids = [one.attrib["ANNOTATION_ID"] for one in annotations]
    constraints = {one.attrib["STEREOTYPE"] for one in root.iter("CONSTRAINT")}
    # An xsd:ID is unique in the whole file and begins with a letter.
    assert len({*ids, *slots, *constraints}) == len(ids) + len(slots) + len(constraints)
    assert all(one[0].isalpha() for one in [*ids, *slots])
    assert len(slots) == sum(2 for one in annotations if one.tag == "ALIGNABLE_ANNOTATION")
    types = {one.attrib["LINGUISTIC_TYPE_ID"]: one.attrib for one in root.iter("LINGUISTIC_TYPE")}
    assert all(one.get("CONSTRAINTS", "Included_In") in constraints for one in types.values())
    assert all(one["TIME_ALIGNABLE"] in ("true", "false") for one in types.values())
    tiers = {one.attrib["TIER_ID"]: one for one in root.iter("TIER")}
    assert len(tiers) == tags.count("TIER")
    place = {one[0].attrib["ANNOTATION_ID"]: name for name, tier in tiers.items() for one in tier}
    for tier in tiers.values():
        kind = types[tier.attrib["LINGUISTIC_TYPE_REF"]]
        marked = [one[0] for one in tier]
        assert all([child.tag for child in one] == ["ANNOTATION_VALUE"] for one in marked)
        if kind["TIME_ALIGNABLE"] == "true":
            assert "PARENT_REF" not in tier.attrib
            edges = [slots[one.attrib[f"TIME_SLOT_REF{which}"]] for one in marked for which in (1, 2)]
            assert all(a < b for a, b in zip(edges[::2], edges[1::2], strict=True))
            assert all(a <= b for a, b in zip(edges[1::2], edges[2::2], strict=False))
        else:
            parents = [one.attrib["ANNOTATION_REF"] for one in marked]
            assert len(set(parents)) == len(parents)
            assert {place[one] for one in parents} <= {tier.attrib["PARENT_REF"]}


def test_textgrid_by_praat_and_by_praatio(tmp_path: Path) -> None:
    parselmouth = pytest.importorskip("parselmouth", reason="praat-parselmouth is not installed")
    from praatio import textgrid

    for name, recording in (("talk", talk()), ("nothing", NOTHING)):
        write(tmp_path / f"{name}.TextGrid", [recording])
    grid = parselmouth.TextGrid.read(str(tmp_path / "talk.TextGrid"))
    call = parselmouth.praat.call
    names = [
        call(grid, "Get tier name", number) for number in range(1, call(grid, "Get number of tiers") + 1)
    ]
    assert names == ["state@face1", "ME@face1", "apex@face1", "MaE@face1", "rtme"]
    assert call(grid, "Get number of intervals", 2) == 3
    assert call(grid, "Get start time of interval", 2, 2) == pytest.approx(0.333)
    assert call(grid, "Get end time of interval", 2, 2) == pytest.approx(0.533)
    assert call(grid, "Get label of interval", 2, 2) == "10-13-15 (333-533 ms) confidence 0.831"
    assert call(grid, "Get label of interval", 1, 1).startswith("speaking ")
    assert call(grid, "Get total duration") == pytest.approx(3)
    assert json.loads(call(grid, "Get label of interval", 5, 1))["fps"] == 30
    other = textgrid.openTextgrid(str(tmp_path / "talk.TextGrid"), includeEmptyIntervals=False)
    assert [tuple(one)[:2] for one in other.getTier("ME@face1").entries] == [(0.333, 0.533)]
    empty = parselmouth.TextGrid.read(str(tmp_path / "nothing.TextGrid"))
    assert call(empty, "Get number of tiers") == 1


@pytest.mark.parametrize("form", ["text", "short text"])
def test_textgrid_that_praat_saved_again_is_read(form: str, tmp_path: Path) -> None:
    parselmouth = pytest.importorskip("parselmouth", reason="praat-parselmouth is not installed")
    from rtme.annotations import read

    path = tmp_path / "talk.TextGrid"
    write(path, [talk()])
    grid = parselmouth.TextGrid.read(str(path))
    parselmouth.praat.call(grid, f"Save as {form} file", str(path))
    assert read(path).recordings == (talk(),)


def test_webvtt_by_webvtt_py(tmp_path: Path) -> None:
    import webvtt

    write(tmp_path / "talk.vtt", [talk()])
    captions = webvtt.read(str(tmp_path / "talk.vtt"), strict=True).captions
    assert [(one.start, one.end) for one in captions][:2] == [
        ("00:00:00.000", "00:00:01.367"),
        ("00:00:00.333", "00:00:00.533"),
    ]
    assert captions[1].text == "micro-expression, face 1: 10-13-15 (333-533 ms) confidence 0.831"
    write(tmp_path / "nothing.vtt", [NOTHING])
    assert (tmp_path / "nothing.vtt").read_text().startswith("WEBVTT\n\nNOTE rtme ")
    assert webvtt.read(str(tmp_path / "nothing.vtt"), strict=True).captions == []


def test_csv_by_csv_pandas_and_rtme_score(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed: pip install 'rtme[train]'")
    path = tmp_path / "all.csv"
    write(path, [talk(), Recording("quiet.mp4", 25.0, 50)])
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["type"] for row in rows] == ["speaking", "me", "listening", "mae", ""]
    assert (rows[1]["onset"], rows[1]["apex"], rows[1]["offset"]) == ("10", "13", "15")
    assert (rows[1]["onset_s"], rows[1]["end_s"], rows[1]["score"]) == ("0.333", "0.533", "0.831")
    assert pandas.read_csv(path)["fps"].tolist() == [30, 30, 30, 30, 25]
    found = read_table(path)
    assert [(one.video, one.onset, one.offset, one.type, one.score) for one in found] == [
        ("talk", 10, 15, "me", 0.831),
        ("talk", 50, 80, "mae", 0.4),
    ]


def test_parquet_by_pyarrow_has_the_same_columns_whatever_is_in_it(tmp_path: Path) -> None:
    parquet = pytest.importorskip(
        "pyarrow.parquet", reason="pyarrow is not installed: pip install 'rtme[parquet]'"
    )
    write(tmp_path / "talk.parquet", [talk()])
    write(tmp_path / "none.parquet", [])
    table = parquet.read_table(tmp_path / "talk.parquet")
    assert table["onset"].to_pylist() == [0, 10, 41, 50]
    assert table["apex"].to_pylist() == [None, 13, None, None]
    empty = parquet.read_table(tmp_path / "none.parquet")
    assert (empty.num_rows, empty.schema) == (0, table.schema)


def test_a_megc_submission_by_rtme_score(tmp_path: Path) -> None:
    two_faces = talk(Span("me", 10, 15, 1), Span("me", 10, 15, 2), Span("speaking", 0, 89))
    path = tmp_path / "sub.megc.csv"
    write(path, [two_faces, talk(Span("mae", 0, 60), source="films/s2.avi")])
    assert path.read_text().splitlines() == [
        "vid,pred_onset,pred_offset,type",
        "talk,11,16,me",
        "s2,1,61,mae",
    ]
    assert [(one.onset, one.offset) for one in read_submission(path, "spotting")] == [(10, 15), (0, 60)]
    write(path, [NOTHING])
    assert read_submission(path, "spotting") == []
