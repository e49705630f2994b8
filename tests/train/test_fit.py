"""Fitting, on tiny stores in which a bright patch shows while a micro-expression lasts."""

import csv
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import stores
from rtme.data.store import Store
from rtme.errors import DataError, RtmeError, SettingsError
from rtme.model.encoder import Encoder
from rtme.model.halves import round_to_halves
from rtme.train.checkpoints import read_checkpoint
from rtme.train.features import FeatureCache, encode
from rtme.train.fit import Fitted, fit_meldae, load_model
from rtme.train.recipe import Recipe, load
from rtme.train.runs import FoldClips
from rtme.train.trainer import cpu_has_bf16

SMALL: dict[str, object] = {"model.size": 32, "fit.epochs": 3, "fit.steps": 6, "fit.rate": 5e-3}

SCRIPT = """
from pathlib import Path
import torch
from rtme.data.store import Store
from rtme.model.encoder import Encoder
from rtme.train.features import encode
from rtme.train.fit import fit_meldae
from rtme.train.modules import MeldaeModule
from rtme.train.recipe import load
from rtme.train.runs import FoldClips
from rtme.model.halves import round_to_halves

# Every training process runs these lines, and leaves its weights where the test finds them.
folder = Path({folder!r})
MeldaeModule.on_train_end = lambda self: torch.save(
    {{name: value.clone() for name, value in self.state_dict().items()}},
    folder / f"rank{{self.global_rank}}.pt",
)

def tell(line):
    print(line, flush=True)

if __name__ == "__main__":
    torch.set_num_threads(1)
    store, recipe = Store(Path({store!r})), load(Path({recipe!r}))
    torch.manual_seed(0)
    encoder = Encoder(recipe.model)
    round_to_halves(encoder)
    features = None
    if recipe.encoder.freeze:
        features = encode(store, encoder, store.folder / "features", tell, mirrored=recipe.augment.flip > 0)
    fold = FoldClips("a", store.clips[:6], store.clips[6:], [])
    fit_meldae(store, fold, recipe, encoder, features, folder, tell, "cpu", {devices})
"""


def no_one(line: str) -> None:
    """Nobody listens."""


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    clips = [
        stores.clip(i, f"p{i}", me=[(10 + i, 18 + i)], slots=60, state="speaking" if i % 2 else "listening")
        for i in range(8)
    ]
    return stores.store(tmp_path_factory.mktemp("fit") / "store", clips)


def recipe(**changes: object) -> Recipe:
    return load("quick").with_changes({**SMALL, **{k.replace("__", "."): v for k, v in changes.items()}})


def encoder(of: Recipe) -> Encoder:
    torch.manual_seed(0)
    made = Encoder(of.model)
    round_to_halves(made)  # as the pipeline does before anything is encoded
    return made


def features(store: Store, of: Recipe) -> FeatureCache | None:
    if not of.encoder.freeze:
        return None
    return encode(store, encoder(of), store.folder / "features", no_one, mirrored=of.augment.flip > 0)


def fit(store: Store, folder: Path, of: Recipe, tell=no_one, **parts: list) -> Fitted:
    fold = FoldClips("a", parts.get("train", store.clips[:6]), parts.get("validation", store.clips[6:]), [])
    return fit_meldae(store, fold, of, encoder(of), features(store, of), folder, tell, "cpu")


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "log" / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def figures(folder: Path) -> list[dict[str, str]]:
    """The table without what a clock says."""
    return [
        {name: value for name, value in row.items() if name not in ("data_wait", "seconds")}
        for row in table(folder)
    ]


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def test_it_learns_what_is_there_to_learn(store: Store, tmp_path: Path):
    told: list[str] = []
    of = recipe()
    done = fit(store, tmp_path, of, told.append)
    rows = table(tmp_path)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [row["step"] for row in rows] == ["6", "12", "18"]
    assert max(float(row["val_frame_ap"]) for row in rows) > 0.9
    best = max(rows, key=lambda row: float(row["val_frame_ap"]))
    assert done.best_epoch == int(best["epoch"])
    assert done.epochs == 3
    for name in ("train_loss", "train_locator", "val_loss", "val_frame_f1", "val_acc_me", "val_acc_state"):
        assert np.isfinite([float(row[name]) for row in rows]).all(), name
    assert all(0 <= float(row["data_wait"]) <= 1 for row in rows)
    assert len(told) == 3
    assert "epoch 2 of 3" in told[1]
    assert "min left" in told[1]
    assert not done.model.training
    assert same(load_model(tmp_path, of), done.model)
    assert same(done.model.encoder, encoder(of)), "a frozen encoder stays as it is"


def test_seeds_decide(store: Store, tmp_path: Path):
    one, again = (fit(store, tmp_path / name, recipe(fit__epochs=1)) for name in "ab")
    other = fit(store, tmp_path / "c", recipe(fit__epochs=1, seed=8))
    assert same(one.model, again.model)
    assert not same(one.model, other.model)


