"""What people mark with ELAN, Praat, a caption editor or a spreadsheet."""

import re
from pathlib import Path

import pytest

from data import copies
from made_annotations import talk
from rtme.annotations import Choice, NoFrameRateError, Span, parse_choice, read, write
from rtme.annotations.tiers import Entry, Tier, understand
from rtme.errors import DataError, SettingsError


def coded(folder: Path, tiers: dict[str, list[tuple[int, int, str]]]) -> Path:
    return copies.eaf(folder / "coded.eaf", "talk.mp4", tiers)


def test_a_persons_elan_file(tmp_path: Path) -> None:
    path = coded(
        tmp_path,
        {
            "ME": [(333, 533, "Surprise"), (2000, 2100, "4+7")],
            "apex": [(433, 467, "")],
            "state": [(0, 1367, "Speaking"), (1367, 3000, "mumbling")],
            "words": [(0, 3000, "hello")],
            "au@ME": [(0, 0, "4")],
        },
    )
    got = read(path, fps=30)
    (recording,) = got.recordings
    assert recording.source.endswith("talk.mp4")
    assert recording.spans == (
        Span("speaking", 0, 40),
        Span("me", 10, 15, 1, 13),
        Span("me", 60, 62),
    )
    assert got.tiers == (
        "tier ME: 2 annotations, read as micro-expressions",
        "tier apex: 1 annotation, read as apexes",
        "tier state: 2 annotations, read as speaking and listening, 1 of them with another value than speaking or "
        "listening left out",
        "tier words: 1 annotation, not read",
    )


def test_odd_tiers_are_read_as_they_are_said_to_be(tmp_path: Path) -> None:
    path = coded(tmp_path, {"Ausdruck": [(333, 533, "")], "redet": [(0, 900, "x")]})
    nothing = read(path, fps=30)
    assert nothing.recordings[0].spans == ()
    assert nothing.tiers == (
        "tier Ausdruck: 1 annotation, not read",
        "tier redet: 1 annotation, not read",
    )
    chosen = [parse_choice("Ausdruck"), parse_choice("redet=speaking")]
    assert read(path, fps=30, tiers=chosen).recordings[0].spans == (
        Span("speaking", 0, 26),
        Span("me", 10, 15),
    )


def test_a_tier_that_is_not_there_is_named_beside_those_that_are(tmp_path: Path) -> None:
    path = coded(tmp_path, {"Ausdruck": [(333, 533, "")], "redet": [(0, 900, "")]})
    with pytest.raises(DataError, match=r"coded\.eaf: no tier ME: it has Ausdruck, redet"):
        read(path, fps=30, tiers=[Choice("ME")])
    write(tmp_path / "found.json", [talk()])
    with pytest.raises(DataError, match=r"found\.json: no tier Ausdruck: it has state@face1, ME@face1, MaE"):
        read(tmp_path / "found.json", tiers=[Choice("Ausdruck")])
    with pytest.raises(DataError, match="cannot be 'smile': write Ausdruck=me, mae"):
        parse_choice("Ausdruck=smile")


def test_one_tier_of_a_table(tmp_path: Path) -> None:
    write(tmp_path / "found.json", [talk()])
    assert read(tmp_path / "found.json", tiers=[Choice("ME")]).recordings[0].spans == (
        Span("me", 10, 15, 1, 13, 0.831),
    )


def test_people_are_faces() -> None:
    names = ("ME@anna", "ME@face1", "MaE@anna", "MaE@face1 (2)")
    spans, _ = understand([Tier(name, (Entry(0, 100),)) for name in names], 30)
    assert [(span.kind, span.face) for span in spans] == [("me", 1), ("mae", 1), ("me", 2), ("mae", 2)]


def test_what_somebody_moved_in_elan_counts_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "found.eaf"
    write(path, [talk()])
    text = path.read_text()
    # The micro-expression begins two frames earlier, its apex lies a frame later, and the macro-expression is gone.
    moved = text.replace('TIME_VALUE="333"', 'TIME_VALUE="267"')
    moved = moved.replace('TIME_VALUE="433"', 'TIME_VALUE="467"').replace(
        'TIME_SLOT_ID="ts4" TIME_VALUE="467"', 'TIME_SLOT_ID="ts4" TIME_VALUE="500"'
    )
    path.write_text(moved)
    me = next(span for span in read(path).recordings[0].spans if span.kind == "me")
    assert me == Span("me", 8, 15, 1, 14, 0.831)


def test_frames_that_nobody_moved_need_no_frame_rate_to_be_exact(tmp_path: Path) -> None:
    path = tmp_path / "found.eaf"
    write(path, [talk()])
    # ELAN keeps the property; another program may not.
    path.write_text(re.sub(r'<PROPERTY NAME="rtme">.*?</PROPERTY>', "", path.read_text()))
    with pytest.raises(NoFrameRateError, match=r"found\.eaf: .*give --fps"):
        read(path)
    assert read(path, fps=25).recordings[0].spans == talk().spans


