"""What a user may do wrong with the commands from material to engine: one sentence, the right exit code, nothing lost."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from rtme.cli import app
from rtme.data.store import Clip
from rtme.errors import RtmeError
from stores import clip
from stores import store as made_store

RECIPE = """
name: tiny
data: {split: loso}
model:
  {size: 32, dim: 16, depth: 1, heads: 2, window: 16, lstm_hidden: 8, lstm_layers: 1, queries: 2, query_dim: 8,
   query_heads: 2, context: 8}
encoder: {freeze: false}
fit: {epochs: 1, steps: 2, batch: 4}
spot: {look_ahead: 5, trials: 2}
"""


@pytest.fixture(scope="module", autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def rtme(*words: object) -> tuple[int, str]:
    """The exit code, and the one sentence or what was printed."""
    result = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "250"})
    if isinstance(result.exception, RtmeError):
        said = str(result.exception)
        assert "\n" not in said
        assert "Traceback" not in said
        return result.exception.exit_code, said
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result.exit_code, result.output


def people(*subjects: str) -> list[Clip]:
    return [clip(n, subject, me=[(14, 22)]) for n, subject in enumerate(subjects)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_store(tmp_path_factory.mktemp("material") / "store", people("a", "b", "c")).folder


@pytest.fixture(scope="module")
def finished(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of which one fold is done."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    code, said = train(store, folder, "--fold", "a")
    assert code == 0, said
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def train(store: Path, out: Path, *words: object) -> tuple[int, str]:
    recipe = out.parent / "tiny.yaml"
    recipe.parent.mkdir(parents=True, exist_ok=True)
    recipe.write_text(RECIPE)
    return rtme("train", recipe, "--data", store, "--out", out, "--accelerator", "cpu", *words)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--set", "encoder.start=nowhere.pt"], 2, "there is no such file"),
        (["--set", "encoder.start=nobody"], 2, "there is no such engine"),
        (["--set", "fit.rate=.inf"], 2, "fit.rate: Input should be a finite number"),
        (["--set", "model.size=64"], 2, "was prepared with size 32"),
        (["--accelerator", "tpuu"], 2, "invalid accelerator name"),
        (["--fold", "nobody"], 2, "choose of made/a, made/b, made/c"),
    ],
)
def test_what_is_wrong_is_said_before_the_folder_belongs_to_it(
    store: Path, tmp_path: Path, words: Sequence[str], code: int, said: str
) -> None:
    assert_said(train(store, tmp_path / "run", *words), code, said)
    assert not (tmp_path / "run").exists()


def test_a_gpu_that_is_not_there_is_missed_before_the_first_step(store: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert_said(train(store, tmp_path / "run", "--accelerator", "cuda"), 2, "give another --accelerator")
    assert not (tmp_path / "run").exists()


def assert_said(told: tuple[int, str], code: int, said: str) -> None:
    assert said in told[1]
    assert told[0] == code


def test_a_loss_that_is_no_number_leaves_what_was_done_and_another_folder_goes_well(
    store: Path, run: Path, tmp_path: Path
) -> None:
    wild = tmp_path / "wild" / "run"
    assert_said(
        train(store, wild, "--fold", "b", "--set", "fit.rate=1e9", "--set", "fit.steps=4"),
        1,
        "lower fit.rate",
    )
    assert_said(train(store, wild, "--fold", "b"), 2, "give another folder with --out")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert_said(
        train(store, run, "--set", "fit.rate=1e9"), 2, "fit.rate is 0.001 there and 1000000000.0 here"
    )
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    code, said = train(store, run, "--fold", "a", "--fold", "b")
    assert (code, "fold made/a (1 of 2): done already" in said) == (0, True)


def test_a_process_ends_in_one_sentence(store: Path, tmp_path: Path) -> None:
    (tmp_path / "half.yaml").write_text("fit: {epochs: ")
    words = ["train", "half.yaml", "--data", str(store)]
    done = subprocess.run(
        [sys.executable, "-m", "rtme", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("rtme: half.yaml is not YAML") or "recipe half.yaml" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("clips", "said"),
    [
        # Their folds would share a folder, and the second would pass for done.
        (people("a b", "a-b", "c"), "the folds made/a b and made/a-b would both lie in the folder made-a-b"),
        (people("a", "b"), "folds need 3"),
        ([clip(n, "abc"[n]) for n in range(3)], "0 of 3 subjects have micro-expressions"),
        (
            [*people("a", "b"), clip(2, "c", me=[(14, 22)], state="speaking", slots=12)],
            "none of the micro-expressions labelled in fold made/",
        ),
    ],
)
def test_material_that_would_fail_in_a_later_fold_is_refused_at_once(
    tmp_path: Path, clips: list[Clip], said: str
) -> None:
    made = made_store(tmp_path / "store", clips)
    assert_said(train(made.folder, tmp_path / "run"), 7, said)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("000002.crops.npy", None, "remove the line of made/c/v2 from"),
        ("000001.rows.npy", b"", "remove the line of made/b/v1 from"),
        ("plan.json", b"{", "plan.json is of another version or damaged"),
        (
            "clips.jsonl",
            b'{"index": 3}\n',
            "clips.jsonl, line 1 is of another version or damaged (Field required)",
        ),
    ],
)
def test_damaged_material_is_named_before_the_first_step(
    store: Path, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    broken = Path(shutil.copytree(store, tmp_path / "store"))
    (broken / name).unlink()
    if content is not None:
        (broken / name).write_bytes(content)
    told = train(broken, tmp_path / "run")
    assert_said(told, 7, said)
    assert name in told[1]
    assert not (tmp_path / "run").exists()


def test_the_same_material_elsewhere_is_the_same_run(store: Path, run: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(store, tmp_path / "moved"))
    code, said = train(moved, run, "--fold", "a")
    assert (code, "done already" in said) == (0, True)
    assert f"store: {moved}" in (run / "recipe.yaml").read_text()
    others = made_store(tmp_path / "others", people("a", "b", "c", "d"))
    assert_said(train(others.folder, run), 7, "was begun on 3 clips")


@pytest.mark.parametrize(
    ("name", "words", "code", "said"),
    [
        ("recipe.yaml", ["eval"], 2, "recipe.yaml"),
        ("folds/made-a/fold.json", ["eval", "--partial"], 7, "fold.json cannot be read"),
        ("folds/made-a/clips.csv", ["eval", "--partial"], 7, "clips.csv cannot be read"),
        ("folds/made-a/best.ckpt", ["export", "--out", "engine"], 7, "made-a and train again"),
        ("folds/made-a/done.json", ["export", "--out", "engine"], 7, "remove the fold's folder"),
        ("folds/made-a/decoder.json", ["export", "--out", "engine"], 7, "remove the fold's folder"),
        ("folds/made-a/done.json", ["report"], 7, "remove the fold's folder"),
    ],
)
def test_a_damaged_file_of_a_run_is_named_with_a_remedy(
    run: Path, name: str, words: Sequence[str], code: int, said: str
) -> None:
    (run / name).write_text("{")
    told = rtme(words[0], run, *words[1:])
    assert_said(told, code, said)
    assert Path(name).name in told[1]
    assert not Path("engine").exists()


def test_a_run_without_its_mark_is_not_taken_for_another(store: Path, run: Path) -> None:
    (run / "material.json").unlink()
    assert_said(train(store, run), 7, "give another folder with --out")


def test_a_checkpoint_of_another_size_is_not_exported(run: Path, tmp_path: Path) -> None:
    recipe = run / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("lstm_hidden: 8", "lstm_hidden: 16"))
    assert_said(rtme("export", run, "--out", tmp_path / "engine"), 7, "is of a model of other sizes")
    assert not (tmp_path / "engine").exists()


def test_an_unfinished_fold_is_not_exported(run: Path, tmp_path: Path) -> None:
    (run / "folds" / "made-a" / "done.json").unlink()
    assert_said(rtme("export", run, "--out", tmp_path / "engine"), 2, "has no finished fold")
    assert not (tmp_path / "engine").exists()


@pytest.mark.parametrize("words", [["eval"], ["export", "--out", "engine"], ["report"]])
def test_a_folder_without_a_run(tmp_path: Path, words: Sequence[str]) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert_said(rtme(words[0], folder, *words[1:]), 2, "`rtme train`")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("pages", "said"), [(1, "No space left"), (20, "MB for checkpoints and has")])
def test_a_full_disk_is_said_before_the_first_step_and_loses_nothing(
    store: Path, finished: Path, tmp_path: Path, pages: int, said: str
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=20m", "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk can only be made by root, where mounting is allowed")
    try:
        run = Path(shutil.copytree(finished, disk / "run"))
        room = shutil.disk_usage(disk).used + 4096 * pages
        subprocess.run(["mount", "-o", f"remount,size={room}", str(disk)], check=True)
        assert_said(train(store, run), 7, said)
        assert (run / "folds" / "made-a" / "done.json").is_file()
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        code, log = train(store, run)
        assert (code, "fold made/a (1 of 3): done already" in log) == (0, True)
        told = json.loads(rtme("eval", run, "--json")[1])
        assert len(told["runs"][0]["folds"]) == 3
    finally:
        subprocess.run(["umount", str(disk)], check=True)
