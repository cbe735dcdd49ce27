"""Errors in the cells of an uploaded table."""

from dataclasses import dataclass

from services.intake.domain.uploads.sheets import SHOWN_AT_MOST
from shared.reading.as_written import Wrong, visible


@dataclass(frozen=True, slots=True, kw_only=True)
class CellError:
    """What is wrong in one cell, and how to fix it. `header`: its column as the file names it. `cell` and `header` are
    None where there is no such column. `value`: the cell's text, made safe to show."""

    row: int
    column: str | None
    header: str | None
    cell: str | None
    value: str
    code: str
    detail: str
    fix: str


def cell_error(
    row: int, column: str | None, cell: str | None, value: str, wrong: Wrong, header: str | None = None
) -> CellError:
    """The error of a cell, with its text shortened and made safe to show."""
    return CellError(
        row=row,
        column=column,
        header=header,
        cell=cell,
        value=visible(value)[: SHOWN_AT_MOST + 1],
        code=wrong.code,
        detail=wrong.detail,
        fix=wrong.fix,
    )
