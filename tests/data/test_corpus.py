"""A synthetic corpus in one YAML file, through the command: what it makes, shows and refuses."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
import typer
import yaml
from click.testing import Result
from pydantic import BaseModel
from skimage.data import astronaut
from typer.testing import CliRunner

from rtme.cli.synth import synth
from rtme.data.corpus import Corpus, load
from rtme.data.material import read
from rtme.data.store import Store, StorePlan
from rtme.data.synth_plan import Rate, SynthPlan
from rtme.errors import DataError, SettingsError

FEW = {
    "seconds": 1,
    "train": 1,
    "validation": 0,
    "test": 0,
    "store": {"size": 56},
    "rates": [{"fps": 15, "share": 1}],
    "eyes_px": [40, 50],
    "mix": {"hand": 0},
}


def command(*words: object) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(synth)
    return CliRunner().invoke(app, [str(word) for word in words])


def written(path: Path, content: object) -> Path:
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    folder = tmp_path / "portraits"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), cv2.cvtColor(astronaut(), cv2.COLOR_RGB2BGR))
    (folder / "people.csv").write_text("file,person,split\na.png,Eileen,train\n")
    return folder


def test_a_file_makes_a_store_and_a_flag_goes_before_it(faces: Path, tmp_path: Path):
    file = written(tmp_path / "corpus.yaml", {"faces": str(faces), "out": str(tmp_path / "no"), **FEW})
    out = tmp_path / "clips"
    told = command(file, "--out", out, "--workers", 1)
    assert told.exit_code == 0, told.output
    assert not (tmp_path / "no").exists()
    (clip,) = Store(out).clips
    assert Store(out).plan == StorePlan(size=56)
    assert (clip.subject, clip.split, clip.fps, clip.n_frames) == ("Eileen", "train", 15, 15)
    assert clip.conditions is not None
    assert 40 <= clip.conditions.eye_px <= 50


def test_a_file_and_flags_that_say_the_same_are_the_same_plan(tmp_path: Path):
    file = written(tmp_path / "corpus.yaml", {"faces": "a", "out": "b", "train": 7, "store": {"fps": 60}})
    by_file = load(file, {})
    assert by_file == load(None, {"faces": Path("a"), "out": Path("b"), "train": 7, "store.fps": 60.0})
    assert by_file.plan == SynthPlan(train=7, store=StorePlan(fps=60, flow_lag=12))
    # A grid of twice the rate has cameras of twice the rates.
    assert by_file.rates[:2] == (Rate(fps=60, share=0.68), Rate(fps=50, share=0.15))
    assert load(file, {"store.fps": 30.0}).store == StorePlan()


def test_what_is_shown_is_a_file_that_gives_the_same(tmp_path: Path):
    shown = command("--show")
    assert shown.exit_code == 0, shown.output
    assert "squeezed: 0.35  # share of clips that are compressed as video at a low rate" in shown.output
    again = tmp_path / "again.yaml"
    again.write_text(shown.output)
    assert load(again, {}) == Corpus(faces=(Path("faces"),), out=Path("clips"))
    changed = command(again, "--show", "--seed", 5)
    assert changed.output == shown.output.replace("seed: 0 ", "seed: 5 ")


def settings(model: type[BaseModel]) -> Iterator[tuple[str, str | None]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            assert field.annotation.__doc__
            yield from settings(field.annotation)
        else:
            yield name, field.description


def test_every_setting_says_what_it_means():
    assert [name for name, meaning in [*settings(Corpus), *settings(Rate)] if not meaning] == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"dropd": 0.2}, "no setting dropd: did you mean dropped?"),
        ({"mix": {"hands": 2}}, "no setting mix.hands: did you mean hand?"),
        ({"dropped": 2}, "dropped is 2: it should be less than or equal to 1 (share of clips"),
        ({"store": {"size": "big"}}, "store.size is 'big': it should be a valid integer"),
        ({"kind": "talk"}, "kind is 'talk': it should be 'mixed' or 'conversation'"),
        ({"eyes_px": [80, 20]}, "eyes_px is [80, 20]: give the smallest and the largest"),
        ({"codecs": {"av1": 1}}, "it should be 'libx264', 'mpeg4'"),
        ({"codecs": {"libx264": 0}}, "no codec has a share: give one"),
        ({"rates": [{"fps": 30}]}, "rates.0.share is missing"),
        ({"rates": [{"fps": 30, "share": 0}]}, "no rate has a share: give one"),
        ({"faces": []}, "faces is []"),
        ({"out": None}, "out is None"),
        ({"mix": 3}, "mix is 3"),
    ],
)
def test_a_wrong_setting_is_told_with_its_name_its_value_and_what_fits(
    tmp_path: Path, wrong: dict[str, object], said: str
):
    file = written(tmp_path / "corpus.yaml", {"faces": "faces", "out": "clips", **wrong})
    with pytest.raises(SettingsError, match=r"corpus\.yaml: ") as raised:
        load(file, {})
    assert said in str(raised.value)
    assert "`rtme synth --show` explains every setting" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not YAML"),
        ("[1, 2]", "write settings as `name: value`"),
        ("", "faces is missing (folder of"),
    ],
)
def test_a_file_that_holds_no_settings_is_said(tmp_path: Path, text: str, said: str):
    file = tmp_path / "corpus.yml"
    file.write_text(text)
    result = command(file)
    assert isinstance(result.exception, SettingsError)
    assert said in str(result.exception)


def test_what_is_not_there_is_said(tmp_path: Path):
    absent = command(tmp_path / "corpus.yaml")
    assert isinstance(absent.exception, SettingsError)
    assert "cannot be read" in str(absent.exception)
    file = written(tmp_path / "corpus.yaml", {"faces": str(tmp_path / "none"), "out": str(tmp_path / "out")})
    empty = command(file)
    assert isinstance(empty.exception, DataError)
    assert "none is not a folder: give a folder of portraits" in str(empty.exception)
    nowhere = command(tmp_path)
    assert isinstance(nowhere.exception, SettingsError)
    assert "rtme synth: out is missing (folder of the store" in str(nowhere.exception)
    assert not (tmp_path / "out").exists()


def test_several_folders_are_told_apart_by_their_names(tmp_path: Path):
    for name in ("one/a.png", "two/a.png", "two/b.png", "two/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    folders = (tmp_path / "one", tmp_path / "two")
    assert [item.file for item in read(folders)] == ["one/a.png", "two/a.png", "two/b.png", "two/c.png"]
    assert len({item.person for item in read(folders)}) == 4
    (tmp_path / "two" / "people.csv").write_text("file,person,split\na.png,Ann,test\nb.png,Bob,\n")
    assert [item.person for item in read(folders)] == ["one/a.png", "Ann", "Bob"]
    table = tmp_path / "people.csv"
    table.write_text("file,person,split\none/a.png,Ann,test\ntwo/c.png,Ann,test\n")
    assert [(item.file, item.person) for item in read(folders, table)] == [
        ("one/a.png", "Ann"),
        ("two/c.png", "Ann"),
    ]
    for pair in ((tmp_path, tmp_path / "one"), (tmp_path / "one", tmp_path / "one")):
        with pytest.raises(DataError, match="one in the other"):
            read(pair)
