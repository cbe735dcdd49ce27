"""Uploads as they are shown: what was understood, what is wrong by cell, what became of each row."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, Final

from services.intake.domain.uploads.cells import shown
from services.intake.domain.uploads.rows import CellError, cell_of
from services.intake.spreadsheets.bounds import NoSpreadsheetError, TooLargeError, UnreadableFileError
from services.intake.storage.uploads import AnsweredRow, Upload
from services.intake.uploading import Understood
from shared.as_written import visible
from shared.contracts.events import Reason
from shared.in_korean import told, told_again
from shared.problems import Problem

ERRORS_SHOWN: Final = 500
"""Of one file: more than anybody mends at once."""


class CellReason(Reason):
    """A reason and the cell it is about: `header` is its column as the file names it. `cell` and `header` are None
    where there is no such column. `value` is what came, at most 200 characters of it."""

    row: int
    column: str | None
    header: str | None = None
    cell: str | None
    value: str


def unreadable(error: UnreadableFileError) -> Problem:
    """Of a file of which no cell can be told: 413, 415, or 422."""
    status = 413 if isinstance(error, TooLargeError) else 415 if isinstance(error, NoSpreadsheetError) else 422
    reason = Reason(pointer="", code=error.code, detail=str(error), fix=error.fix)
    return Problem(status, error.code, f"The file can't be taken: {error}.", (reason,))


def cell_reasons(errors: Iterable[CellError]) -> list[Reason]:
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
                "read_as": [asdict(one) for one in row.read_as],
            }
            for row in reading.rows
        ],
        "errors_total": len(errors),
        "errors": told(cell_reasons(errors)),
    }


def shown_upload(upload: Upload) -> dict[str, Any]:
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
    return {
        "row": row.row,
        "type": row.type,
        "request": row.message["request"],
        "message": row.message,
        "state": row.answer or ("waiting" if upload.waits else "sent"),
        "version": row.version,
        "answered_at": row.answered_at.isoformat() if row.answered_at else None,
        "errors": _by_cell(upload, row),
    }


def _by_cell(upload: Upload, row: AnsweredRow) -> Sequence[dict[str, Any]]:
    """An answer's reasons, and the cells they are about."""
    reasons = []
    for reason in row.reasons:
        column, cell = cell_of(upload.columns, row.row, reason["pointer"])
        header = upload.file.get("headers", {}).get(column)
        about = {"row": row.row, "column": column, "header": header, "cell": cell, "value": _at(row.message, reason)}
        reasons.append({**told_again(reason), **about})
    return reasons


def _at(message: Any, reason: dict[str, Any]) -> str:
    """What the message said there."""
    for part in filter(None, reason["pointer"].split("/")):
        message = message.get(part) if isinstance(message, dict) else None
    return "" if message is None or isinstance(message, dict | list) else visible(shown(str(message)))
