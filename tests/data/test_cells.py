import pytest

from rtme.data.readers.cells import action_units, emotion, expression_type, padded


@pytest.mark.parametrize(
    ("cell", "moving", "static", "unknown"),
    [
        ("4", ["4"], [], []),
        ("AU4B + AU7", ["4B", "7"], [], []),
        ("L12 R4", ["L12", "R4"], [], []),
        ("AUR2+12(k)+45", ["R2", "45"], ["12"], []),
        ("12A or R14", ["12A/R14"], [], []),
        ("4/7", ["4/7"], [], []),
        ("1,2，4", ["1", "2", "4"], [], []),
        ("4+?", ["4"], [], ["?"]),
        ("/", [], [], ["/"]),
        ("", [], [], []),
    ],
)
def test_action_units(cell: str, moving: list[str], static: list[str], unknown: list[str]) -> None:
    assert action_units(cell) == (tuple(moving), tuple(static), tuple(unknown))


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("Micro - 1/2", "me"),
        ("micro-expression", "me"),
        ("Macro", "mae"),
        ("MaE", "mae"),
        ("me", "me"),
        ("blink", None),
    ],
)
def test_types(cell: str, kind: str | None) -> None:
    assert expression_type(cell) == kind


def test_emotions_have_one_spelling() -> None:
    assert [emotion(cell) for cell in ("Other", "Others", "others", "happyiness", " Fear ", "")] == [
        "others",
        "others",
        "others",
        "happiness",
        "fear",
        None,
    ]


def test_subjects_keep_their_zeros() -> None:
    assert [padded(cell, 3) for cell in ("6", "006", "A6")] == ["006", "006", "A6"]
