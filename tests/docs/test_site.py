"""The site builds without a warning, and fetches nothing from elsewhere when it is looked at."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from documented import ROOT

pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install '.[docs]'")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr.strip()
    return folder


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        tags = re.findall(r"<(?:link|script|img|iframe|source)\b[^>]*>", page.read_text())
        fetched = [tag for tag in tags if re.search(r"""(?:src|href)=["']?(?:https?:)?//""", tag)]
        assert not fetched, (page, fetched)
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(\s*[\"']?(?:https?:)?//", style.read_text()), style


def test_pages_are_found_by_their_words(site: Path) -> None:
    index = (site / "search" / "search_index.json").read_text()
    assert "retracted" in index
    assert "AsyncSubscriber" in index


def test_what_lies_beyond_docs_is_taken_along(site: Path) -> None:
    assert 'href="beyond/engines/default/REPORT.html"' in (site / "quality.html").read_text()
    assert (site / "beyond" / "engines" / "default" / "REPORT.html").is_file()
    assert (site / "beyond" / "engines" / "default" / "report-scores.png").is_file()
    assert (site / "beyond" / "examples" / "listen.py").is_file()


def test_every_class_of_the_api_is_there(site: Path) -> None:
    page = (site / "api.html").read_text()
    for name in (
        "rtme.live.service.Live",
        "rtme.events.IntervalEvent",
        "rtme.errors.RtmeError",
        "rtme.score.match",
    ):
        assert f'id="{name}"' in page, name
