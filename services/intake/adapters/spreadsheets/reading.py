"""Detects the kind of a file, by its content and its content type, and reads it."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from services.intake.adapters.spreadsheets.bounds import Bounds, NoSpreadsheetError
from services.intake.adapters.spreadsheets.csv_file import IsHeader, decoded, read_csv, rows
from services.intake.adapters.spreadsheets.xlsx_file import read_xlsx
from services.intake.domain.uploads.columns import is_column
from services.intake.domain.uploads.sheets import Sheet

CSV_TYPE: Final = "text/csv"
XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ZIP: Final = b"PK\x03\x04"
_COMPOUND: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_FIX: Final = "save it as CSV or XLSX, and send it as it is"


class FileKind(StrEnum):
    """The kinds of files that are read."""

    CSV = "csv"
    XLSX = "xlsx"


_KINDS_OF_TYPE: Final = {
    CSV_TYPE: {FileKind.CSV},
    "application/csv": {FileKind.CSV},
    "text/plain": {FileKind.CSV},
    "text/tab-separated-values": {FileKind.CSV},
    XLSX_TYPE: {FileKind.XLSX},
    "application/vnd.ms-excel": set(FileKind),  # Windows sends this for CSV where Excel is installed
    "application/octet-stream": set(FileKind),
    "": set(FileKind),
}


def check_type(content_type: str) -> None:
    """Checks the content type before a body is read. Raises NoSpreadsheetError."""
    if content_type not in _KINDS_OF_TYPE:
        known = f"'Content-Type: {CSV_TYPE}' or '{XLSX_TYPE}'"
        raise NoSpreadsheetError(
            "not-a-spreadsheet", f"'{content_type[:100]}' is neither CSV nor XLSX", f"send {known}"
        )


def csv_rows(content: bytes, is_header: IsHeader) -> Iterator[tuple[int, list[str]]]:
    """The rows of a list that has to be CSV, each with its number. Raises UnreadableFileError, which names the actual
    kind."""
    if content.startswith((_ZIP, _COMPOUND)):
        kind = "an XLSX" if content.startswith(_ZIP) else "an XLS"
        raise NoSpreadsheetError("other-type", f"it is {kind}, whatever it is called", "save it as CSV UTF-8")
    yield from rows(decoded(content)[0], is_header)


def read_file(content: bytes, content_type: str, bounds: Bounds, is_header: IsHeader = is_column) -> Sheet:
    """The sheet of a CSV or XLSX. `is_header`: true for a text that names a column of such tables. Raises
    UnreadableFileError."""
    check_type(content_type)
    if content.startswith(_COMPOUND):
        detail = "it is of the old XLS format, or locked by a password"
        raise NoSpreadsheetError("not-a-spreadsheet", detail, "save it as XLSX, without a password")
    kind = FileKind.XLSX if content.startswith(_ZIP) else FileKind.CSV
    if kind not in _KINDS_OF_TYPE[content_type]:
        raise NoSpreadsheetError(
            "other-type", f"it was sent as {content_type}, and is none", f"send its own type: {_FIX}"
        )
    return read_xlsx(content, bounds) if kind is FileKind.XLSX else read_csv(content, bounds, is_header)
