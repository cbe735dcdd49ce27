"""CSV as UTF-8, with or without a byte order mark, or as CP949, which Korean Excel writes (EUC-KR is part of it)."""

import csv
import io
from typing import Final

from services.intake.domain.uploads.sheets import Sheet
from services.intake.spreadsheets.bounds import Bounds, Gathered, NoSpreadsheetError, UnreadableFileError

_ENCODINGS: Final = {"utf-8-sig": "UTF-8", "cp949": "CP949"}


def read_csv(content: bytes, bounds: Bounds) -> Sheet:
    """Raises UnreadableFileError."""
    text, encoding = _decoded(content)
    gathered = Gathered(bounds)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for number, values in enumerate(reader, 1):
            gathered.add(number, enumerate(values))
    except csv.Error as error:
        detail = f"line {reader.line_num} is no CSV: {error}"
        raise UnreadableFileError("unreadable", detail, "save it as CSV again, or as XLSX") from error
    return Sheet(format="csv", rows=gathered.rows, encoding=encoding)


def _decoded(content: bytes) -> tuple[str, str]:
    for codec, name in _ENCODINGS.items():
        try:
            text = content.decode(codec)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text, name
    raise NoSpreadsheetError(
        "unknown-text",
        "it is neither UTF-8 nor CP949 text",
        "save it as CSV UTF-8, or as XLSX",
    )
