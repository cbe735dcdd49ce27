"""XLSX, by its first visible sheet. Formulas are not evaluated: what the spreadsheet last saw in them counts.

With the standard library alone. What a file may cost is bounded: a part never unpacks to more than the archive's
directory says, and what that says in all is bounded; no part may define entities, be nested deeper or have more
elements than any spreadsheet writes, and elements are counted before they are kept.
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
from typing import Any, Final
from xml.parsers import expat

from services.intake.domain.uploads.sheets import SHOWN_AT_MOST, Sheet, Unusable, Value
from services.intake.spreadsheets.bounds import (
    SAVE_PLAIN,
    Bounds,
    Gathered,
    NoSpreadsheetError,
    TooLargeError,
    UnreadableFileError,
)

_PARTS_AT_MOST: Final = 2000
_DEPTH_AT_MOST: Final = 64
_KEPT_AT_MOST: Final = 500_000
"""Elements of a part that is kept whole, such as styles: Excel has at most 64,000 formats of cells."""
_READ_AT_MOST: Final = 2_000_000
"""Elements of a table, of which one row at a time is kept."""
_FED_AT_ONCE: Final = 1_048_576
_SHEETS_TOLD: Final = 50
_ROWS_OF_A_SHEET: Final = 1_048_576
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_BUILT_IN_DATES: Final = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
"""Number formats of days and times that every spreadsheet knows by number."""
_NO_PART_OF_A_DATE: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\[\]]*\]')
"""Linear in what it meets: none of its parts runs over the beginning of another of its kind."""
_OUT_OF_MEMORY: Final = expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]
_SAVE_AGAIN: Final = "open it in the spreadsheet, save it as XLSX again, and send that"


def read_xlsx(content: bytes, bounds: Bounds) -> Sheet:
    """Raises UnreadableFileError."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_unpacked(archive, bounds)
            return _Workbook.of(archive).sheet(bounds)
    except UnreadableFileError:
        raise
    except ET.ParseError as error:
        if error.code == _OUT_OF_MEMORY:
            raise MemoryError from error
        raise _no_whole_xlsx(error) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, LookupError, ValueError) as error:
        raise _no_whole_xlsx(error) from error


def _no_whole_xlsx(error: Exception) -> UnreadableFileError:
    return UnreadableFileError("unreadable", f"it is no whole XLSX: {type(error).__name__}", _SAVE_AGAIN)


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
        others = tuple(one.get("name", "")[:100] for one, _ in sheets if one is not chosen)[:_SHEETS_TOLD]
        cells = _Cells(self._texts(), self._date_styles(), self._first_day())
        gathered = Gathered(bounds)
        _fed(_Rows(cells, gathered), _part(self.archive, path))
        return Sheet(format="xlsx", rows=gathered.rows, name=chosen.get("name", "")[:100], passed_over=others)

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

    def of(self, row: ET.Element) -> Iterator[tuple[int, Value]]:
        index = -1
        for cell in row:
            if _local(cell) != "c":
                continue
            reference = _REFERENCE.fullmatch(cell.get("r", ""))
            index = _index(reference.group(1)) if reference else index + 1
            yield index, self._value(cell)

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
                detail = f"the spreadsheet shows {stated[:50]}"
                return Unusable(stated[:SHOWN_AT_MOST], "error-value", detail, "mend the formula")
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


class _Counted(ET.TreeBuilder):
    """Makes a tree of a part, unless it is deeper or has more elements than is allowed."""

    def __init__(self, at_most: int) -> None:
        super().__init__()
        self._left, self._at_most = at_most, at_most
        self._depth = 0

    def start(self, tag: Any, attrs: Any, /) -> ET.Element:
        self._left -= 1
        self._depth += 1
        if self._depth > _DEPTH_AT_MOST:
            raise TooLargeError(f"one of its parts is nested deeper than {_DEPTH_AT_MOST} elements", SAVE_PLAIN)
        if self._left < 0:
            raise TooLargeError(f"one of its parts has more than {self._at_most:,} elements", SAVE_PLAIN)
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ET.Element:
        self._depth -= 1
        return super().end(tag)


class _Rows(_Counted):
    """Gathers the rows of a table, each as it ends, and keeps none of their elements."""

    def __init__(self, cells: _Cells, gathered: Gathered) -> None:
        super().__init__(_READ_AT_MOST)
        self._cells, self._gathered = cells, gathered
        self._number = 0
        self._table: ET.Element | None = None

    def start(self, tag: Any, attrs: Any, /) -> ET.Element:
        element = super().start(tag, attrs)
        if _local(element) == "sheetData":
            self._table = element
        return element

    def end(self, tag: str, /) -> ET.Element:
        element = super().end(tag)
        if self._table is not None and _local(element) == "row":
            self._number = _next_number(self._number, element)
            self._gathered.add(self._number, self._cells.of(element))
            self._table.clear()
        return element


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
    return _fed(_Counted(_KEPT_AT_MOST), _part(archive, path))


def _fed(builder: ET.TreeBuilder, part: bytes) -> ET.Element:
    parser = ET.XMLParser(target=builder)  # noqa: S314 -- has no entities
    for at in range(0, len(part), _FED_AT_ONCE):
        parser.feed(part[at : at + _FED_AT_ONCE])  # after a refusal the parser goes on to the end of what it was fed
    root: ET.Element = parser.close()
    return root


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
