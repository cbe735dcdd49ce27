"""How much of a file is read, and what is said of one that can't be."""

from dataclasses import dataclass
from typing import Final

COLUMNS_AT_MOST: Final = 64


@dataclass(frozen=True, slots=True)
class Bounds:
    """`unpacked_bytes`: of all that an XLSX holds, once unpacked."""

    rows: int
    unpacked_bytes: int


class UnreadableFileError(ValueError):
    """`code` says of what kind; the message is for whoever sent the file."""

    def __init__(self, code: str, detail: str, fix: str) -> None:
        super().__init__(detail)
        self.code = code
        self.fix = fix


class NoSpreadsheetError(UnreadableFileError):
    """Neither CSV nor XLSX, whatever it is called."""


class TooLargeError(UnreadableFileError):
    """Beyond a bound, which the message names."""

    def __init__(self, detail: str, fix: str = "split it into several files") -> None:
        super().__init__("too-large", detail, fix)


def check_rows(rows: int, bounds: Bounds) -> None:
    if rows > bounds.rows:
        raise TooLargeError(f"it has more than {bounds.rows:,} rows, which is as many as one upload may have")


def check_column(index: int) -> None:
    if index >= COLUMNS_AT_MOST:
        raise TooLargeError(
            f"something stands beyond its column {COLUMNS_AT_MOST}, the last that is looked at", "empty those columns"
        )
