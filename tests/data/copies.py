"""Tiny made-up copies of the datasets: real layout, names, sheets and headers, with every known trap planted."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import openpyxl
import xlwt

from clips import write_clip

Rows = Sequence[Sequence[object]]


def xlsx(path: Path, sheets: Mapping[str, Rows]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def xls(path: Path, sheets: Mapping[str, Rows]) -> Path:
    book = xlwt.Workbook()
    for name, rows in sheets.items():
        sheet = book.add_sheet(name)
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                if value is not None:
                    sheet.write(at, column, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(str(path))
    return path


def pictures(folder: Path, pattern: str, numbers: Iterable[int]) -> Path:
    """Files with the names of pictures; the readers look at names and sizes only."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (folder / pattern.format(number)).write_bytes(b"picture")
    return folder


def film(path: Path, frames: int, fps: int = 30) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_clip(path, "mpeg4", frames=frames, fps=fps, size=(32, 32))


def casme2sq(root: Path) -> Path:
    """Two people, four videos (one without labels), 8 rows."""
    xlsx(
        root / "CAS(ME)^2code_final(Updated).xlsx",
        {
            "CASFEcode_final": [
                [1, "anger1_1", 10, 14, 20, 4, "negative", "micro-expression", "anger"],
                [1, "anger1_2", 30, 40, 0, "4+7", "negative", "macro-expression", "anger"],
                [1, "happyiness1_1", 5, 9, 12, 12, "happyiness", "macro-expression", "happiness"],
                [1, "happyiness1_2", 20, 30, 28, "L12", "positive", "macro-expression", "happiness"],
                [2, "anger1_1", 2, 0, 9, "4", "others", "micro-expression", "anger"],
                [2, "anger1_2", 41, 45, 0, "AU4", "negative", "macro-expression", "anger"],
            ],
            "naming rule1": [[15, "s15", 1], [16, "s16", 2]],
            "naming rule2": [["0401", "anger1"], ["0502", "happiness1"]],
        },
    )
    # The first release of the labels, and Excel's lock file beside an open sheet.
    xlsx(root / "CAS(ME)^2code_final.xlsx", {"CASFEcode_final": [["old release"]]})
    (root / "~$CAS(ME)^2code_final(Updated).xlsx").write_bytes(b"lock")
    raw = root / "rawpic"
    pictures(raw / "s15" / "15_0401angertest", "img{}.jpg", range(1, 61))
    pictures(raw / "s15" / "15_0502happytest", "img{}.jpg", range(1, 41))
    pictures(raw / "s16" / "16_0401angertest", "img{}.jpg", range(1, 51))
    pictures(raw / "s16" / "16_0502happytest", "img{}.jpg", range(1, 31))
    pictures(root / "cropped" / "s15" / "15_0401angertest", "img_{}.jpg", range(1, 61))
    return root


SAMM_LV_HEADER = [
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset",
    "Apex",
    "Offset",
    "Duration",
    "Type",
    "Action Units",
    "Notes",
]


def samm_lv(root: Path) -> Path:
    notes: list[list[object]] = [
        ["SAMM Long Videos"],
        ["Onset and offset are frames"],
        *([None] for _ in range(7)),
    ]
    rows: Rows = [
        ["006", "006_1_2", 1, 11, 15.5, 30.5, 20, "Micro - 1/2", "AU4B + R12", None],
        [6, "006_1_3", 1, 0, 20, 25, 26, "Macro", "AU12A/24", None],
        ["007", "007_3_1", 3, 5, -1, 25, 21, "Macro", "4 or 7", None],
    ]
    for version in (1, 2, 3):
        table = rows if version == 3 else [["999", "999_9_9", 9, 1, 1, 1, 1, "Macro", "1", "old release"]]
        xlsx(root / f"SAMM_LongVideos_V{version}_Release.xlsx", {"Sheet1": [*notes, SAMM_LV_HEADER, *table]})
    pictures(root / "SAMM_longvideos" / "006_1", "006_1_{:04d}.jpg", range(1, 41))
    pictures(root / "SAMM_longvideos" / "007_3", "007_3_{:04d}.jpg", range(1, 31))
    pictures(root / "SAMM_longvideos" / "008_1", "008_1_{:04d}.jpg", range(1, 21))
    return root


