"""Reads a field from a cell. Nothing is guessed: ambiguous values are refused, with the fix. Known habits of people and
spreadsheets are understood: `50.0`, `120,000,000`, full-width digits, a leading apostrophe."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from enum import StrEnum
from typing import Final

from services.intake.domain.uploads.sheets import SHOWN_AT_MOST, Unusable, Value
from shared.proof.canonical import Json
from shared.reading import as_written
from shared.reading.as_written import Wrong

_LISTED: Final = re.compile(r"[,;\s]+")
_DIGITS_KEPT: Final = 10**15
_FORMULA: Final = ("=", "+", "-", "@")


class Kind(StrEnum):
    """How a field is read."""

    REFERENCE = "reference"
    CLASS = "class"
    NUMBER = "number"
    DAY = "day"
    CODES = "codes"
    TEXT = "text"


def shown(value: Value) -> str:
    """A cell's value for people, never longer than a line."""
    if isinstance(value, Unusable):
        text = value.shown
    elif isinstance(value, datetime) and value.tzinfo is None and value.time() == time():
        text = value.date().isoformat()
    else:
        text = "" if value is None else value.isoformat() if isinstance(value, date) else str(value)
    text = text.replace("\x00", "␀")
    return text if len(text) <= SHOWN_AT_MOST else f"{text[:SHOWN_AT_MOST]}…"


def read(kind: Kind, value: Value) -> Json | Wrong:
    """The value of a cell that is not empty, as the field's JSON."""
    if isinstance(value, Unusable):
        return Wrong(value.code, value.detail, value.fix)
    if isinstance(value, bool):
        return Wrong("true-or-false", "a yes or no is none of these fields", "write the value itself")
    if isinstance(value, str):
        value = _without_apostrophe(kind, value.strip())
        if value.startswith("=") and kind is not Kind.TEXT:
            return Wrong("formula", "nothing is calculated here", "write the value itself, without =")
    elif isinstance(value, float):
        value = _whole_as_shown(value)
    return _READERS[kind](value)


def _whole_as_shown(value: float) -> float | int:
    """Removes rounding errors of binary fractions beside a whole number: spreadsheets keep fifteen digits."""
    shown_so = float(f"{value:.15g}")
    return int(shown_so) if shown_so.is_integer() else value


def _without_apostrophe(kind: Kind, text: str) -> str:
    """Removes the leading apostrophe that marks text in spreadsheets; in prose it may be meant."""
    marked = text.startswith("'") and (kind is not Kind.TEXT or text[1:].startswith(_FORMULA))
    return text[1:].strip() if marked else text


def _reference(value: Value) -> Json | Wrong:
    if isinstance(value, date):
        return Wrong(
            "date",
            "the spreadsheet has made a date of it",
            "format the column as text, then write the id again, such as 2018-017",
        )
    if isinstance(value, float):
        return Wrong("number", f"{value} is no id", "format the column as text, then write the id again")
    if isinstance(value, int) and abs(value) >= _DIGITS_KEPT:
        detail = "a spreadsheet keeps fifteen digits of a number, and this one has more"
        return Wrong("number", detail, "format the column as text, then write the id again")
    return as_written.plain(str(value))


def _class(value: Value) -> Json | Wrong:
    if isinstance(value, int) and len(str(value)) < 8:
        return Wrong(
            "leading-zero",
            f"{value} has {len(str(value))} digits: a spreadsheet drops zeros at the beginning",
            "format the column as text, then write all eight digits",
        )
    written = _reference(value)
    return as_written.digits(written, (8,)) if isinstance(written, str) else written


def _number(value: Value) -> Json | Wrong:
    if isinstance(value, int):
        return value
    if isinstance(value, date):
        detail = "the spreadsheet has made a date of it"
    elif isinstance(value, float):
        detail = f"{value} is no whole number"
    else:
        return as_written.whole(str(value))
    return Wrong("not-a-whole-number", detail, as_written.WRITE_A_NUMBER)


def _day(value: Value) -> Json | Wrong:
    if isinstance(value, datetime):
        if value.tzinfo is not None or value.time() != time():
            return as_written.timed_day(f"a day alone is needed, and this is {value.isoformat(' ')}")
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return as_written.day(value)
    return Wrong("not-a-day", "this is no date", as_written.WRITE_A_DAY)


def _codes(value: Value) -> Json | Wrong:
    if not isinstance(value, str):
        return Wrong("not-a-code", "these are no codes", "write codes with commas between, such as nep, net")
    return [code for code in _LISTED.split(as_written.plain(value)) if code]


def _text(value: Value) -> Json | Wrong:
    return as_written.prose(value) if isinstance(value, str) else shown(value)


_READERS: Final[Mapping[Kind, Callable[[Value], Json | Wrong]]] = {
    Kind.REFERENCE: _reference,
    Kind.CLASS: _class,
    Kind.NUMBER: _number,
    Kind.DAY: _day,
    Kind.CODES: _codes,
    Kind.TEXT: _text,
}
