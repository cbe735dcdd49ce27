"""Finds the header row of a sheet and the columns that it names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from services.intake.domain.uploads.cell_errors import CellError, cell_error
from services.intake.domain.uploads.cells import shown
from services.intake.domain.uploads.columns import COLUMNS, letters, named
from services.intake.domain.uploads.sheets import SheetRow, Value, is_empty
from shared.reading.as_written import Wrong, visible

HEADER_WITHIN: Final = 20
"""Rows among which the header is searched: titles may precede it."""


def is_header(row: SheetRow) -> bool:
    """True for two known names, or for a single one that is the row's only text."""
    texts = [value for value in row.cells.values() if isinstance(value, str) and value.strip()]
    known = sum(named(text) is not None for text in texts)
    return known > 1 or known == len(texts) == 1


@dataclass(frozen=True, slots=True)
class Heading:
    """The column index, the header text and the errors of a header row; columns by name."""

    columns: Mapping[str, int]
    headers: Mapping[str, str]
    errors: tuple[CellError, ...]

    @classmethod
    def of(cls, header: SheetRow, below: Sequence[SheetRow]) -> "Heading":
        """Reads a header. Columns count if they have a header or a value in the rows `below`."""
        columns: dict[str, int] = {}
        headers: dict[str, str] = {}
        errors = []
        used = {index for row in below for index, value in row.cells.items() if not is_empty(value)}
        headed = {index for index, value in header.cells.items() if not is_empty(value)}
        for index in sorted(used | headed):
            value = header.cells.get(index)
            name = named(value) if isinstance(value, str) else None
            if name is not None and name not in columns:
                columns[name], headers[name] = index, visible(shown(value))
            else:
                errors.append(_header_error(header.number, index, value, name, columns))
        return cls(columns, headers, tuple(errors))


def _header_error(row: int, index: int, value: Value, repeated: str | None, columns: Mapping[str, int]) -> CellError:
    written = visible(shown(value))
    if repeated is not None:
        code, detail = "repeated-column", f"{repeated} stands twice"
        fix = f"remove one of the two columns, {letters(columns[repeated])} or {letters(index)}"
    elif is_empty(value):
        code, detail = "no-header", "something stands below, and nothing says what; or the header's cells are merged"
        fix = "give each column a header of its own, such as quantity (수량), or empty it"
    else:
        near = get_close_matches(
            shown(value).casefold(), [header for known in COLUMNS for header in (known.name, known.ko)], 1
        )
        code, detail = "unknown-column", f"'{written}' is no column"
        other = "remove the column, or name it as the template does, such as quantity (수량)"
        fix = f"write {near[0]}, or remove the column" if near else other
    return cell_error(row, None, f"{letters(index)}{row}", written, Wrong(code, detail, fix), written or None)
