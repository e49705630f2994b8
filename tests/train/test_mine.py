"""A model's own false alarms are found, and drawn more often in a second stage."""

from pathlib import Path

import numpy as np
import torch

from made_scores import made_store, me, score_all, scored_as, tiny_recipe
from rtme.model.encoder import Encoder
from rtme.train.fit import MINED, fit_meldae, load_model
from rtme.train.mine import false_alarms
from rtme.train.runs import FoldClips
from rtme.train.windows import Place, Windows


def curve(*spans: tuple[int, int]) -> np.ndarray:
    scores = np.full(80, 0.1)
    for first, last in spans:
        scores[first : last + 1] = 0.9
    return scores


def test_what_is_found_beside_every_expression_is_a_false_alarm(tmp_path: Path) -> None:
    labelled = {"intervals": [me(20, 26)]}
    store = made_store(tmp_path, [(labelled, [(1, True, 80)]), ({}, [(1, True, 80)])])
    recipe = tiny_recipe()
    found, nothing = score_all(store, recipe)
    scored = [
        scored_as(found, curve((18, 28), (50, 55))),  # its own expression, a little too wide, and one more
        scored_as(nothing, curve((30, 32))),
    ]
    assert false_alarms(scored, recipe) == [Place(0, 50, 55), Place(1, 30, 32)]


def test_windows_hold_mined_places_as_often_as_asked(tmp_path: Path) -> None:
    store = made_store(tmp_path, [({"intervals": [me(3, 6)]}, [(1, True, 400)])])
    recipe = tiny_recipe(augment__me_share=0.0, mine__share=0.5)
    place = Place(0, 300, 304)

    def share(windows: Windows) -> float:
        ends = [windows._place(np.random.default_rng(n))[1] for n in range(400)]
        return float(np.mean([300 <= end < 304 + recipe.model.window for end in ends]))

    assert share(Windows(store, store.clips, recipe, 1, 0, mined=[place])) > 0.45
    assert share(Windows(store, store.clips, recipe, 1, 0)) < 0.15


def test_the_second_stage_is_what_is_kept_and_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    recipe = tiny_recipe(fit__epochs=1, fit__steps=2, fit__batch=4, mine__epochs=1)
    store = made_store(tmp_path / "store", [({"intervals": [me(10, 15)]}, [(1, True, 60)])] * 2)
    fold = FoldClips("fixed", store.clips[:1], store.clips[1:], [])
    lines: list[str] = []
    fitted = fit_meldae(store, fold, recipe, Encoder(recipe.model), None, tmp_path / "fold", lines.append)
    assert fitted.epochs == 2
    assert fitted.best_epoch == 2, "counted on from the first stage"
    assert (tmp_path / "fold" / MINED / "last.ckpt").is_file()
    assert "looking for false alarms in 1 training clips" in lines
    kept = load_model(tmp_path / "fold", recipe).state_dict()
    for name, value in fitted.model.state_dict().items():
        torch.testing.assert_close(kept[name], value)
    lines.clear()
    again = fit_meldae(store, fold, recipe, Encoder(recipe.model), None, tmp_path / "fold", lines.append)
    for name, value in again.model.state_dict().items():
        torch.testing.assert_close(kept[name], value)
    assert not any("false alarms" in line for line in lines), "they were looked for before"
