"""Two files of annotations side by side."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_annotations import spans, talk
from rtme.annotations import Recording, Span
from rtme.errors import DataError
from rtme.view.comparison import compare


def test_figures_that_can_be_counted_by_hand() -> None:
    a = Recording(
        "talk.mp4", 25.0, 100, (Span("me", 10, 19, 1, 14), Span("me", 50, 59), Span("speaking", 0, 49))
    )
    b = Recording(
        "",
        25.0,
        None,
        (
            Span("me", 12, 19, 1, 15, 0.9),
            Span("me", 80, 89, 1, 85, 0.4),
            Span("speaking", 0, 39),
            Span("listening", 40, 99),
        ),
        "default",
        "learned from synthetic clips",
    )
    found = compare([a], [b])
    me = found.expressions["me"]
    assert (me.a, me.b, me.matched, me.f1) == (2, 2, 1, 0.5)
    # Both inside 8 frames, only A 12, only B 10, neither 70; by chance 0.2 * 0.18 + 0.8 * 0.82.
    assert me.kappa == pytest.approx((0.78 - 0.692) / (1 - 0.692))
    onset, apex, offset = (me.frames[name] for name in ("onset", "apex", "offset"))
    assert onset is not None
    assert apex is not None
    assert offset is not None
    assert (onset.median, apex.median, offset.median) == (2, 1, 0)
    assert me.ms["onset"] is not None
    assert me.ms["onset"].median == pytest.approx(80)
    # A says nothing of the frames from 50 on; of the others B calls 10 listening.
    assert found.states_frames == 50
    assert found.states_kappa == pytest.approx(0)
    assert found.expressions["mae"].f1 is None
    assert found.expressions["mae"].kappa is None
    assert found.notes == ("learned from synthetic clips",)


@settings(max_examples=50)
@given(st.lists(spans(), max_size=6), st.lists(spans(), max_size=6))
def test_agreement_is_the_same_both_ways(ours: list[Span], theirs: list[Span]) -> None:
    a, b = (
        Recording("", 30.0, None, tuple(span for span in found if span.last < 100_000))
        for found in (ours, theirs)
    )
    one, other = compare([a], [b]), compare([b], [a])
    for kind in one.expressions:
        assert one.expressions[kind].a == other.expressions[kind].b
        assert one.expressions[kind].kappa == pytest.approx(other.expressions[kind].kappa)
    assert one.states_kappa == pytest.approx(other.states_kappa)
    assert one.frames == other.frames


def test_with_itself_everything_agrees() -> None:
    found = compare([talk()], [talk()])
    for one in found.expressions.values():
        assert (one.f1, one.kappa) == (1, 1)
    assert found.states_kappa == 1


def test_recordings_go_together_by_name() -> None:
    ours = [talk(source=name) for name in ("x/one.mp4", "two.mp4", "three.mp4")]
    theirs = [talk(source=name) for name in ("two.avi", "ONE.mp4")]
    found = compare(ours, theirs)
    assert [(pair.a.source, pair.b.source) for pair in found.pairs] == [
        ("x/one.mp4", "ONE.mp4"),
        ("two.mp4", "two.avi"),
    ]
    assert "in one file only, and left out: three" in found.notes
    with pytest.raises(DataError, match="no recording is in both files: A has one, two, three, B four"):
        compare(ours, [talk(source="four.mp4")])
    with pytest.raises(DataError, match="two recordings are called 'one'"):
        compare(ours, [talk(source="a/one.mp4"), talk(source="b/one.mp4")])


def test_faces_are_told_apart_where_both_files_do() -> None:
    two = talk(Span("me", 10, 15, 1), Span("me", 10, 15, 2))
    crossed = talk(Span("me", 10, 15, 1), Span("me", 40, 45, 2))
    found = compare([two], [crossed])
    assert (found.expressions["me"].matched, found.frames) == (1, 180)
    together = compare([two], [talk(Span("me", 10, 15, 7))])
    assert (together.expressions["me"].matched, together.frames) == (1, 90)
    assert any("all faces are taken together" in note for note in together.notes)


@pytest.mark.parametrize(
    ("a", "b", "sentence"),
    [
        (
            talk(Span("me", 0, 9)),
            talk(Span("me", 50, 59)),
            "no interval of A shares a frame with one of B in talk.mp4",
        ),
        (Recording("", 30.0, 9), Recording("", 30.0, 9), "neither file marks an expression"),
        (talk(n_frames=None), talk(n_frames=None), "neither file says how long talk.mp4 is"),
        (talk(), talk(n_frames=200), "two lengths, 90 and 200 frames"),
    ],
)
def test_what_a_reader_of_the_figures_must_know(a: Recording, b: Recording, sentence: str) -> None:
    assert any(sentence in note for note in compare([a], [b]).notes)


def test_rates_that_differ_are_refused() -> None:
    with pytest.raises(DataError, match="A counts 30 and B 25 frames per second"):
        compare([talk()], [talk(fps=25)])
    assert compare([talk(fps=30)], [talk(fps=30000 / 1001)]).frames == 90