SAMM_HEADER = [
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset Frame",
    "Apex Frame",
    "Offset Frame",
    "Duration",
    "Micro",
    "Action Units",
    "Estimated Emotion",
    "Objective Classes",
    "Notes",
]


def samm(root: Path) -> Path:
    notes: list[list[object]] = [["SAMM"], *([None] for _ in range(12))]
    rows: Rows = [
        ["006", "006_1_2", 1, 5562, 5567, 5572, 11, "Micro - 1/2", "AU4B/7", "Anger", 3, None],
        [7, "007_3_1", 3, 102, None, 120, 19, "Micro - 1/2", "12", "Other", 7, None],
    ]
    xlsx(
        root / "SAMM_Micro_FACS_Codes_v2.xlsx",
        {"NOTES": [["read me"]], "MICRO_ONLY": [*notes, SAMM_HEADER, *rows]},
    )
    pictures(root / "006" / "006_1_2", "006_{:05d}.jpg", range(5560, 5576))
    pictures(root / "007" / "007_3_1", "007_{:05d}.jpg", range(100, 125))
    return root


def casme3(root: Path) -> Path:
    labels = root / "annotation"
    header = ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Expression type", "Objective class"]
    xls(
        labels / "CAS(ME)3_part_A_v2.xls",
        {
            "AU+Emotion": [
                header,
                ["spNO.1", "a", 3, 5, 9, "4", "Micro-expression", "IV"],
                ["spNO.1", "J", 10, 20, 30, "1,2", "Micro-expression", "II"],
                ["spNO.1", "a", 20, 25, 30, "12", "Macro-expression", "I"],
                ["spNO.2", "a", 0, 2, 4, "L4+R4", "Micro-expression", "VII"],
            ],
            "eye blink": [header[:5], ["spNO.1", "a", 12, 13, 15], ["spNO.2", "a", 0, 3, 4]],
        },
    )
    xls(labels / "CAS(ME)3_part_A_v1.xls", {"AU+Emotion": [header]})
    xlsx(
        labels / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",
        {
            "label": [
                ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion"],
                ["spNO.1", "a", 3, 5, 9, "4", "IV", "disgust"],
                ["spNO.1", "J", 10, 20, 30, "1,2", "II", "Others"],
                ["spNO.2", "a", 0, 2, 4, "L4+R4", "VII", "others"],
            ]
        },
    )
    part_a = root / "part_A"
    for name, numbers in {"spNO.1/a": [*range(1, 12), *range(14, 41)], "spNo.1/j": range(1, 41)}.items():
        subject, video = name.split("/")
        pictures(part_a / subject.replace("spNo", "spNO") / video / "color", "{}.jpg", numbers)
    (part_a / "spNO.1" / "a" / "color" / "20.jpg").write_bytes(b"")
    pictures(part_a / "spNO.1" / "a" / "depth", "{}.png", range(1, 41))
    pictures(part_a / "spNo.2" / "a" / "color", "{}.jpg", range(1, 11))
    xlsx(
        root / "CAS(ME)3_part_C_ME.xlsx",
        {"Sheet1": [["sub", "count", "onset", "offset", "emotion", "au"], [1, 1, 4, 8, "negative", "4，7"]]},
    )
    pictures(root / "part_C" / "01" / "a" / "color", "{}.jpg", range(1, 11))
    pictures(root / "part_C" / "01" / "a" / "depth", "{}.png", range(1, 11))
    return root