@pytest.mark.parametrize(
    "changes",
    [
        {"augment__flip": 0.5, "augment__stretch": 0.2},
        pytest.param(
            {"encoder__freeze": False, "augment__light": 0.1, "augment__jitter": 2.0, "fit__batch": 4},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["features", "crops"],
)
def test_a_run_that_was_killed_ends_as_one_that_was_not(
    store: Store, tmp_path: Path, changes: dict[str, object]
):
    of = recipe(fit__epochs=4, fit__workers=0, **changes)
    whole = fit(store, tmp_path / "whole", of)
    stopped = tmp_path / "stopped"
    running = start(store, tmp_path, of, stopped)
    assert running.stdout is not None
    for line in running.stdout:
        if "epoch 2 of 4" in line:
            break
    running.send_signal(signal.SIGKILL)
    running.wait(30)
    # At least the second epoch's checkpoint may have been cut short; the first one's is whole.
    assert read_checkpoint(stopped / "last.ckpt")["epoch"] < 3
    told: list[str] = []
    resumed = fit(store, stopped, of.with_changes({"fit.workers": 2}), told.append)
    assert "epochs are done already" in told[0]
    assert same(whole.model, resumed.model)
    for name in ("last.ckpt", "best.ckpt"):
        a, b = (read_checkpoint(folder / name) for folder in (tmp_path / "whole", stopped))
        assert all(torch.equal(a["state_dict"][key], b["state_dict"][key]) for key in a["state_dict"])
        moments = (one["optimizer_states"][0]["state"] for one in (a, b))
        for left, right in zip(*(m.values() for m in moments), strict=True):
            assert torch.equal(left["exp_avg_sq"], right["exp_avg_sq"])
    assert figures(tmp_path / "whole") == figures(stopped)
    assert (whole.epochs, whole.best_epoch) == (resumed.epochs, resumed.best_epoch)


def test_a_finished_run_is_not_run_again(store: Store, tmp_path: Path):
    of = recipe(fit__epochs=30, fit__patience=2)
    first = fit(store, tmp_path, of)
    assert first.epochs == first.best_epoch + 2 < 30, "it ended two epochs after the best one"
    told: list[str] = []
    again = fit(store, tmp_path, of, told.append)
    assert told == [f"training: {first.epochs} of 30 epochs are done already"]
    assert (again.epochs, again.best_epoch) == (first.epochs, first.best_epoch)
    assert again.seconds == pytest.approx(first.seconds)
    assert same(first.model, again.model)


def test_a_run_that_was_moved_keeps_its_best_epoch(store: Store, tmp_path: Path):
    of = recipe(fit__epochs=1)
    fit(store, tmp_path / "here", of)
    (tmp_path / "here").rename(tmp_path / "there")
    # One epoch more, at a rate of nothing: as good as the first one, not better.
    state = torch.load(tmp_path / "there" / "last.ckpt", weights_only=True)
    state["settings"]["fit.epochs"] = 2
    torch.save(state, tmp_path / "there" / "last.ckpt")
    done = fit(store, tmp_path / "there", recipe(fit__epochs=2))
    rows = table(tmp_path / "there")
    assert done.best_epoch == 1 + int(np.argmax([float(row["val_frame_ap"]) for row in rows]))


def test_the_last_epoch_is_kept_where_the_recipe_says_so(store: Store, tmp_path: Path):
    done = fit(store, tmp_path, recipe(fit__epochs=2, fit__keep="last"), validation=[])
    assert (done.epochs, done.best_epoch) == (2, 2)
    assert not any(name.startswith("val_") for name in table(tmp_path)[0])
    assert not (tmp_path / "best.ckpt").exists()


def test_the_encoder_learns_at_its_own_rate(store: Store, tmp_path: Path):
    moved = {}
    for rate in (1e-9, 1e-3):
        of = recipe(encoder__freeze=False, fit__epochs=1, fit__batch=4, fit__encoder_rate=rate)
        began = encoder(of).state_dict()
        model = fit(store, tmp_path / f"{rate}", of).model
        moved[rate] = max(
            float((value - began[name]).abs().max()) for name, value in model.encoder.state_dict().items()
        )
        untrained = FitStart(of).temporal
        trained = model.temporal.state_dict()
        assert max(float((trained[n] - v).abs().max()) for n, v in untrained.items()) > 1e-3
    assert moved[1e-9] < 1e-6
    assert moved[1e-3] > 1e-3


class FitStart:
    """The weights that a fit begins with."""

    def __init__(self, of: Recipe) -> None:
        from rtme.model.meldae import Meldae

        torch.manual_seed(of.seed)
        self.temporal = {
            name: value.clone() for name, value in Meldae(of.model).temporal.state_dict().items()
        }


def test_a_loss_that_is_no_number_is_said_and_the_last_good_epoch_kept(store: Store, tmp_path: Path):
    of = recipe(fit__rate=1e30)
    with pytest.raises(RtmeError, match=r"loss \w+ is (nan|inf) at step \d+ \(epoch 1\): lower fit\.rate"):
        fit(store, tmp_path, of)
    assert not (tmp_path / "last.ckpt").exists(), "weights that are no numbers are not kept"


def test_a_checkpoint_of_another_recipe_is_not_gone_on_from(store: Store, tmp_path: Path):
    fit(store, tmp_path, recipe(fit__epochs=1))
    for changes, said in (
        ({"loss__boost": 7.0}, r"loss\.boost is 5\.0 there and 7\.0 here"),
        ({"model__lstm_hidden": 8}, r"model\.lstm_hidden is 16 there and 8 here"),
        ({"fit__epochs": 5}, r"fit\.epochs is 1 there and 5 here"),
    ):
        with pytest.raises(SettingsError, match=said):
            fit(store, tmp_path, recipe(**{"fit__epochs": 1, **changes}))
    with pytest.raises(SettingsError, match="other clips"):
        fit(store, tmp_path, recipe(fit__epochs=1), train=store.clips[:5])


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", "half"])
def test_a_damaged_checkpoint_is_said(store: Store, tmp_path: Path, content: bytes | str):
    of, last = recipe(fit__epochs=1), tmp_path / "last.ckpt"
    if content == "half":
        fit(store, tmp_path, of)
        content = last.read_bytes()[: last.stat().st_size // 2]
    assert isinstance(content, bytes)
    last.write_bytes(content)
    with pytest.raises(DataError, match=r"last\.ckpt is damaged.*: remove .* and train again"):
        fit(store, tmp_path, of)


def test_a_checkpoint_that_cannot_be_written_is_said(store: Store, tmp_path: Path):
    (tmp_path / "last.ckpt.part").mkdir()
    with pytest.raises(DataError, match=r"last\.ckpt cannot be written .*make room"):
        fit(store, tmp_path, recipe(fit__epochs=1))


def test_what_there_is_not_enough_of_is_said_at_the_start(store: Store, tmp_path: Path):
    still = stores.store(tmp_path / "still", [stores.clip(0, "a"), stores.clip(1, "b", me=[(5, 9)])])
    with pytest.raises(DataError, match="no me to train on"):
        fit(still, tmp_path / "a", recipe(), train=still.clips[:1], validation=still.clips[1:])
    with pytest.raises(DataError, match=r"to choose the epoch by.*fit\.keep to last"):
        fit(still, tmp_path / "b", recipe(), train=still.clips[1:], validation=still.clips[:1])
    with pytest.raises(SettingsError, match=r"fit\.precision 16 needs a GPU"):
        fit(store, tmp_path / "c", recipe(fit__precision="16"))


@pytest.mark.skipif(cpu_has_bf16(), reason="this processor has bf16")
def test_a_processor_without_bf16_is_told(store: Store, tmp_path: Path):
    with pytest.raises(SettingsError, match="this processor has no bf16 for the BiLSTM: use 32"):
        fit(store, tmp_path, recipe(fit__precision="bf16"))


@pytest.mark.skipif(not cpu_has_bf16(), reason="this processor has no bf16")
def test_bf16_learns_too(store: Store, tmp_path: Path):
    fit(store, tmp_path, recipe(fit__precision="bf16"))
    assert float(table(tmp_path)[-1]["val_frame_ap"]) > 0.9


@pytest.mark.slow
def test_two_processes_train_one_model(store: Store, tmp_path: Path):
    of, folder = recipe(fit__epochs=2, fit__batch=8), tmp_path / "fold"
    running = start(store, tmp_path, of, folder, devices=2)
    output, _ = running.communicate(timeout=150)
    assert running.returncode == 0, output
    assert output.count("epoch 2 of 2") == 1, "one of them speaks"
    first, second = (torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert all(torch.isfinite(value).all() for value in first.values())
    assert float(table(folder)[-1]["val_frame_ap"]) > 0.8


@pytest.mark.slow
def test_an_error_of_one_process_is_told_as_in_one(store: Store, tmp_path: Path):
    of = recipe(fit__rate=1e30)
    running = start(store, tmp_path, of, tmp_path / "fold", devices=2)
    output, _ = running.communicate(timeout=150)
    assert running.returncode == 1
    assert output.splitlines()[-1].startswith("rtme.errors.RtmeError: train loss locator is nan")


def start(
    store: Store, tmp_path: Path, of: Recipe, folder: Path, devices: int = 1
) -> "subprocess.Popen[str]":
    """Fit in a process of its own, as a script would."""
    folder.mkdir()
    path, script = tmp_path / "recipe.yaml", tmp_path / "script.py"
    path.write_text(of.to_yaml())
    script.write_text(
        SCRIPT.format(folder=str(folder), store=str(store.folder), recipe=str(path), devices=devices)
    )
    return subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
