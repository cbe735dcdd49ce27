"""Reads CSV as people save it, separated by commas, semicolons or tabs.

Encodings: UTF-8 with or without a byte order mark, UTF-16 with one, and CP949, which Korean Excel writes (EUC-KR is
part of it).
"""

import csv
import io
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from services.intake.adapters.spreadsheets.bounds import Bounds, Gathered, NoSpreadsheetError, UnreadableFileError
from services.intake.domain.uploads.sheets import Sheet

_DELIMITERS: Final = (",", ";", "\t")
_SEPARATOR_LINE: Final = re.compile(r"sep=([,;\t])\r?\n", re.IGNORECASE)
"""The first line with which Excel notes the separator for itself."""
_HEADER_WITHIN: Final = 20
_HIGH: Final = re.compile(rb"[\x80-\xff]+")
_HANGUL: Final = re.compile("[가-힣]")
_SAVE_AS_UTF_8: Final = "save it as CSV UTF-8, or as XLSX"
_UNKNOWN: Final = "unknown-text"
IsHeader = Callable[[str], bool]
"""True for a cell's text that names a column."""


def read_csv(content: bytes, bounds: Bounds, is_header: IsHeader) -> Sheet:
    """The whole file as a sheet. Raises UnreadableFileError."""
    text, encoding = decoded(content)
    gathered = Gathered(bounds)
    for number, values in rows(text, is_header):
        gathered.add(number, enumerate(values))
    return Sheet(format="csv", rows=gathered.rows, encoding=encoding)


def rows(text: str, is_header: IsHeader) -> Iterator[tuple[int, list[str]]]:
    """Each row with its number, as a spreadsheet counts them. Raises UnreadableFileError."""
    separator = _SEPARATOR_LINE.match(text)
    text = text[separator.end() :] if separator else text
    reader = _reader(text, separator[1] if separator else _delimiter(text, is_header))
    try:
        yield from enumerate(reader, 1)
    except csv.Error as error:
        detail = f"line {reader.line_num + bool(separator)} is no CSV: {error}"
        raise UnreadableFileError("unreadable", detail, "save it as CSV again, or as XLSX") from error


def decoded(content: bytes) -> tuple[str, str]:
    """The text and the name of its encoding. Raises UnreadableFileError."""
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return _tried(content, "utf-16", "UTF-16")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        _refuse_two(content)
        return _tried(content, "cp949", "CP949")
    return _without_nul(text), "UTF-8"


def _tried(content: bytes, codec: str, name: str) -> tuple[str, str]:
    try:
        return _without_nul(content.decode(codec)), name
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        detail = (
            f"it is neither UTF-8 nor CP949 text: see line {line}" if codec == "cp949" else f"it is no whole {name}"
        )
        raise NoSpreadsheetError(_UNKNOWN, detail, _SAVE_AS_UTF_8) from error


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise NoSpreadsheetError(_UNKNOWN, "it is neither UTF-8 nor CP949 text", _SAVE_AS_UTF_8)
    return text


def _refuse_two(content: bytes) -> None:
    """Refuses a file with UTF-8 Korean in some lines and CP949 in others, which would be read as wrong letters. Raises
    UnreadableFileError."""
    first: dict[str, int] = {}
    for number, line in enumerate(content.splitlines(), 1):
        for run in _HIGH.findall(line):
            try:
                korean = _HANGUL.search(run.decode())
            except UnicodeDecodeError:
                first.setdefault("CP949", number)
            else:
                if korean:
                    first.setdefault("UTF-8", number)
    if "UTF-8" in first:
        detail = f"it is in two encodings: line {first['UTF-8']} has UTF-8, line {first.get('CP949', '?')} CP949"
        raise UnreadableFileError("two-encodings", detail, "open it, look at both lines, and save it as CSV UTF-8")


def _delimiter(text: str, is_header: IsHeader) -> str:
    """The delimiter by which one of the first rows has most column names."""
    return max(_DELIMITERS, key=lambda delimiter: _names(text, delimiter, is_header))


def _names(text: str, delimiter: str, is_header: IsHeader) -> int:
    try:
        return max(sum(map(is_header, row)) for row in islice(_reader(text, delimiter), _HEADER_WITHIN))
    except (csv.Error, ValueError):
        return 0


def _reader(text: str, delimiter: str) -> Any:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
