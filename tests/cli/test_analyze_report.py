"""``rtme analyze --report`` as a user types it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import html5lib
import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_page_tells_what_the_json_tells(rtme: Run, clip: Path, tmp_path: Path) -> None:
    done = rtme("analyze", clip, "--json", "--report", "out.html")
    assert done.returncode == 0, done.stderr
    assert "the report is in out.html" in done.stderr
    told = json.loads(done.stdout)
    page = (tmp_path / "out.html").read_text()
    assert page.count('class="tl-found"') == len(told["intervals"]) > 0
    assert f"Engine {told['engine']}: {told['engine_note']}" in page
    assert clip.name in page
    assert "data:image" not in page
    assert told["method"]["look_ahead_ms"] == pytest.approx(8 / 30 * 1000, abs=0.1)


def test_pictures_are_there_when_they_are_asked_for(rtme: Run, clip: Path, tmp_path: Path) -> None:
    done = rtme("analyze", clip, "--json", "--report", "out.html", "--thumbnails")
    assert done.returncode == 0, done.stderr
    tree = html5lib.parse((tmp_path / "out.html").read_text(), namespaceHTMLElements=False)
    images = list(tree.iter("img"))
    assert len(images) == 3 * len(json.loads(done.stdout)["intervals"])
    assert all(str(image.get("src")).startswith("data:image/jpeg;base64,/9j/") for image in images)


def test_a_recording_that_fails_leaves_the_others_their_page(rtme: Run, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    done = rtme("analyze", clip, "broken.mp4", clip, "--report", "both.html", "--thumbnails")
    assert done.returncode == 3
    page = (tmp_path / "both.html").read_text()
    assert "2 recordings" in page
    assert 'id="r2-top"' in page


def test_a_timeline_is_drawn(rtme: Run, clip: Path, tmp_path: Path) -> None:
    done = rtme("analyze", clip, "--report", "out.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--report", "gone/out.html"], "the folder gone does not exist"),
        (["--report", "out.docx"], "a report is a .html, .png, .svg or .pdf file"),
        (["--thumbnails"], "add --report FILE.html"),
        (["--report", "out.png", "--thumbnails"], "name a .html file"),
        (["b.mp4", "--report", "out.png"], "can show one recording and there are 2"),
    ],
)
def test_what_cannot_be_written_is_said_before_any_work(rtme: Run, words: list[str], said: str) -> None:
    done = rtme("analyze", "a.mp4", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
