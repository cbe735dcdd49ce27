"""Tables as JSON for programs, and as CSV or XLSX for spreadsheets, with the same columns in each.

Numbers are numbers, and dates are Korean dates. No text of a firm or institution is read as a formula. `?format=` picks
the format, else the Accept header. `?language=` heads the columns in Korean or English; without it, they are headed by
their names, which do not change.
"""

import asyncio
import csv
import io
import json
import re
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import IO, Any, Final, Protocol

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from xlsxwriter import Workbook

from shared.contracts.events import Language
from shared.service.files import pieces
from shared.service.http import download
from shared.service.problems import Problem

ROWS_OF_A_SHEET: Final = 1_048_575
"""Most rows below the header of an Excel sheet."""
_CHARACTERS_OF_A_CELL: Final = 32_767
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NO_XML: Final = re.compile("[\ufffe\uffff]")
Value = str | int | date | None
Row = Sequence[Value]
Rows = AsyncGenerator[Sequence[Row], None]


class Format(StrEnum):
    """The formats of a table."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


MEDIA_TYPES: Final = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    NUMBER = "number"
    WON = "won"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in JSON, its headings, and its kind and width in spreadsheets."""

    name: str
    ko: str
    en: str
    kind: Kind = Kind.TEXT
    width: int = 14

    def head(self, language: Language | None) -> str:
        if language is None:
            return self.name
        return self.ko if language is Language.KO else self.en


@dataclass(frozen=True, slots=True)
class Table:
    """`name` is part of the file's name; `head` is what the JSON has before the rows."""

    name: str
    columns: tuple[Column, ...]
    head: dict[str, Any]

    def named(self, row: Row) -> dict[str, Any]:
        """The row as a JSON object."""
        values = (value.isoformat() if isinstance(value, date) else value for value in row)
        return dict(zip((column.name for column in self.columns), values, strict=True))


def wanted(request: Request, asked: Format | None) -> Format:
    """The requested format; JSON by default."""
    if asked is not None:
        return asked
    accepted = request.headers.get("accept", "")
    return next((kind for kind in (Format.CSV, Format.XLSX) if MEDIA_TYPES[kind] in accepted), Format.JSON)


def check_fits(kind: Format, rows: int) -> None:
    """Raises Problem 406 if an Excel sheet can't hold this many rows."""
    if kind is Format.XLSX and rows > ROWS_OF_A_SHEET:
        held = f"A sheet of Excel holds {ROWS_OF_A_SHEET:,} rows, and these are {rows:,}."
        raise Problem(406, "too-many-rows", f"{held} Ask for CSV: ?format=csv, or Accept: text/csv.")


async def sent(table: Table, rows: Rows, kind: Format, language: Language | None, name: str) -> Response:
    """Answers with the whole table. `rows` come in batches, and are all read before the answer begins."""
    file = await written(table, rows, kind, language)
    return StreamingResponse(pieces(file), media_type=MEDIA_TYPES[kind], headers=headers_of(table, kind, name))


def headers_of(table: Table, kind: Format, name: str) -> dict[str, str]:
    """The download's headers."""
    return {"Content-Disposition": download(f"{name}-{table.name}.{kind.value}"), "Vary": "Accept"}


async def at_once(rows: Sequence[Row]) -> Rows:
    """The rows of a table in memory, as one batch."""
    yield rows


async def written(table: Table, rows: Rows, kind: Format, language: Language | None) -> IO[bytes]:
    """Writes the table to disk in threads, with memory that does not grow with the rows."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed once it is sent
    try:
        with tempfile.TemporaryDirectory() as scratch:
            writer = _writer(table, file, kind, language, scratch)
            async with aclosing(rows):
                async for some in rows:
                    await asyncio.to_thread(writer.add, some)
            await asyncio.to_thread(writer.close)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


class Writer(Protocol):
    """Writes a table in one format."""

    def add(self, rows: Sequence[Row]) -> None: ...

    def close(self) -> None: ...


def _writer(table: Table, file: IO[bytes], kind: Format, language: Language | None, scratch: str) -> Writer:
    match kind:
        case Format.JSON:
            return _Json(table, file)
        case Format.CSV:
            return _Csv(table, file, language)
        case Format.XLSX:
            return _Xlsx(table, file, language, scratch)


class _Json:
    def __init__(self, table: Table, file: IO[bytes]) -> None:
        self._table = table
        self._file = file
        head = json.dumps({**table.head, table.name: []}, ensure_ascii=False)
        self._file.write(head[: -len("]}")].encode())
        self._between = b""

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._file.write(self._between + json.dumps(self._table.named(row), ensure_ascii=False).encode())
            self._between = b",\n"

    def close(self) -> None:
        self._file.write(b"]}\n")


class _Csv:
    """With a byte order mark, by which spreadsheets recognise UTF-8."""

    def __init__(self, table: Table, file: IO[bytes], language: Language | None) -> None:
        self._text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
        self._text.write("\ufeff")
        self._table = csv.writer(self._text)
        self._table.writerow([column.head(language) for column in table.columns])

    def add(self, rows: Sequence[Row]) -> None:
        self._table.writerows([[_no_formula(value) for value in row] for row in rows])

    def close(self) -> None:
        self._text.detach()


def _no_formula(value: Value) -> Value:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


class _Xlsx:
    """One sheet, written row by row. Text cells are strings, whatever they begin with."""

    def __init__(self, table: Table, file: IO[bytes], language: Language | None, scratch: str) -> None:
        self._workbook = Workbook(file, {"constant_memory": True, "tmpdir": scratch})
        self._sheet = self._workbook.add_worksheet(table.name)
        self._formats = [
            self._workbook.add_format({"num_format": _SHOWN[column.kind]}) if column.kind in _SHOWN else None
            for column in table.columns
        ]
        bold = self._workbook.add_format({"bold": True, "bottom": 1})
        for number, column in enumerate(table.columns):
            self._sheet.set_column(number, number, column.width, self._formats[number])
            self._sheet.write_string(0, number, column.head(language), bold)
        self._sheet.freeze_panes(1, 0)
        self._columns = len(table.columns)
        self._rows = 0

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._rows += 1
            for number, value in enumerate(row):
                if value is not None:
                    self._write(number, value)

    def _write(self, number: int, value: str | int | date) -> None:
        match value:
            case int():
                self._sheet.write_number(self._rows, number, value, self._formats[number])
            case date():
                self._sheet.write_datetime(self._rows, number, value, self._formats[number])
            case str():
                text = _NO_XML.sub("\ufffd", value)
                if len(text) > _CHARACTERS_OF_A_CELL:
                    text = text[: _CHARACTERS_OF_A_CELL - 1] + "…"
                self._sheet.write_string(self._rows, number, text)

    def close(self) -> None:
        self._sheet.autofilter(0, 0, self._rows, self._columns - 1)
        self._workbook.close()


_SHOWN: Final = {Kind.NUMBER: "#,##0", Kind.WON: "#,##0", Kind.DAY: "yyyy-mm-dd"}
