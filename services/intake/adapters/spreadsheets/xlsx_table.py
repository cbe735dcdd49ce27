"""The table of an XLSX sheet: its cells as values, its rows as shown."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from services.intake.adapters.spreadsheets.bounds import Gathered
from services.intake.adapters.spreadsheets.xlsx_parts import Counted, local
from services.intake.domain.uploads.sheets import SHOWN_AT_MOST, Unusable, Value, is_empty
from shared.reading.as_written import WRITE_A_DAY

_READ_AT_MOST: Final = 2_000_000
"""Most elements of a table, of which one row at a time is kept."""
_ROWS_OF_A_SHEET: Final = 1_048_576
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_ESCAPED: Final = re.compile("_x([Dd][89ABab][0-9A-Fa-f]{2})__x([Dd][C-Fc-f][0-9A-Fa-f]{2})_|_x([0-9A-Fa-f]{4})_")
"""A character that XML can't hold, or an underscore that does not begin one (ECMA-376, 22.9.2.19, ST_Xstring)."""
_SURROGATES: Final = range(0xD800, 0xE000)
_ROUNDING: Final = timedelta(milliseconds=500)
"""Rounds a moment, which spreadsheets keep as a binary fraction of days, to a whole second."""
LISTED_AT_MOST: Final = 50
"""Most sheets, rows or columns that are listed as passed over."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Converts cells to values."""

    texts: list[str]
    date_styles: frozenset[int]
    first_day: datetime

    def of(self, row: ET.Element) -> Iterator[tuple[int, Value]]:
        """The cells of a row, each as (column from 0, value)."""
        index = -1
        for cell in row:
            if local(cell) != "c":
                continue
            reference = _REFERENCE.fullmatch(cell.get("r", ""))
            index = _index(reference.group(1)) if reference else index + 1
            yield index, self._value(cell)

    def _value(self, cell: ET.Element) -> Value:
        inside = {local(child): child for child in cell}
        written = inside["v"].text if "v" in inside else None
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return text_of(inside["is"]) if "is" in inside else None
        if written is None:
            return _no_result() if "f" in inside and kind != "str" else None
        match kind:
            case "s":
                return self.texts[int(written)]
            case "str":
                return unescaped(written)
            case "b":
                return written == "1"
            case "e":
                detail = f"the spreadsheet shows {written[:50]}"
                return Unusable(written[:SHOWN_AT_MOST], "error-value", detail, "mend the formula")
            case "d":
                return _stated_day(written)
            case _:
                return self._number(written, int(cell.get("s", "0")))

    def _number(self, written: str, style: int) -> Value:
        if style in self.date_styles:
            return self._day(float(written))
        return int(written) if written.isdecimal() and len(written) < 17 else float(written)

    def _day(self, days: float) -> date | Unusable:
        """A moment, to the second. Spreadsheets count a 29 February 1900 that did not exist; no day of the programme is
        that early."""
        try:
            return (self.first_day + timedelta(days=days) + _ROUNDING).replace(microsecond=0)
        except (OverflowError, ValueError):
            return _no_such_day(str(days))


def _stated_day(written: str) -> date | Unusable:
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return _no_such_day(written)


def _no_such_day(written: str) -> Unusable:
    return Unusable(written[:SHOWN_AT_MOST], "no-such-day", "there is no such day", WRITE_A_DAY)


class Table(Counted):
    """Gathers the rows of a table as each ends, without keeping their elements. Notes hidden rows and columns."""

    def __init__(self, cells: Cells, gathered: Gathered) -> None:
        super().__init__(_READ_AT_MOST)
        self._cells, self._gathered = cells, gathered
        self._number = 0
        self._table: ET.Element | None = None
        self._unseen_columns: list[range] = []
        self._rows_unseen = False
        self.hidden_rows: list[int] = []
        self.hidden_columns: set[int] = set()

    def start(self, tag: Any, attrs: Any, /) -> ET.Element:
        element = super().start(tag, attrs)
        match local(element):
            case "sheetData":
                self._table = element
            case "sheetFormatPr":
                self._rows_unseen = is_true(element.get("zeroHeight"))
            case "col" if self._table is None and _is_unseen(element, "width"):
                first, last = int(element.get("min", "1")), int(element.get("max", "1"))
                self._unseen_columns.append(range(first - 1, last))
        return element

    def end(self, tag: str, /) -> ET.Element:
        element = super().end(tag)
        if self._table is not None and local(element) == "row":
            self._number = _next_number(self._number, element)
            if _is_unseen(element, "ht", self._rows_unseen):
                if any(not is_empty(value) for _, value in self._cells.of(element)):
                    self.hidden_rows.append(self._number)
            else:
                self._gathered.add(self._number, self._seen(element))
            self._table.clear()
        return element

    def _seen(self, row: ET.Element) -> Iterator[tuple[int, Value]]:
        for index, value in self._cells.of(row):
            if not any(index in columns for columns in self._unseen_columns):
                yield index, value
            elif not is_empty(value):
                self.hidden_columns.add(index)


def _is_unseen(element: ET.Element, size: str, unless_said: bool = False) -> bool:
    """Hidden by hand, by a filter or by an outline, or of no size."""
    hidden = element.get("hidden")
    if hidden is not None:
        return is_true(hidden)
    length = element.get(size)
    return unless_said if length is None else float(length) == 0


def is_true(written: str | None) -> bool:
    return written in ("1", "true")


def spans(numbers: Sequence[int], named: Callable[[int], str]) -> tuple[str, ...]:
    """Ascending numbers as spans, such as `3` and `7-90`; at most 50 of them."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        elif len(spans) < LISTED_AT_MOST:
            spans.append([number, number])
        else:
            return (*_named(spans, named), "…")
    return tuple(_named(spans, named))


def _named(spans: Iterable[Sequence[int]], named: Callable[[int], str]) -> Iterator[str]:
    for first, last in spans:
        yield named(first) if first == last else f"{named(first)}-{named(last)}"


def _next_number(number: int, row: ET.Element) -> int:
    after = int(row.get("r", number + 1))
    if not number < after <= _ROWS_OF_A_SHEET:
        raise ValueError(f"row {after} after row {number}")
    return after


def _no_result() -> Unusable:
    fix = "open the file in the spreadsheet, let it calculate, save it; or write the value itself"
    return Unusable("=…", "formula", "a formula without a result: nothing is calculated here", fix)


def text_of(item: ET.Element) -> str:
    """All runs of a text, without phonetic hints."""
    texts = []
    for child in item:
        if local(child) == "t":
            texts.append(child.text or "")
        elif local(child) == "r":
            texts += [part.text or "" for part in child if local(part) == "t"]
    return "".join(map(unescaped, texts))


def unescaped(text: str) -> str:
    """Decodes `_xHHHH_`."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(match: re.Match[str]) -> str:
    """Half of a surrogate pair alone is no character: it stays as written."""
    high, low, unit = match.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF))
    return match.group() if int(unit, 16) in _SURROGATES else chr(int(unit, 16))


def _index(name: str) -> int:
    index = 0
    for letter in name:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1
