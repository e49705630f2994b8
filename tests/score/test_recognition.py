import pytest

from rtme.errors import SettingsError
from rtme.score import Interval, VideoFacts, recognition, spotting, strs

THREE = ("negative", "positive", "surprise")


def test_uf1_and_uar_by_hand() -> None:
    # negative: 6 true, 4 right, 1 said by mistake; positive: 3 true, 2 right, 2 by mistake; surprise: 1 true, none right.
    answers = [("negative", "negative")] * 4 + [("negative", "positive")] * 2
    answers += [("positive", "positive")] * 2 + [("positive", "negative")]
    answers += [("surprise", None)]
    said = recognition(answers, THREE)
    assert said.confusion.tolist() == [[4, 2, 0], [1, 2, 0], [0, 0, 0]]
    assert said.unanswered.tolist() == [0, 0, 1]
    assert said.recall == pytest.approx([4 / 6, 2 / 3, 0])
    assert said.precision == pytest.approx([4 / 5, 2 / 4, 0])
    assert said.f1 == pytest.approx([8 / 11, 4 / 7, 0])
    assert said.uar == pytest.approx((4 / 6 + 2 / 3 + 0) / 3)
    assert said.uf1 == pytest.approx((8 / 11 + 4 / 7 + 0) / 3)


def test_uar_divides_by_what_is_true_not_by_what_was_said() -> None:
    # Dividing by predicted counts would give (1 + 1/2) / 2.
    said = recognition([("a", "a"), ("a", "b"), ("b", "b")])
    assert said.uar == pytest.approx((1 / 2 + 1) / 2)
    skewed = recognition([("a", "a"), ("a", "b"), ("a", "b"), ("b", "b")])
    assert skewed.uar == pytest.approx((1 / 3 + 1) / 2)
    assert skewed.macro_precision == pytest.approx((1 + 1 / 3) / 2)


def test_an_absent_class_counts_0_or_is_skipped() -> None:
    answers = [("negative", "negative"), ("negative", "negative"), ("positive", "negative")]
    zero, skip = recognition(answers, THREE), recognition(answers, THREE, "skip")
    assert zero.uar == pytest.approx((1 + 0 + 0) / 3)
    assert skip.uar == pytest.approx((1 + 0) / 2)
    assert zero.uf1 == pytest.approx(4 / 5 / 3)
    assert skip.uf1 == pytest.approx(4 / 5 / 2)
    said_alone = recognition([("negative", "surprise"), ("negative", "negative")], THREE, "skip")
    assert said_alone.uar == pytest.approx((1 / 2 + 0) / 2), "a class that was said is not absent"


def test_upper_case_other_classes_and_nothing_at_all() -> None:
    assert recognition([("Negative", "negative"), ("negative", "NEGATIVE")]).uar == 1
    assert recognition([("negative", "fear"), ("negative", "negative")], THREE, "skip").uar == 0.5
    assert recognition([], THREE).uf1 == recognition([]).uar == recognition([], THREE, "skip").uf1 == 0
    with pytest.raises(SettingsError, match="fear is not among"):
        recognition([("fear", "negative")], THREE)
    with pytest.raises(SettingsError, match="choose zero or skip"):
        recognition([], THREE, "none")  # type: ignore[arg-type]


def test_strs_by_hand() -> None:
    """Five labels, five predictions, four matches; surprise is labelled and never spotted."""
    true = ["negative", "negative", "negative", "positive", "surprise"]
    said = ["negative", "negative", "positive", "positive", "negative"]
    truth = [Interval("v", 50 * n, 50 * n + 9, "me", emotion=name) for n, name in enumerate(true)]
    found = [
        Interval("v", 50 * n + (20 if n == 4 else 0), 50 * n + (29 if n == 4 else 9), "me", emotion=name)
        for n, name in enumerate(said)
    ]
    me = spotting(truth, found, [VideoFacts("v")]).me
    assert (me.tp, me.fp, me.fn) == (4, 1, 1)
    zero, skip = strs(me, truth), strs(me, truth, "skip")
    assert zero.recognition.classes == THREE
    assert zero.f1_spot == 4 / 5
    # Negative: P 2/2, R 2/3. Positive: P 1/2, R 1/1. Surprise: 0 and 0, or left out.
    p, r = (1 + 1 / 2) / 3, (2 / 3 + 1) / 3
    assert zero.f1_rec == pytest.approx(2 * p * r / (p + r))
    assert zero.strs == pytest.approx(4 / 5 * 2 * p * r / (p + r))
    p, r = (1 + 1 / 2) / 2, (2 / 3 + 1) / 2
    assert skip.f1_rec == pytest.approx(2 * p * r / (p + r))
    assert skip.f1_rec != pytest.approx(skip.recognition.uf1), "not the mean of the classes' F1"
    assert skip.strs == pytest.approx(4 / 5 * skip.f1_rec)


def test_strs_leaves_out_pairs_without_a_true_class_and_a_pair_without_an_answer_is_wrong() -> None:
    truth = [
        Interval("v", 0, 9, "me", emotion="negative"),
        Interval("v", 50, 59, "me"),
        Interval("v", 80, 89, "me", emotion="negative"),
    ]
    found = [
        Interval("v", 0, 9, "me"),
        Interval("v", 50, 59, "me", emotion="negative"),
        Interval("v", 80, 89, "me", emotion="negative"),
    ]
    score = strs(spotting(truth, found, [VideoFacts("v")]).me, truth)
    assert score.unlabelled == 1
    assert score.recognition.uar == 0.5
    assert score.f1_rec == pytest.approx(2 / 3)


def test_strs_of_nothing_spotted_is_0() -> None:
    truth = [Interval("v", 0, 9, "me", emotion="negative")]
    for absent in ("zero", "skip"):
        assert strs(spotting(truth, [], [VideoFacts("v")]).me, truth, absent).strs == 0  # type: ignore[arg-type]
