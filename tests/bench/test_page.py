import json
from pathlib import Path

import pytest

import page
from made_results import machine, results
from rtme.trial.speed.pictures import PICTURED, draw


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for bench, result in results().items():
        (tmp_path / f"{bench}-abacus-9-2cores.json").write_text(json.dumps(result))
    return tmp_path


@pytest.fixture
def intro(tmp_path: Path) -> Path:
    file = tmp_path / "intro.md"
    file.write_text("Written by hand.\n")
    return file


def row(text: str, what: str) -> str:
    (found,) = [line for line in text.splitlines() if what in line]
    return found


def test_everything_that_was_measured_is_on_the_page(folder: Path, intro: Path) -> None:
    text = page.build(folder, intro)
    assert "Written by hand." in text
    for bench in page.BENCHES:
        engine = "" if bench in ("journal", "replay", "reconnect") else ", engine tiny 1"
        assert f"`python bench/{bench}.py`, 2026-11-25, commit abc1234{engine}" in text
        pictured = f"](../bench/results/{bench}-abacus-9-2cores.png)" in text
        assert pictured == (bench in PICTURED)
    for words in ("Abacus 9, 2 cores", "look-ahead", "3 streams without a drop", "no GPU", "1.5 MiB an hour"):
        assert words in text


def test_what_was_aimed_at_stands_beside_what_was_measured(folder: Path, intro: Path) -> None:
    text = page.build(folder, intro)
    assert "160 (144 to 192)" in row(text, "| `rtme.analyze`, frames/s")
    assert "| met |" in row(text, "| `rtme.analyze`, frames/s")
    assert "| **missed** |" in row(text, "without a drop |")
    assert "| **missed** |" in row(text, "its speed end to end")
    assert "| met |" in row(text, "fewer encoder runs than")
    assert "| **missed** |" in row(text, "adds to a live event")
    assert "| 1120 | met |" in row(text, "an RTSP server is back, ms")
    assert "| +2.00 | **missed** |" in row(text, "memory after a long run")
    assert "| not measured |" in row(text, "p99 of a frame after it")


def test_what_was_not_measured_is_said(folder: Path, intro: Path) -> None:
    (folder / "ratio-abacus-9-2cores.json").unlink()
    (folder / "memory-old-1cores.json").write_text(json.dumps({"bench": "memory", "rss": 1}))
    (folder / "scoring-abacus-9-2cores.json").write_text(json.dumps({"bench": "scoring"}))
    text = page.build(folder, intro)
    assert "`python bench/ratio.py`: no result in this form yet" in text
    assert "not measured" in row(text, "its speed end to end")
    assert "`memory-old-1cores.json`" in text
    assert "a GPU: none was at hand" in text


def test_machines_stand_apart(folder: Path, intro: Path) -> None:
    with_gpu = results()["engines"] | {"machine": machine(gpus=["NVIDIA H9"])}
    (folder / "engines-abacus-9-2cores-h9.json").write_text(json.dumps(with_gpu))
    text = page.build(folder, intro)
    assert "## abacus-9-2cores\n" in text
    assert "## abacus-9-2cores-h9\n" in text
    assert "NVIDIA H9" in text
    assert "a GPU: none was at hand" not in text


@pytest.mark.parametrize("bench", sorted(PICTURED))
def test_every_result_can_be_drawn(bench: str, tmp_path: Path) -> None:
    draw(bench, results()[bench], tmp_path / "picture.png", "here")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_is_current() -> None:
    # Remake it with: python bench/page.py
    assert page.PAGE.read_text(encoding="utf-8") == page.build(page.RESULTS, page.INTRO)
