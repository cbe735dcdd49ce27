"""A table as its file holds it, before it is interpreted."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

from shared.reading.as_written import is_blank

LONGEST_TEXT: Final = 32_767
"""Most characters of a cell in Excel."""
SHOWN_AT_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Unusable:
    """A cell with no readable value, such as a formula without a result."""

    shown: str
    code: str
    detail: str
    fix: str


Value: TypeAlias = "str | int | float | bool | date | Unusable | None"


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row of a sheet. `cells` by column, from 0; missing ones are empty."""

    number: int
    cells: Mapping[int, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a file shows. `passed_over`: its other sheets. `hidden_rows` and `hidden_columns` have content that is
    hidden on the screen: their numbers and letters, such as `3` or `7-90`, passed over as well."""

    format: str
    rows: Sequence[SheetRow]
    encoding: str | None = None
    name: str | None = None
    passed_over: tuple[str, ...] = ()
    hidden_rows: tuple[str, ...] = ()
    hidden_columns: tuple[str, ...] = ()


def is_empty(value: Value) -> bool:
    """True for no value, and for blank text."""
    return value is None or (isinstance(value, str) and is_blank(value))


def text_value(text: str) -> Value:
    """A cell's text in NFC, since macOS decomposes Korean; Unusable where it is too long."""
    if len(text) > LONGEST_TEXT:
        fix = f"shorten it to {LONGEST_TEXT:,} characters, which is what a spreadsheet's cell holds"
        return Unusable(text[:SHOWN_AT_MOST], "too-long", f"its text has {len(text):,} characters", fix)
    return unicodedata.normalize("NFC", text)