def test_annotations_that_subdivide_others_are_equally_long_as_elan_shows_them(tmp_path: Path) -> None:
    parts = [(1000, 1400, ""), (1400, 1800, ""), (1800, 2200, "")]
    path = coded(tmp_path, {"utterance": [(1000, 2200, "a b c")], "ME": parts})
    text = path.read_text()
    # ELAN gives neighbours one moment, and it no time as long as nobody has moved it.
    for last, first in (("ts4", "ts5"), ("ts6", "ts7")):
        text = text.replace(f'TIME_SLOT_REF1="{first}"', f'TIME_SLOT_REF1="{last}"')
        text = re.sub(f'(TIME_SLOT_ID="{last}") TIME_VALUE="[0-9]+"', r"\1", text)
    path.write_text(text)
    assert text.count("TIME_VALUE") == text.count("<TIME_SLOT ") - 2
    assert read(path, fps=10).recordings[0].spans == (
        Span("me", 10, 13),
        Span("me", 14, 17),
        Span("me", 18, 21),
    )


def test_an_annotation_without_a_time_is_said(tmp_path: Path) -> None:
    path = coded(tmp_path, {"ME": [(333, 533, "")]})
    path.write_text(path.read_text().replace(' TIME_VALUE="533"', ""))
    with pytest.raises(DataError, match=r"tier ME, annotation a1 has no time: align it in ELAN"):
        read(path, fps=30)


@pytest.mark.parametrize("name", ["found.json", "found.eaf", "found.vtt", "found.csv"])
def test_another_frame_rate_than_the_file_says_moves_the_times_and_not_the_frames(
    name: str, tmp_path: Path
) -> None:
    write(tmp_path / name, [talk()])
    (recording,) = read(tmp_path / name, fps=25).recordings
    assert recording.spans == talk().spans
    write(tmp_path / "again.vtt", [recording])
    assert "00:00:00.400 --> 00:00:00.640\nmicro-expression" in (tmp_path / "again.vtt").read_text()


def test_captions_of_a_person(tmp_path: Path) -> None:
    path = tmp_path / "coded.vtt"
    path.write_text(
        "\ufeffWEBVTT\n\n1\n00:00.333 --> 00:00.533\nME\n\n00:01.000 --> 00:02.000\nspeaking, Anna\n\n"
        "00:02.000 --> 00:03.000\nGood morning: how are you?\n"
    )
    got = read(path, fps=30)
    assert got.recordings[0].spans == (Span("me", 10, 15, 1), Span("speaking", 30, 59, 2))
    assert "tier captions: 1 annotation, not read" in got.tiers


def test_a_persons_table(tmp_path: Path) -> None:
    path = tmp_path / "coded.csv"
    path.write_text("\ufeffvideo,type,onset,apex,offset\ntalk,Micro,10,,15\ntalk,macro,50,60,80\n")
    with pytest.raises(NoFrameRateError, match=r"coded\.csv: .*--fps"):
        read(path)
    (recording,) = read(path, fps=30).recordings
    assert recording.spans == (Span("me", 10, 15), Span("mae", 50, 80, 1, 60))


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.eaf", "<html/>", "is not an ELAN file"),
        ("a.eaf", "<ANNOTATION_DOCUMENT>", "cannot be read as an ELAN file"),
        ("a.TextGrid", "hello", "cannot be read as a TextGrid"),
        ("a.vtt", "hello", "cannot be read as WebVTT"),
        ("a.csv", "onset,offset\n1,2\n", "no column type"),
        ("a.csv", '"onset,offset,type\n1,2,me\n3,4,me\n', "found onset,offset,type 1,2,me 3,4,me: rename"),
        ("a.csv", "onset,offset,type\n9,2,me\n", "a.csv, row 2: onset 9 comes after offset 2"),
        ("a.csv", "onset,offset,type\n1,2,smile\n", "type is 'smile'"),
        ("a.csv", 'onset,offset,type\n1,2,"smile\n3,4"\n', "type is 'smile 3,4'"),
        ("a.csv", "onset,offset,type,fps\n1,2,me,0\n", "a.csv, row 2: 0.0 frames per second cannot be"),
        ("a.json", "{", "is not what `rtme analyze -o found.json` writes"),
        ("a.json", '{"intervals": [{"type": "smile", "onset": 1, "offset": 2}]}', "intervals.0.type"),
        (
            "a.json",
            '{"intervals": [{"type": "me", "onset": 3, "offset": 2}]}',
            "onset 3 comes after offset 2",
        ),
        ("a.parquet", "hello", "cannot be read as Parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(
    name: str, text: str, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=re.escape(sentence)) as error:
        read(tmp_path / name, fps=30)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a.eaf", "a.TextGrid", "a.vtt", "a.csv", "a.json", "a.parquet"])
def test_a_file_that_is_not_there_is_one_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=re.escape(name)):
        read(tmp_path / name, fps=30)


def test_a_submission_is_written_only(tmp_path: Path) -> None:
    write(tmp_path / "sub.megc.csv", [talk()])
    with pytest.raises(SettingsError, match="written by rtme and not read"):
        read(tmp_path / "sub.megc.csv")


@pytest.mark.parametrize("name", ["gone.eaf", "gone.json", "gone.csv", "gone.vtt", "gone.TextGrid"])
def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="No such file"):
        read(tmp_path / name, fps=30)


def test_a_source_that_no_file_can_have_is_written_without_a_video(tmp_path: Path) -> None:
    write(tmp_path / "found.eaf", [talk(source="0.\0")])
    assert "MEDIA_DESCRIPTOR" not in (tmp_path / "found.eaf").read_text()


def test_a_header_of_very_many_columns_is_read_in_no_time(tmp_path: Path) -> None:
    """Comparing each with each would take an hour."""
    path = tmp_path / "wide.csv"
    path.write_text(",".join(["onset", "offset", "type", *["x"] * 200_000]) + "\n")
    with pytest.raises(DataError, match="the column x is there twice"):
        read(path, fps=30)