def casme(root: Path) -> Path:
    xlsx(
        root / "casme.xlsx",
        {
            "Sheet1": [
                ["Subject", "Filename", None, "OnsetF", "ApexF1", "ApexF2", "OffsetF", None, "AU", "Emotion"],
                [1, "EP01_5", "x", 10, 14, None, 20, "y", "4+?", "disgust"],
                [12, "EP01_5", None, 52, "/", 55, 60, None, "R1", "Others"],
            ]
        },
    )
    pictures(root / "CASME_raw_selected" / "sub01" / "EP01_5", "EP01_5-{}.jpg", range(8, 24))
    # A copy whose pictures were renumbered from 1.
    pictures(root / "CASME_raw_selected" / "sub12" / "EP01_5", "img{:03d}.jpg", range(1, 10))
    return root


def casme2(root: Path) -> Path:
    header = [
        "Subject",
        "Filename",
        None,
        "OnsetFrame",
        "ApexFrame",
        "OffsetFrame",
        None,
        "Action Units",
        "Estimated Emotion",
    ]
    xlsx(
        root / "CASME2-coding-20190701.xlsx",
        {
            "Sheet1": [
                header,
                [1, "EP02_01f", None, 46, 59, 86, None, "12", "happiness"],
                [2, "EP02_01f", None, 50, "/", 60, None, "R4+7", "others"],
            ]
        },
    )
    for subject, numbers in {"sub01": range(46, 87), "sub02": range(50, 61)}.items():
        pictures(root / "CASME2_RAW_selected" / subject / "EP02_01f", "img{}.jpg", numbers)
        pictures(root / "Cropped" / subject / "EP02_01f", "reg_img{}.jpg", numbers)
    return root


def smic(root: Path) -> Path:
    header = ["Subject", "Filename", "OnsetF", "OffsetF", "FirstF", "Emotion"]
    xlsx(
        root / "HS" / "SMIC-HS-E_annotation.xlsx",
        {
            "Sheet1": [
                header,
                [1, "s1_ne_01", 1105, 1112, 1100, "negative"],
                [2, "s2_po_01", 2210, 2216, 2200, "positive"],
                [None, None, None, None, None, None],
                ["negative", 70, 1, 2, 3, "sum"],
            ]
        },
    )
    # The first clip kept the recording's numbers, the second was renumbered from 1.
    pictures(root / "HS" / "s01" / "micro" / "negative" / "s1_ne_01", "image{}.jpg", range(1100, 1120))
    pictures(root / "HS" / "s02" / "micro" / "positive" / "s2_po_01", "image{}.jpg", range(1, 31))
    return root


def mmew(root: Path) -> Path:
    header = [
        "Subject",
        "Filename",
        "OnsetFrame",
        "ApexFrame",
        "OffsetFrame",
        "Action Units",
        "Estimated Emotion",
    ]
    xlsx(
        root / "MMEW_Micro_Exp.xlsx",
        {
            "Sheet1": [
                [*header, "remarks"],
                ["S13", "S13-07-001", 1, 20, 40, "4+7", "anger", None],
                [14, "S14-04-001", 1, "/", None, "1+2", "others", "no offset"],
            ]
        },
    )
    pictures(root / "Micro_Expression" / "anger" / "S13-07-001", "{}.jpg", range(1, 46))
    pictures(root / "Micro_Expression" / "surprise" / "S14-04-001", "{}.jpg", range(1, 31))
    return root


def fourdme(root: Path) -> Path:
    header = [
        "sub_ID",
        "fold_name",
        "Emotion",
        "Onset",
        "Apex",
        "Offset",
        "AUs",
        "fold",
        "eye blink",
        "Positive",
    ]
    xlsx(
        root / "4DME_Labelling_Micro_release v1.xlsx",
        {
            "Sheet1": [
                header,
                ["S01", "S01_01", "Surprise+Positive", 2480, 2490, 2500, "AU4(k)+L7", 1, 0, 1],
                ["S02", "S02_01", "Negative", 30, 33, 40, "AU1", 2, 1, 0],
            ]
        },
    )
    pictures(root / "gray_micro" / "S01" / "S01_01", "{:05d}.jpg", range(2480, 2501))
    pictures(root / "gray_micro" / "S02" / "S02_01", "{:05d}.jpg", range(30, 41))
    return root


