"""Label sheets, read by column name: a missing sheet or renamed column is said, never guessed."""

import math
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import xlrd

from rtme.errors import DataError

Cell = str | float | None
HEADER_WITHIN = 30
"""The header is looked for in so many rows: releases of SAMM differ in the notes above it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a sheet.

    Attributes:
        where: File, sheet and row, for messages.
        line: Number of the row in its sheet, from 1.
        cells: By column name as the reader asked for it.
    """

    where: str
    line: int
    cells: dict[str, Cell]

    def text(self, column: str) -> str:
        """The cell as text: "" when blank, ``6`` when the sheet holds the number 6.0."""
        value = self.cells.get(column)
        if value is None:
            return ""
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value).strip()

    def number(self, column: str) -> float | None:
        """The cell as a number; None when it holds none (``/``, ``?``, blank)."""
        value = self.cells.get(column)
        try:
            number = math.nan if value is None else float(value)
        except ValueError:
            return None
        return number if math.isfinite(number) else None


class Workbook:
    """An .xlsx or .xls file, told apart by its content: some releases have the wrong ending.

    Args:
        path: The file.

    Raises:
        DataError: It is neither, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as stream:
                old = stream.read(4) == b"\xd0\xcf\x11\xe0"
            self._sheets = _xls(path) if old else _xlsx(path)
        except (OSError, zipfile.BadZipFile, xlrd.XLRDError, KeyError, ValueError) as error:
            raise DataError(
                f"{path} cannot be read as a spreadsheet ({error}): get the file again"
            ) from error

    def table(
        self,
        columns: Sequence[str],
        *,
        sheet: str | int = 0,
        optional: Sequence[str] = (),
        stop_at_blank: bool = False,
    ) -> list[Row]:
        """Rows below a header, blank ones left out.

        Args:
            columns: Columns that must be there; case, outer spaces and a unit in brackets do not matter.
            sheet: Name or number of the sheet.
            optional: Columns that may be absent (then blank).
            stop_at_blank: End at the first row without a value in the first column; notes may follow it.

        Raises:
            DataError: No such sheet or column, with what was expected and what was found.
        """
        name, grid = self._sheet(sheet)
        headers = [[_plain(cell) for cell in cells] for cells in grid[:HEADER_WITHIN]]
        wanted = {_plain(column): column for column in columns}
        if not headers:
            raise DataError(f"{self._at(name)} is empty; expected columns {', '.join(columns)}")
        at = max(range(len(headers)), key=lambda index: (len(wanted.keys() & set(headers[index])), -index))
        missing = [column for plain, column in wanted.items() if plain not in headers[at]]
        if missing:
            found = ", ".join(str(cell) for cell in grid[at] if cell is not None)
            raise DataError(
                f"{self._at(name)}, row {at + 1}: no column '{missing[0]}'; expected {', '.join(columns)}; found {found}"
            )
        places = {column: headers[at].index(_plain(column)) for column in columns}
        places |= {
            column: headers[at].index(_plain(column)) for column in optional if _plain(column) in headers[at]
        }
        rows = self._rows(name, grid, at + 1, places)
        if stop_at_blank:
            place = places[columns[0]]
            end = next((row for row in range(at + 1, len(grid)) if grid[row][place] is None), len(grid))
            rows = [row for row in rows if row.line <= end]
        return rows

    def plain(self, columns: Sequence[str], *, sheet: str | int = 0) -> list[Row]:
        """Rows of a sheet without a header, columns named from the left.

        Raises:
            DataError: No such sheet, or it has fewer columns.
        """
        name, grid = self._sheet(sheet)
        width = max((len(cells) for cells in grid), default=0)
        if width < len(columns):
            raise DataError(
                f"{self._at(name)} has {width} columns; expected {len(columns)}: {', '.join(columns)}, without a header"
            )
        return self._rows(name, grid, 0, {column: index for index, column in enumerate(columns)})

    def _sheet(self, sheet: str | int) -> tuple[str, list[list[Cell]]]:
        names = list(self._sheets)
        if isinstance(sheet, int):
            if sheet < len(names):
                return names[sheet], self._sheets[names[sheet]]
            raise DataError(f"{self.path}: no sheet number {sheet + 1}; found {', '.join(names)}")
        for name in names:
            if _plain(name) == _plain(sheet):
                return name, self._sheets[name]
        raise DataError(f"{self.path}: no sheet '{sheet}'; found {', '.join(names)}")

    def _rows(self, name: str, grid: list[list[Cell]], start: int, places: dict[str, int]) -> list[Row]:
        rows = []
        for number, cells in enumerate(grid[start:], start=start + 1):
            named = {column: cells[at] if at < len(cells) else None for column, at in places.items()}
            if any(cell is not None for cell in named.values()):
                rows.append(Row(f"{self.path.name}, sheet {name}, row {number}", number, named))
        return rows

    def _at(self, name: str) -> str:
        return f"{self.path}, sheet {name}"


def _plain(cell: object) -> str:
    """A name without case, outer spaces and the unit in brackets: ``OnsetTime (s)`` is ``onsettime``."""
    return re.sub(r"\s*\([^)]*\)$", "", " ".join(str(cell).split())).casefold()


def _cell(value: object) -> Cell:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        text = "" if value is None else str(value).strip()
        return text or None
    return float(value)


def _xlsx(path: Path) -> dict[str, list[list[Cell]]]:
    with path.open("rb") as stream:
        book = openpyxl.load_workbook(stream, data_only=True)
    return {
        sheet.title: [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
        for sheet in book.worksheets
    }


def _xls(path: Path) -> dict[str, list[list[Cell]]]:
    book = xlrd.open_workbook(str(path))
    return {
        sheet.name: [[_cell(value) for value in sheet.row_values(row)] for row in range(sheet.nrows)]
        for sheet in book.sheets()
    }
