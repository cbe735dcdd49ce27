"""Reads the first visible sheet of an XLSX. No formula is evaluated: the result that the spreadsheet saved counts.

Uses the standard library alone. The cost of a file is bounded: no part unpacks to more than the archive's directory
states, and the stated total is bounded; no part may define entities, be nested deeper or have more elements than
spreadsheets write, and elements are counted before they are kept.
"""

import io
import posixpath
import re
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.parsers import expat

from services.intake.adapters.spreadsheets.bounds import (
    Bounds,
    Gathered,
    NoSpreadsheetError,
    TooLargeError,
    UnreadableFileError,
)
from services.intake.adapters.spreadsheets.xlsx_parts import (
    SAVE_AGAIN,
    children,
    fed,
    local,
    parsed,
    part_of,
    relations,
)
from services.intake.adapters.spreadsheets.xlsx_table import (
    LISTED_AT_MOST,
    Cells,
    Table,
    is_true,
    spans,
    text_of,
    unescaped,
)
from services.intake.domain.uploads.columns import letters
from services.intake.domain.uploads.sheets import Sheet

_PARTS_AT_MOST: Final = 2000
_BUILT_IN_DATES: Final = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
"""Built-in number formats of days and times (ECMA-376, 18.8.30)."""
_NO_PART_OF_A_DATE: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\[\]]*\]')
"""Matches in linear time: no alternative can run over the start of another match."""
_OUT_OF_MEMORY: Final = expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]


def read_xlsx(content: bytes, bounds: Bounds) -> Sheet:
    """The first visible sheet. Raises UnreadableFileError."""
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
    return UnreadableFileError("unreadable", f"it is no whole XLSX: {type(error).__name__}", SAVE_AGAIN)


def _check_unpacked(archive: zipfile.ZipFile, bounds: Bounds) -> None:
    parts = archive.infolist()
    if len(parts) > _PARTS_AT_MOST:
        raise TooLargeError(f"it has more than {_PARTS_AT_MOST:,} parts", SAVE_AGAIN)
    if sum(part.file_size for part in parts) > bounds.unpacked_bytes:
        fix = "delete sheets, pictures and formats it does not need, or split it into several files"
        raise TooLargeError(f"it unpacks to more than {bounds.unpacked_bytes:,} bytes", fix)
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise UnreadableFileError("unreadable", "it is packed as no spreadsheet packs", SAVE_AGAIN)
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
        workbooks = [path for kind, path in relations(archive, "", "_rels/.rels").values() if kind == "officeDocument"]
        if "[Content_Types].xml" not in names or not workbooks or workbooks[0] not in names:
            raise NoSpreadsheetError("not-a-spreadsheet", "it is an archive, and no XLSX", "save it as XLSX or CSV")
        folder, name = posixpath.split(workbooks[0])
        related = relations(archive, folder, posixpath.join(folder, "_rels", f"{name}.rels"))
        root = parsed(archive, workbooks[0])
        if local(root) != "workbook" or root.tag == "workbook":
            raise NoSpreadsheetError("not-a-spreadsheet", "it is no workbook", "save it as XLSX or CSV")
        return cls(archive, folder, related, root)

    def sheet(self, bounds: Bounds) -> Sheet:
        """The first visible sheet."""
        sheets = [(sheet, self._part(sheet)) for sheet in children(self.root, "sheets", "sheet")]
        tables = [(sheet, path) for sheet, (kind, path) in sheets if kind == "worksheet"]
        visible = [(sheet, path) for sheet, path in tables if sheet.get("state", "visible") == "visible"]
        if not visible:
            raise UnreadableFileError("no-visible-sheet", "it has no visible sheet", "unhide the sheet to be read")
        chosen, path = visible[0]
        others = tuple(_name(sheet) for sheet, _ in sheets if sheet is not chosen)[:LISTED_AT_MOST]
        cells = Cells(self._texts(), self._date_styles(), self._first_day())
        gathered = Gathered(bounds)
        table = Table(cells, gathered)
        fed(table, part_of(self.archive, path))
        return Sheet(
            format="xlsx",
            rows=gathered.rows,
            name=_name(chosen),
            passed_over=others,
            hidden_rows=spans(table.hidden_rows, str),
            hidden_columns=spans(sorted(table.hidden_columns), letters),
        )

    def _part(self, sheet: ET.Element) -> tuple[str, str]:
        relation = next((value for name, value in sheet.attrib.items() if name.endswith("}id")), "")
        return self.related.get(relation, ("", ""))

    def _of_kind(self, kind: str) -> ET.Element | None:
        path = next((path for known, path in self.related.values() if known == kind), None)
        return None if path is None else parsed(self.archive, path)

    def _texts(self) -> list[str]:
        root = self._of_kind("sharedStrings")
        return [] if root is None else [text_of(item) for item in root if local(item) == "si"]

    def _date_styles(self) -> frozenset[int]:
        root = self._of_kind("styles")
        if root is None:
            return frozenset()
        codes = {
            number_format.get("numFmtId"): number_format.get("formatCode", "")
            for number_format in children(root, "numFmts", "numFmt")
        }
        numbers = [cell_format.get("numFmtId", "0") for cell_format in children(root, "cellXfs", "xf")]
        return frozenset(
            style
            for style, number in enumerate(numbers)
            if int(number) in _BUILT_IN_DATES or (number in codes and _writes_a_date(codes[number]))
        )

    def _first_day(self) -> datetime:
        date1904 = next((properties.get("date1904") for properties in children(self.root, "workbookPr")), None)
        return datetime(1904, 1, 1) if is_true(date1904) else datetime(1899, 12, 30)  # noqa: DTZ001 -- days


def _name(sheet: ET.Element) -> str:
    return unescaped(sheet.get("name", ""))[:100]


def _writes_a_date(code: str) -> bool:
    first = code.split(";", maxsplit=1)[0]
    return any(letter in "ymdhs" for letter in _NO_PART_OF_A_DATE.sub("", first).lower())