def mmme(root: Path) -> Path:
    header = [
        "Subject",
        "Filename",
        "Marker",
        "OnsetTime (s)",
        "ApexTime (s)",
        "OffsetTime (s)",
        "OnsetFrame",
        "ApexFrame",
        "OffsetFrame",
        "Action Units",
        "Estimated Emotion",
    ]
    # The frame counter says 9,999; the times say 30, 36 and 45 at 150 frames a second.
    row = [
        "01",
        "01_trial1",
        1,
        0.2,
        0.24,
        0.3,
        *(f"10-00-00-{ms}-9999" for ms in (200, 240, 300)),
        "AU4",
        "Fear",
    ]
    xlsx(root / "MMME_labels.xlsx", {"Sheet1": [header, row]})
    film(root / "videos" / "01_trial1.avi", 60, 150)
    return root


def own(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    lines = [
        "subject,video,onset,apex,offset,type,emotion,au,state",
        "007,talk.mp4,10,12,15,me,Surprise,1+2,speaking",
        "007,talk.mp4,20,,40,mae,,,speaking",
        "8,quiet,,,,,,,listening",
    ]
    # Excel writes a byte-order mark.
    (root / "labels.csv").write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    for name in ("talk", "quiet"):
        film(root / "videos" / f"{name}.mp4", 60)
    return root


def eaf(
    path: Path, video: str, tiers: Mapping[str, Sequence[tuple[int, int, str]]], participant: str = "P1"
) -> Path:
    """An ELAN file: tiers of (start, end, value) in ms; a tier called ``au@ME`` describes the ME of the same place."""
    slots: list[str] = []
    body: list[str] = []
    ids: dict[str, list[str]] = {}

    def slot(ms: int) -> str:
        slots.append(f'<TIME_SLOT TIME_SLOT_ID="ts{len(slots) + 1}" TIME_VALUE="{ms}"/>')
        return f"ts{len(slots)}"

    for tier, annotations in tiers.items():
        child = "@" in tier
        body.append(f'<TIER TIER_ID="{tier}" PARTICIPANT="{participant}" LINGUISTIC_TYPE_REF="default-lt">')
        for at, (start, end, value) in enumerate(annotations):
            identity = f"a{sum(map(len, ids.values())) + 1}"
            ids.setdefault(tier, []).append(identity)
            place = (
                f'<REF_ANNOTATION ANNOTATION_ID="{identity}" ANNOTATION_REF="{ids[tier.split("@")[1]][at]}">'
                if child
                else f'<ALIGNABLE_ANNOTATION ANNOTATION_ID="{identity}" TIME_SLOT_REF1="{slot(start)}" '
                f'TIME_SLOT_REF2="{slot(end)}">'
            )
            body.append(f"<ANNOTATION>{place}<ANNOTATION_VALUE>{value}</ANNOTATION_VALUE>")
            body.append(f"</{'REF' if child else 'ALIGNABLE'}_ANNOTATION></ANNOTATION>")
        body.append("</TIER>")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<ANNOTATION_DOCUMENT AUTHOR="" FORMAT="3.0" VERSION="3.0">'
        '<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"><MEDIA_DESCRIPTOR '
        f'MEDIA_URL="file:///D:/my%20films/{video}" MIME_TYPE="video/mp4" '
        f'RELATIVE_MEDIA_URL="./{video}"/></HEADER><TIME_ORDER>{"".join(slots)}</TIME_ORDER>{"".join(body)}'
        "</ANNOTATION_DOCUMENT>",
        encoding="utf-8",
    )
    return path
