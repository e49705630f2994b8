"""A ``.npy`` file that is written row by row, before anybody knows how many there will be."""

import os
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray


class GrowingArray:
    """Writes rows of one shape and type; rows that nobody wrote are zero.

    ``with GrowingArray(...) as array:`` leaves a complete file; when the block fails, none. Until it ends, the file is
    called ``<name>.<process>.part``: a process that was stopped and has not yet noticed spoils nothing.

    Args:
        path: Where; what is there is replaced.
        dtype: Type of the entries.
        shape: Of one row.

    Attributes:
        length: Rows of the array; may be set to more than were written.

    Raises:
        OSError: It cannot be written; so may :meth:`put` and leaving the block.
    """

    def __init__(self, path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        self.length = 0
        self._path = path
        self._dtype = dtype
        self._shape = shape
        self._row = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        self._part = path.with_name(f"{path.name}.{os.getpid()}.part")
        self._file: BinaryIO = self._part.open("wb")
        self._begin = self._header()

    def put(self, at: int, row: NDArray[Any]) -> None:
        """Write a row; rows come in rising order."""
        self._file.seek(self._begin + at * self._row)
        self._file.write(np.ascontiguousarray(row, self._dtype).data)
        self.length = at + 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with self._file:
                if kind is None:
                    self._finish()
            if kind is None:
                self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)

    def _finish(self) -> None:
        self._file.flush()
        self._file.truncate(self._begin + self.length * self._row)
        # NumPy leaves room in the header for the number of rows to grow.
        assert self._header() == self._begin
        self._file.flush()
        os.fsync(self._file.fileno())

    def _header(self) -> int:
        self._file.seek(0)
        what = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),  # type: ignore[no-untyped-call]
            "fortran_order": False,
            "shape": (self.length, *self._shape),
        }
        np.lib.format.write_array_header_1_0(self._file, what)  # type: ignore[no-untyped-call]
        return self._file.tell()
