"""Real training people are scored by models that never saw them."""

from pathlib import Path

import pytest

from made_scores import made_store, me, tiny_recipe
from rtme.data.store import Clip
from rtme.model.encoder import Encoder
from rtme.train.cross import cross_scored, parts_of
from rtme.train.runs import FoldClips


def real(index: int, subject: str, seconds: float, base: str = "clip") -> Clip:
    frames = round(30 * seconds)
    return Clip.model_validate(
        {
            "index": index,
            "dataset": "made",
            "subject": subject,
            "video": f"v{index}",
            "fps": 30.0,
            "n_frames": frames,
            "slots": frames,
            "base": base,
        }
    )


def test_parts_hold_every_real_person_once_and_are_about_as_long():
    clips = [
        real(0, "a", 20),
        real(1, "b", 11),
        real(2, "c", 10),
        real(3, "b", 2),
        real(4, "p", 99, "portrait"),
    ]
    parts = parts_of(clips, 2)
    assert parts == [{("made", "a")}, {("made", "b"), ("made", "c")}]


def test_each_real_clip_is_scored_once_and_its_people_are_not_trained_on(tmp_path: Path):
    recipe = tiny_recipe(data__cross_fit=2, fit__epochs=1, fit__steps=2, fit__batch=4, spot__trials=0)
    facts = {"intervals": [me(10, 15)], "split": "train"}
    clips = [
        ({**facts, "base": "portrait", "subject": "p"}, [(1, True, 40)]),
        ({**facts, "base": "clip", "subject": "a"}, [(1, True, 40)]),
        ({**facts, "base": "clip", "subject": "b"}, [(1, True, 40)]),
    ]
    store = made_store(tmp_path / "store", clips)
    fold = FoldClips("fixed", store.clips, [store.clips[0]], [])
    lines: list[str] = []
    scored = cross_scored(store, fold, recipe, Encoder(recipe.model), None, tmp_path / "fold", lines.append)
    assert sorted(one.clip.subject for one in scored) == ["a", "b"]
    assert all(one.windows for one in scored)
    told = [line for line in lines if line.startswith("without")]
    assert told == ["without a (1 of 2):", "without b (2 of 2):"]
    assert (tmp_path / "fold" / "cross-1" / "last.ckpt").is_file()


@pytest.mark.parametrize(("parts", "told"), [(0, []), (2, ["no cross-fit: real clips show 1 of those"])])
def test_nobody_is_left_out_where_that_is_not_asked_or_cannot_be(tmp_path: Path, parts: int, told: list[str]):
    recipe = tiny_recipe(data__cross_fit=parts)
    store = made_store(tmp_path, [({"intervals": [me(3, 5)], "base": "clip"}, [(1, True, 20)])])
    fold = FoldClips("fixed", store.clips, [], [])
    lines: list[str] = []
    assert cross_scored(store, fold, recipe, Encoder(recipe.model), None, tmp_path, lines.append) == []
    assert [line[: len(said)] for line, said in zip(lines, told, strict=True)] == told
