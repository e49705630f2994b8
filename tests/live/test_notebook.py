"""What a reader of a notebook sees, in a real kernel."""

from pathlib import Path

import html5lib
import nbformat
import pytest
from nbclient import NotebookClient

CELLS = (
    "import rtme\nfound = rtme.analyze({clip!r}, engine={engine!r})\nfound",
    "found.data",
    "found.plot()",
    "len(found.report().intervals), len(found.curve), len(found.speaker), len(list(found)) > 0",
    "repr(found)",
)


@pytest.fixture(scope="module")
def seen(
    clip: Path, engine: str, tmp_path_factory: pytest.TempPathFactory
) -> list[list[nbformat.NotebookNode]]:
    """What each cell shows."""
    cells = [nbformat.v4.new_code_cell(cell.format(clip=str(clip), engine=engine)) for cell in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    folder = tmp_path_factory.mktemp("notebook")
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return [cell.outputs for cell in notebook.cells]


def result_of(outputs: list[nbformat.NotebookNode]) -> dict[str, str]:
    (result,) = [out for out in outputs if out.output_type == "execute_result"]
    return dict(result.data)


def test_a_result_shows_itself(seen: list[list[nbformat.NotebookNode]], clip: Path) -> None:
    page = result_of(seen[0])["text/html"]
    html5lib.HTMLParser(strict=True).parseFragment(page)
    assert clip.name in page
    assert 'class="tl-found"' in page
    assert "It was not trained" in page or "it was not trained" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_tables_and_figures_are_those_of_the_kernel(seen: list[list[nbformat.NotebookNode]]) -> None:
    assert "duration_ms" in result_of(seen[1])["text/html"]
    intervals, points, turns, events = eval(result_of(seen[3])["text/plain"])
    assert intervals > 0
    assert points > 80
    assert turns > 0
    assert events is True
    assert f"{intervals} intervals, {turns} turns in 90 frames" in result_of(seen[4])["text/plain"]


def test_a_figure_is_drawn_in_the_notebook(seen: list[list[nbformat.NotebookNode]]) -> None:
    assert "image/png" in result_of(seen[2])
