"""Uploads as they are shown: what was understood, what is wrong by cell, what became of each row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from services.intake.adapters.spreadsheets.bounds import NoSpreadsheetError, TooLargeError, UnreadableFileError
from services.intake.domain.likelihood import warnings
from services.intake.domain.uploads.cell_errors import CellError
from services.intake.domain.uploads.cells import shown
from services.intake.domain.uploads.rows import cell_of
from services.intake.storage.uploads import AnsweredRow, Upload
from services.intake.usecases.upload import Understood
from shared.contracts.events import Answer, Reason
from shared.contracts.facts import RequestFacts
from shared.reading.as_written import visible
from shared.service.problems import Problem
from shared.wording.in_korean import told, told_again

_FACTS: Final = TypeAdapter(RequestFacts)
_TAKEN: Final = (Answer.ACCEPTED, Answer.DUPLICATE)
ERRORS_SHOWN: Final = 500
"""Most errors shown of one file."""


class CellReason(Reason):
    """A reason and its cell. `header` is its column as the file names it. `cell` and `header` are None where there is
    no such column. `value`: what the cell has, at most 200 characters of it."""

    row: int
    column: str | None
    header: str | None = None
    cell: str | None
    value: str


def unreadable(error: UnreadableFileError) -> Problem:
    """The Problem for a file that can't be parsed: 413, 415 or 422."""
    status = 413 if isinstance(error, TooLargeError) else 415 if isinstance(error, NoSpreadsheetError) else 422
    reason = Reason(pointer="", code=error.code, detail=str(error), fix=error.fix)
    return Problem(status, error.code, f"The file can't be taken: {error}.", (reason,))


def cell_reasons(errors: Iterable[CellError]) -> list[Reason]:
    """Errors as reasons, the first of them."""
    return [
        CellReason(
            pointer=f"/rows/{error.row}" + (f"/{error.column}" if error.column else ""),
            code=error.code,
            detail=error.detail,
            fix=error.fix,
            row=error.row,
            column=error.column,
            header=error.header,
            cell=error.cell,
            value=error.value,
        )
        for error in islice(errors, ERRORS_SHOWN)
    ]


def shown_preview(code: str, round_id: str, understood: Understood) -> dict[str, Any]:
    """A file as it was understood, for the institution to check."""
    reading = understood.reading
    errors = list(reading.all_errors())
    return {
        "institution": code,
        "round": round_id,
        "preview": True,
        "sendable": not errors,
        "file": understood.file(),
        "columns": reading.columns,
        "rows": [
            {
                "row": row.number,
                "type": row.type,
                "message": row.message,
                "errors": len(row.errors),
                "warnings": _warnings(reading.columns, reading.headers, row.number, row.message),
                "read_as": [asdict(cell) for cell in row.read_as],
            }
            for row in reading.rows
        ],
        "errors_total": len(errors),
        "errors": told(cell_reasons(errors)),
    }


def shown_upload(upload: Upload) -> dict[str, Any]:
    """An upload and how many of its rows have which answer."""
    return {
        "upload": upload.upload,
        "institution": upload.institution,
        "round": upload.round,
        "uploaded_by": upload.uploaded_by,
        "uploaded_at": upload.uploaded_at.isoformat(),
        "file": upload.file,
        "with_brokers": not upload.waits,
        "rows": sum(upload.states.values()),
        "states": upload.states,
    }


def shown_row(upload: Upload, row: AnsweredRow) -> dict[str, Any]:
    """A row and its answer."""
    return {
        "row": row.row,
        "type": row.type,
        "request": row.message["request"],
        "message": row.message,
        "state": row.answer or ("waiting" if upload.waits else "sent"),
        "version": row.version,
        "answered_at": row.answered_at.isoformat() if row.answered_at else None,
        "errors": _by_cell(upload.columns, _headers(upload), row.row, row.message, row.reasons),
        "warnings": _warnings(upload.columns, _headers(upload), row.row, row.message) if row.answer in _TAKEN else [],
    }


def _headers(upload: Upload) -> Mapping[str, str]:
    """What the file calls its columns; nothing for uploads stored before this was kept."""
    headers: dict[str, str] = upload.file.get("headers", {})
    return headers


def _warnings(
    columns: Mapping[str, str], headers: Mapping[str, str], row: int, message: dict[str, Any]
) -> Sequence[dict[str, Any]]:
    """The same as in the answer to the message; none for facts that can't be read."""
    try:
        remarks = warnings(_FACTS.validate_python(message["facts"]))
    except (KeyError, ValidationError):
        return []
    return _by_cell(columns, headers, row, message, [remark.model_dump() for remark in remarks])


def _by_cell(
    columns: Mapping[str, str],
    headers: Mapping[str, str],
    row: int,
    message: dict[str, Any],
    reasons: Iterable[Mapping[str, Any]],
) -> Sequence[dict[str, Any]]:
    """An answer's reasons with the cells they are about."""
    shown_so = []
    for reason in reasons:
        column, cell = cell_of(columns, row, reason["pointer"])
        header, value = headers.get(column or ""), _at(message, reason)
        shown_so.append(
            {**told_again(reason), "row": row, "column": column, "header": header, "cell": cell, "value": value}
        )
    return shown_so


def _at(message: Any, reason: Mapping[str, Any]) -> str:
    """The value that the message has there."""
    for part in filter(None, reason["pointer"].split("/")):
        message = message.get(part) if isinstance(message, dict) else None
    return "" if message is None or isinstance(message, dict | list) else visible(shown(str(message)))
