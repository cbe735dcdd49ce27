"""What a cell may hold, and how a field is read of it. Nothing is guessed: what is not plainly meant is refused, with
the fix. Only what spreadsheets do of their own accord is seen through: `50.0`, `120,000,000`, a leading apostrophe."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from services.intake.domain.uploads.sheets import SHOWN_AT_MOST, Unusable, Value
from shared.canonical import Json

_GROUPED: Final = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.0+)?")
_PLAIN: Final = re.compile(r"[0-9]+(\.0+)?")
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})\s*[-./]\s*([0-9]{1,2})\s*[-./]\s*([0-9]{1,2})\s*\.?")
_LISTED: Final = re.compile(r"[,;\s]+")
_FORMULA: Final = ("=", "+", "-", "@")


class Kind(StrEnum):
    """How a field is read."""

    REFERENCE = "reference"
    CLASS = "class"
    NUMBER = "number"
    DAY = "day"
    CODES = "codes"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Wrong:
    code: str
    detail: str
    fix: str


def shown(value: Value) -> str:
    """A cell's value for people, never longer than a line."""
    if isinstance(value, Unusable):
        text = value.shown
    elif isinstance(value, datetime) and not (value.hour or value.minute or value.second):
        text = value.date().isoformat()
    else:
        text = "" if value is None else value.isoformat() if isinstance(value, date) else str(value)
    text = text.replace("\x00", "␀")
    return text if len(text) <= SHOWN_AT_MOST else f"{text[:SHOWN_AT_MOST]}…"


def read(kind: Kind, value: Value) -> Json | Wrong:
    """A cell that is not empty, as the field's JSON."""
    if isinstance(value, Unusable):
        return Wrong(value.code, value.detail, value.fix)
    if isinstance(value, bool):
        return Wrong("true-or-false", "a yes or no is none of these fields", "write the value itself")
    if isinstance(value, str):
        value = _without_apostrophe(kind, value.strip())
        if value.startswith("=") and kind is not Kind.TEXT:
            return Wrong("formula", "nothing is calculated here", "write the value itself, without =")
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    return _READERS[kind](value)


def _without_apostrophe(kind: Kind, text: str) -> str:
    """By a leading apostrophe spreadsheets are told that a cell is text; in prose it may be one that is meant."""
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
    return str(value)


def _class(value: Value) -> Json | Wrong:
    if isinstance(value, int) and len(str(value)) < 8:
        return Wrong(
            "leading-zero",
            f"{value} has {len(str(value))} digits: a spreadsheet drops zeros at the beginning",
            "format the column as text, then write all eight digits",
        )
    return _reference(value)


def _number(value: Value) -> Json | Wrong:
    if isinstance(value, int):
        return value
    if isinstance(value, str) and (_GROUPED.fullmatch(value) or _PLAIN.fullmatch(value)) and len(value) < 40:
        return int(value.partition(".")[0].replace(",", ""))
    if isinstance(value, date):
        detail = "the spreadsheet has made a date of it"
    elif isinstance(value, float):
        detail = f"{value} is no whole number"
    else:
        detail = "this is no whole number in digits"
    return Wrong("not-a-whole-number", detail, "write digits alone, such as 120000000 or 120,000,000: no unit, no sign")


def _day(value: Value) -> Json | Wrong:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    written = _YEAR_FIRST.fullmatch(value) if isinstance(value, str) else None
    try:
        if written:
            return date(*map(int, written.groups())).isoformat()
    except ValueError:
        return Wrong("no-such-day", "there is no such day", "write the year, the month and the day: 2018-09-14")
    return Wrong("not-a-day", "this is no date", "write the year, the month and the day: 2018-09-14")


def _codes(value: Value) -> Json | Wrong:
    if not isinstance(value, str):
        return Wrong("not-a-code", "these are no codes", "write codes with commas between, such as nep, net")
    return [code for code in _LISTED.split(value) if code]


def _text(value: Value) -> Json | Wrong:
    return shown(value) if isinstance(value, date) else str(value)


_READERS: Final[Mapping[Kind, Callable[[Value], Json | Wrong]]] = {
    Kind.REFERENCE: _reference,
    Kind.CLASS: _class,
    Kind.NUMBER: _number,
    Kind.DAY: _day,
    Kind.CODES: _codes,
    Kind.TEXT: _text,
}
