import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from data import copies
from rtme.cli.data import app
from rtme.data import manifest
from rtme.errors import DataError, RtmeError, SettingsError

root = typer.Typer()
root.add_typer(app, name="data")


def check(*words: object) -> Result:
    return CliRunner().invoke(root, ["data", "check", *map(str, words)], env={"COLUMNS": "200"})


def test_counts_stand_beside_the_published_ones_and_repairs_are_listed(tmp_path: Path) -> None:
    result = check("casme2sq", copies.casme2sq(tmp_path / "copy"), "-o", tmp_path / "out" / "manifest.csv")
    assert result.exit_code == 0, result.output
    lines = [
        [word.strip() for word in line.split("│")[1:-1]] for line in result.output.splitlines() if "│" in line
    ]
    assert ["ME", "2", "57"] in lines
    assert ["MaE", "4", "300"] in lines
    row = "CAS(ME)^2code_final(Updated).xlsx, sheet CASFEcode_final, row 2: offset is 0: 0 → 40"
    assert row in result.output
    assert "7 repairs (offset is 0 2, spelling 3, apex outside 2)" in result.output
    assert "offset_zero=apex" in result.output
    assert len(manifest.load(tmp_path / "out" / "manifest.csv").intervals) == 6


def test_json_has_it_all(tmp_path: Path) -> None:
    result = check("casme2sq", copies.casme2sq(tmp_path), "--repair", "offset_zero=drop", "--json")
    facts = json.loads(result.output)
    assert facts["counts"]["MaE"] == 2
    assert facts["published"]["MaE"] == 300
    assert facts["choices"]["offset_zero"] == "drop"
    assert {"where", "what", "before", "after"} == set(facts["repairs"][0])


def test_rows_that_cannot_be_used_are_shown_and_nothing_is_written(tmp_path: Path) -> None:
    copies.samm(tmp_path)
    (tmp_path / "007" / "007_3_1" / "007_00124.jpg").unlink()
    for number in range(118, 124):
        (tmp_path / "007" / "007_3_1" / f"007_{number:05d}.jpg").unlink()
    out = tmp_path / "manifest.csv"
    result = check("samm", tmp_path, "-o", out)
    assert isinstance(result.exception, DataError)
    assert (
        "not usable: SAMM_Micro_FACS_Codes_v2.xlsx, sheet MICRO_ONLY, row 16: the label is 102 to 120"
        in result.output
    )
    assert "1 row of SAMM cannot be used" in str(result.exception)
    assert not out.exists()
    assert check("samm", tmp_path, "-o", out, "--repair", "beyond_end=clip").exit_code == 0
    assert out.exists()


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (["casmeII", "."], SettingsError, "no dataset 'casmeII'"),
        (["casme2sq", ".", "--repair", "x=y"], SettingsError, "no repair 'x'"),
        (["casme2sq", "gone"], DataError, "gone is not a folder"),
    ],
)
def test_what_was_mistyped_is_said(words: list[str], kind: type[RtmeError], message: str) -> None:
    error = check(*words).exception
    assert isinstance(error, kind)
    assert message in str(error)


def test_a_missing_extra_is_named_with_the_command_that_installs_it() -> None:
    words = "import sys; sys.modules['openpyxl'] = None; from rtme.cli.data import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", words, "check", "samm", "."],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "SettingsError: reading datasets needs openpyxl: pip install 'rtme[train]'" in done.stderr
