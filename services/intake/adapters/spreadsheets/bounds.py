"""Bounds on how much of a file is read, and the errors for files that can't be read."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.intake.domain.uploads.sheets import SheetRow, Value, is_empty, text_value

COLUMNS_AT_MOST: Final = 64
SAVE_PLAIN: Final = "copy its values into a new table without formats, or save it as CSV, and send that"
TEXT_AT_MOST: Final = 8_388_608
"""Characters of all cells together: in an XLSX many cells may refer to one long text."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one file. `unpacked_bytes`: all that an XLSX holds, unpacked. `seconds` of processor time and
    `memory_bytes` bound the process that reads it."""

    rows: int
    unpacked_bytes: int
    seconds: int
    memory_bytes: int


class UnreadableFileError(ValueError):
    """The file can't be read. `code` is more precise on an instance; the message is for whoever sent the file."""

    code = "unreadable"

    def __init__(self, code: str, detail: str, fix: str) -> None:
        super().__init__(detail)
        self.code = code
        self.fix = fix


class NoSpreadsheetError(UnreadableFileError):
    """The file is neither CSV nor XLSX, whatever its name says."""

    code = "not-a-spreadsheet"


class TooLargeError(UnreadableFileError):
    """The file exceeds a bound, which the message names."""

    code = "too-large"

    def __init__(self, detail: str, fix: str = "split it into several files") -> None:
        super().__init__(self.code, detail, fix)


def too_costly(of_what: str) -> TooLargeError:
    """The error for a file that takes too much time or memory to read."""
    return TooLargeError(f"it takes more {of_what} to read than any table of this size", SAVE_PLAIN)


class Gathered:
    """The rows of a sheet as they are read, checked against the bounds."""

    def __init__(self, bounds: Bounds) -> None:
        self.rows: list[SheetRow] = []
        self._bounds = bounds
        self._characters = 0

    def add(self, number: int, values: Iterable[tuple[int, Value]]) -> None:
        """Adds a row unless it is empty. Raises TooLargeError."""
        cells: dict[int, Value] = {}
        for index, value in values:
            if is_empty(value):
                continue
            check_column(index)
            cells[index] = text_value(value) if isinstance(value, str) else value
            self._count(cells[index])
        if cells:
            self.rows.append(SheetRow(number, cells))
            check_rows(len(self.rows) - 1, self._bounds)  # one of them is the header

    def _count(self, value: Value) -> None:
        self._characters += len(value) if isinstance(value, str) else 0
        if self._characters > TEXT_AT_MOST:
            raise TooLargeError(f"its cells have more than {TEXT_AT_MOST:,} characters in all")


def check_rows(rows: int, bounds: Bounds) -> None:
    """Raises TooLargeError for too many rows."""
    if rows > bounds.rows:
        raise TooLargeError(f"it has more than {bounds.rows:,} rows, which is as many as one upload may have")


def check_column(index: int) -> None:
    """Raises TooLargeError for a column beyond the last one that is read."""
    if index >= COLUMNS_AT_MOST:
        raise TooLargeError(
            f"something stands beyond its column {COLUMNS_AT_MOST}, the last that is looked at", "empty those columns"
        )
