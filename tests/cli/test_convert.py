"""`rtme analyze -o`, `rtme convert` and `rtme compare`."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from data import copies
from made_annotations import talk
from rtme.annotations import FORMS, Recording, Span, read, write
from rtme.cli import main
from rtme.events import HeartbeatEvent, StateEvent, dump

Run = Callable[..., subprocess.CompletedProcess[str]]
DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "exports.md").read_text()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the command like the fixture `rtme`, but in this process, which spares its start."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["rtme", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capfd.readouterr()
        return subprocess.CompletedProcess(words, int(end.value.code or 0), said.out, said.err)

    return run


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("rtme: ")
    assert all(word in last for word in words), last


def test_analyze_writes_every_form_at_once(rtme: Run, clip: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'rtme[parquet]'")
    words = [word for ending in FORMS for word in ("-o", f"found{ending}")]
    done = rtme("analyze", clip, *words)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "found.json").read_text())
    first = report["intervals"][0]
    for ending, form in FORMS.items():
        assert (tmp_path / f"found{ending}").exists()
        if form.read:
            (recording,) = read(tmp_path / f"found{ending}").recordings
            spans = recording.of("me", "mae")
            assert len(spans) == len(report["intervals"])
            assert (spans[0].first, spans[0].apex, spans[0].last) == (
                first["onset"],
                first["apex"],
                first["offset"],
            )
            assert len(recording.spans) == len(spans) + len(report["speaker"])
            assert recording.source == str(clip)
            assert recording.engine_note == report["engine_note"]


def test_analyze_of_a_folder_makes_a_folder(rtme: Run, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / "recordings" / name).write_bytes(clip.read_bytes())
    done = rtme("analyze", "recordings", "-o", "found.eaf", "-o", "found.csv")
    assert done.returncode == 0, done.stderr
    assert "2 files are in found" in done.stderr
    assert sorted(path.name for path in (tmp_path / "found").iterdir()) == ["a.eaf", "b.eaf"]
    assert [Path(one.source).name for one in read(tmp_path / "found.csv").recordings] == ["a.mp4", "b.mp4"]


def test_what_cannot_be_written_takes_nothing_else_with_it(rtme: Run, clip: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "clip.mp4").write_bytes(clip.read_bytes())
    done = rtme(
        "analyze",
        "a/clip.mp4",
        "b/clip.mp4",
        "-o",
        "f.megc.csv",
        "-o",
        "f.json",
        "--report",
        "f.html",
        "--json",
    )
    assert done.returncode == 7, done.stderr
    assert "rtme: a/clip.mp4 and b/clip.mp4 would both be vid clip" in done.stderr.splitlines()[0]
    assert len(json.loads((tmp_path / "f.json").read_text())) == 2
    assert json.loads(done.stdout) == json.loads((tmp_path / "f.json").read_text())
    assert (tmp_path / "f.html").is_file()
    assert not (tmp_path / "f.megc.csv").exists()
    assert not list(tmp_path.glob("*.part"))


def test_a_name_that_says_no_form_is_refused_before_anything_is_done(rtme: Run, clip: Path) -> None:
    done = rtme("analyze", clip, "-o", "found.doc")
    refused(done, 2, "found.doc", ".eaf, .TextGrid, .vtt")
    assert done.stdout == ""


def test_convert_there_and_back(here: Run, tmp_path: Path) -> None:
    write(tmp_path / "found.json", [talk()])
    done = here("convert", "found.json", "found.eaf", "found.vtt", "found.csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["found.eaf", "found.vtt", "found.csv"]
    # The video is not there (any more): said, and linked all the same.
    assert "talk.mp4 cannot be found: ELAN will ask where it is" in done.stderr
    assert "learned from synthetic clips" in done.stderr
    assert "talk.mp4" in (tmp_path / "found.eaf").read_text()
    assert here("convert", "found.eaf", "again.json").returncode == 0
    assert read(tmp_path / "again.json").recordings == (talk(),)


def test_convert_of_nothing_is_valid(here: Run, tmp_path: Path) -> None:
    write(tmp_path / "none.json", [Recording("talk.mp4", 30.0, 90)])
    done = here("convert", "none.json", "none.eaf", "none.TextGrid", "none.vtt", "none.csv", "none.megc.csv")
    assert done.returncode == 0, done.stderr
    for ending in (".eaf", ".TextGrid", ".vtt", ".csv"):
        assert read(tmp_path / f"none{ending}").recordings == (Recording("talk.mp4", 30.0, 90),)


def test_convert_of_events_in_which_nothing_was_found(here: Run, tmp_path: Path) -> None:
    state = StateEvent(stream="door", state="live", run_id="r" * 8, seq=0)
    beat = HeartbeatEvent(stream="_service", uptime_s=1.0, engine="tiny 1", last_seq=0, streams={})
    (tmp_path / "sent.jsonl").write_bytes(dump(state) + b"\n" + dump(beat) + b"\n")
    done = here("convert", "sent.jsonl", "sent.vtt", "sent.csv", "--fps", "30")
    assert done.returncode == 0, done.stderr
    (recording,) = read(tmp_path / "sent.vtt").recordings
    assert (recording.source, recording.spans) == (f"door-{'r' * 8}-0", ())
    (tmp_path / "none.jsonl").write_bytes(dump(beat) + b"\n")
    refused(here("convert", "none.jsonl", "none.vtt", "--fps", "30"), 7, "no recording to write to none.vtt")
    assert not (tmp_path / "none").exists()


def test_convert_of_other_peoples_tiers(here: Run, tmp_path: Path) -> None:
    copies.eaf(tmp_path / "coded.eaf", "talk.mp4", {"Ausdruck": [(333, 533, "")], "words": []})
    refused(here("convert", "coded.eaf", "coded.csv"), 7, "coded.eaf", "--fps")
    done = here("convert", "coded.eaf", "coded.csv", "--fps", 30)
    assert "tier Ausdruck: 1 annotation, not read" in done.stderr
    done = here("convert", "coded.eaf", "coded.csv", "--fps", 30, "--tier", "Ausdruck=mae")
    assert done.returncode == 0, done.stderr
    assert read(tmp_path / "coded.csv").recordings[0].spans == (Span("mae", 10, 15),)
    refused(here("convert", "coded.eaf", "x.csv", "--fps", 30, "--tier", "ME"), 7, "no tier ME", "Ausdruck")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["found.json", "found.doc"], 2, "must end in"),
        (["found.json", "no/found.eaf"], 2, "does not exist"),
        (["missing.json", "found.eaf"], 7, "missing.json"),
        (["clip.mp4", "found.eaf"], 2, "must end in"),
        (["found.json", "found.eaf", "--fps", "0"], 2, "fps"),
    ],
)
def test_convert_of_what_cannot_be(
    here: Run, tmp_path: Path, words: list[str], code: int, sentence: str
) -> None:
    write(tmp_path / "found.json", [talk()])
    done = here("convert", *words)
    assert done.returncode == code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_compare_in_words_and_as_json(here: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'rtme[bench]'")
    copies.eaf(tmp_path / "coded.eaf", "talk.mp4", {"ME": [(400, 533, "")], "MaE": [(1667, 2700, "")]})
    write(tmp_path / "found.json", [talk()])
    done = here("compare", "coded.eaf", "found.json", "--picture", "both.png")
    assert done.returncode == 0, done.stderr
    assert re.search(r"ME +1 +1 +1 +1\.000", done.stdout)
    assert re.search(r"ME, frames +-2\.0 \(-2\.0, -2\.0\) +- +\+0\.0", done.stdout)
    assert "corrected for chance" in done.stdout
    assert "A, coded.eaf: tier ME: 1 annotation, read as micro-expressions" in done.stderr
    assert "learned from synthetic clips" in done.stderr
    assert (tmp_path / "both.png").read_bytes().startswith(b"\x89PNG")
    summary = json.loads(here("compare", "coded.eaf", "found.json", "--json", "--tier-b", "ME").stdout)
    assert summary["expressions"]["me"]["matched"] == 1
    assert summary["expressions"]["me"]["b_minus_a_ms"]["onset"]["median"] == pytest.approx(-66.7, abs=0.1)
    assert summary["expressions"]["mae"]["b"] == 0


def test_compare_without_any_frame_rate(here: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        copies.eaf(tmp_path / f"{name}.eaf", "talk.mp4", {"ME": [(400, 533, "")]})
    refused(here("compare", "a.eaf", "b.eaf"), 7, "--fps")
    assert here("compare", "a.eaf", "b.eaf", "--fps", 30).returncode == 0
    refused(here("compare", "a.eaf", "b.eaf", "--fps", 30, "--tier-b", "MaE"), 7, "b.eaf: no tier MaE")
    refused(here("compare", "a.eaf", "b.eaf", "--fps", 30, "--picture", "no/x.png"), 2, "no/x.png")


def test_compare_of_nothing_in_common(here: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", [talk(Span("me", 0, 9))])
    write(tmp_path / "b.json", [talk(Span("me", 50, 59))])
    done = here("compare", "a.csv", "b.json")
    assert done.returncode == 0
    assert "no interval of A shares a frame with one of B" in done.stderr


@pytest.mark.timeout(600)
@pytest.mark.slow
def test_the_document_as_it_is_typed(
    rtme: Run, here: Run, clip: Path, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command and all Python of docs/exports.md, in their order, in one folder."""
    for name in ("pyarrow", "matplotlib"):
        pytest.importorskip(name, reason=f"{name} is not installed: pip install 'rtme[parquet,bench]'")
    monkeypatch.setenv("RTME_ENGINE", engine)
    (tmp_path / "recordings").mkdir()
    for path in ("clip.mp4", "recordings/one.mp4"):
        (tmp_path / path).write_bytes(clip.read_bytes())
    for name in ("coded", "anna", "ben"):
        copies.eaf(tmp_path / f"{name}.eaf", "clip.mp4", {"ME": [(400, 533, "")], "Ausdruck": [(0, 99, "")]})
    for language, code in re.findall(r"```(sh|python)\n(.*?)```", DOCUMENT, re.DOTALL):
        if language == "python":
            exec(compile(code, "exports.md", "exec"), {})
            continue
        for line in code.splitlines():
            command, *words = shlex.split(line, comments=True)
            assert command == "rtme"
            done = (rtme if words[0] in ("analyze", "live") else here)(*words)
            assert done.returncode == 0, (line, done.stderr)
            assert "Traceback" not in done.stderr
