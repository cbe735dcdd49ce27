"""XLSX, by its first visible sheet. Formulas are not evaluated: what the spreadsheet last saw in them counts.

With the standard library alone. What a file may cost is bounded before it is read: a part never unpacks to more than
the archive's directory says, and what that says in all is bounded; no part may define entities.
"""

import io
import posixpath
import re
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from services.intake.domain.uploads.cells import Unusable, Value, is_empty
from services.intake.domain.uploads.rows import Sheet, SheetRow
from services.intake.spreadsheets.bounds import (
    Bounds,
    NoSpreadsheetError,
    TooLargeError,
    UnreadableFileError,
    check_column,
    check_rows,
)

_PARTS_AT_MOST: Final = 2000
_ROWS_OF_A_SHEET: Final = 1_048_576
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_BUILT_IN_DATES: Final = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
"""Number formats of days and times that every spreadsheet knows by number."""
_NO_PART_OF_A_DATE: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\[\]]*\]')
"""Linear in what it meets: none of its parts runs over the beginning of another of its kind."""
_SAVE_AGAIN: Final = "open it in the spreadsheet, save it as XLSX again, and send that"


def read_xlsx(content: bytes, bounds: Bounds) -> Sheet:
    """Raises UnreadableFileError."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_unpacked(archive, bounds)
            return _Workbook.of(archive).sheet(bounds)
    except UnreadableFileError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, LookupError, ValueError, ET.ParseError) as error:
        detail = f"it is no whole XLSX: {type(error).__name__}"
        raise UnreadableFileError("unreadable", detail, _SAVE_AGAIN) from error


def _check_unpacked(archive: zipfile.ZipFile, bounds: Bounds) -> None:
    parts = archive.infolist()
    if len(parts) > _PARTS_AT_MOST:
        raise TooLargeError(f"it has more than {_PARTS_AT_MOST:,} parts", _SAVE_AGAIN)
    if sum(part.file_size for part in parts) > bounds.unpacked_bytes:
        fix = "delete sheets, pictures and formats it does not need, or split it into several files"
        raise TooLargeError(f"it unpacks to more than {bounds.unpacked_bytes:,} bytes", fix)
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise UnreadableFileError("unreadable", "it is packed as no spreadsheet packs", _SAVE_AGAIN)
    if any(part.flag_bits & 1 for part in parts):
        raise NoSpreadsheetError("locked", "it is locked by a password", "save it without a password")


@dataclass(frozen=True, slots=True)
class _Workbook:
    archive: zipfile.ZipFile
    folder: str
    related: Mapping[str, tuple[str, str]]
    """(kind, part) of each relation."""
    root: ET.Element

    @classmethod
    def of(cls, archive: zipfile.ZipFile) -> "_Workbook":
        names = set(archive.namelist())
        found = [path for kind, path in _relations(archive, "", "_rels/.rels").values() if kind == "officeDocument"]
        if "[Content_Types].xml" not in names or not found or found[0] not in names:
            raise NoSpreadsheetError("not-a-spreadsheet", "it is an archive, and no XLSX", "save it as XLSX or CSV")
        folder, name = posixpath.split(found[0])
        related = _relations(archive, folder, posixpath.join(folder, "_rels", f"{name}.rels"))
        root = _parsed(archive, found[0])
        if _local(root) != "workbook" or root.tag == "workbook":
            raise NoSpreadsheetError("not-a-spreadsheet", "it is no workbook", "save it as XLSX or CSV")
        return cls(archive, folder, related, root)

    def sheet(self, bounds: Bounds) -> Sheet:
        """The first visible one."""
        sheets = [(one, self._part(one)) for one in _children(self.root, "sheets", "sheet")]
        tables = [(one, path) for one, (kind, path) in sheets if kind == "worksheet"]
        visible = [(one, path) for one, path in tables if one.get("state", "visible") == "visible"]
        if not visible:
            raise UnreadableFileError("no-visible-sheet", "it has no visible sheet", "unhide the sheet to be read")
        chosen, path = visible[0]
        others = tuple(one.get("name", "")[:100] for one, _ in sheets if one is not chosen)
        cells = _Cells(self._texts(), self._date_styles(), self._first_day())
        rows = list(cells.rows(_part(self.archive, path), bounds))
        return Sheet(format="xlsx", rows=rows, name=chosen.get("name", "")[:100], passed_over=others)

    def _part(self, sheet: ET.Element) -> tuple[str, str]:
        relation = next((value for name, value in sheet.attrib.items() if name.endswith("}id")), "")
        return self.related.get(relation, ("", ""))

    def _of_kind(self, kind: str) -> ET.Element | None:
        path = next((path for known, path in self.related.values() if known == kind), None)
        return None if path is None else _parsed(self.archive, path)

    def _texts(self) -> list[str]:
        root = self._of_kind("sharedStrings")
        return [] if root is None else [_text(item) for item in root if _local(item) == "si"]

    def _date_styles(self) -> frozenset[int]:
        root = self._of_kind("styles")
        if root is None:
            return frozenset()
        codes = {one.get("numFmtId"): one.get("formatCode", "") for one in _children(root, "numFmts", "numFmt")}
        numbers = [one.get("numFmtId", "0") for one in _children(root, "cellXfs", "xf")]
        return frozenset(
            style
            for style, number in enumerate(numbers)
            if int(number) in _BUILT_IN_DATES or (number in codes and _writes_a_date(codes[number]))
        )

    def _first_day(self) -> datetime:
        said = next((one.get("date1904") for one in _children(self.root, "workbookPr")), None)
        return datetime(1904, 1, 1) if said in ("1", "true") else datetime(1899, 12, 30)  # noqa: DTZ001 -- days


@dataclass(frozen=True, slots=True)
class _Cells:
    texts: list[str]
    date_styles: frozenset[int]
    first_day: datetime

    def rows(self, part: bytes, bounds: Bounds) -> Iterator[SheetRow]:
        """Those that hold something."""
        number = 0
        told = 0
        table: ET.Element | None = None
        for event, element in ET.iterparse(io.BytesIO(part), ("start", "end")):  # noqa: S314 -- has no entities
            if event == "start" and _local(element) == "sheetData":
                table = element
            if event == "start" or table is None or _local(element) != "row":
                continue
            number = _next_number(number, element)
            cells = dict(self._cells(element))
            table.clear()
            if cells:
                told += 1
                check_rows(told - 1, bounds)  # one of them is the header
                yield SheetRow(number, cells)

    def _cells(self, row: ET.Element) -> Iterator[tuple[int, Value]]:
        index = -1
        for cell in row:
            if _local(cell) != "c":
                continue
            reference = _REFERENCE.fullmatch(cell.get("r", ""))
            index = _index(reference.group(1)) if reference else index + 1
            value = self._value(cell)
            if not is_empty(value):
                check_column(index)
                yield index, value

    def _value(self, cell: ET.Element) -> Value:
        inside = {_local(one): one for one in cell}
        stated = inside["v"].text if "v" in inside else None
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _text(inside["is"]) if "is" in inside else None
        if stated is None:
            return _no_result() if "f" in inside and kind != "str" else None
        match kind:
            case "s":
                return self.texts[int(stated)]
            case "str":
                return stated
            case "b":
                return stated == "1"
            case "e":
                return Unusable(stated, "error-value", f"the spreadsheet shows {stated[:50]}", "mend the formula")
            case "d":
                return datetime.fromisoformat(stated)
            case _:
                return self._number(stated, int(cell.get("s", "0")))

    def _number(self, stated: str, style: int) -> Value:
        if style in self.date_styles:
            return self._day(float(stated))
        return int(stated) if stated.isdecimal() and len(stated) < 17 else float(stated)

    def _day(self, days: float) -> date | Unusable:
        """Of the first sixty days of 1900 one did not exist; none of them is a day of this programme."""
        try:
            return self.first_day + timedelta(days=days)
        except (OverflowError, ValueError):
            return Unusable(str(days), "no-such-day", "there is no such day", "write the day as 2018-09-14")


def _next_number(number: int, row: ET.Element) -> int:
    after = int(row.get("r", number + 1))
    if not number < after <= _ROWS_OF_A_SHEET:
        raise ValueError(f"row {after} after row {number}")
    return after


def _no_result() -> Unusable:
    fix = "open the file in the spreadsheet, let it calculate, save it; or write the value itself"
    return Unusable("=…", "formula", "a formula without a result: nothing is calculated here", fix)


def _relations(archive: zipfile.ZipFile, folder: str, path: str) -> dict[str, tuple[str, str]]:
    if path not in archive.namelist():
        return {}
    return {
        one.get("Id", ""): (
            one.get("Type", "").rpartition("/")[2],
            posixpath.normpath(posixpath.join("/", folder, one.get("Target", ""))).lstrip("/"),
        )
        for one in _parsed(archive, path)
        if one.get("TargetMode") != "External"
    }


def _part(archive: zipfile.ZipFile, path: str) -> bytes:
    size = archive.getinfo(path).file_size
    with archive.open(path) as part:
        content = part.read(size)  # without a size it unpacks all there is, whatever the directory says
    if b"<!DOCTYPE" in content or b"\x00" in content:
        raise UnreadableFileError("unreadable", "one of its parts is not as spreadsheets write it", _SAVE_AGAIN)
    return content


def _parsed(archive: zipfile.ZipFile, path: str) -> ET.Element:
    return ET.fromstring(_part(archive, path))  # noqa: S314 -- has no entities


def _local(element: ET.Element) -> str:
    """Its name without the namespace: there are two, and prefixes as writers like."""
    return element.tag.rpartition("}")[2]


def _children(root: ET.Element, *path: str) -> Iterator[ET.Element]:
    for one in root:
        if _local(one) == path[0]:
            if len(path) == 1:
                yield one
            else:
                yield from _children(one, *path[1:])


def _text(item: ET.Element) -> str:
    """All runs of a text; how it is pronounced is no part of it."""
    found = []
    for one in item:
        if _local(one) == "t":
            found.append(one.text or "")
        elif _local(one) == "r":
            found += [part.text or "" for part in one if _local(part) == "t"]
    return "".join(found)


def _writes_a_date(code: str) -> bool:
    first = code.split(";", maxsplit=1)[0]
    return any(letter in "ymdhs" for letter in _NO_PART_OF_A_DATE.sub("", first).lower())


def _index(name: str) -> int:
    index = 0
    for letter in name:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1
