"""Turns an uploaded file into inbox messages, or into errors by cell."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.intake.adapters.spreadsheets.bounds import UnreadableFileError
from services.intake.domain.uploads.columns import COLUMNS
from services.intake.domain.uploads.rows import NoHeaderError, Reading, Row, contract_errors, read_rows
from services.intake.domain.uploads.sheets import Sheet
from services.intake.storage.uploads import UploadRow
from services.intake.usecases.inbox_parsing import read_body
from shared.contracts import topics
from shared.kafka.cloudevents import Outgoing, event_id

_HEADERS = "write the names of the columns in one row, such as " + ", ".join(
    f"{column.name} ({column.ko})" for column in COLUMNS[:6]
)

_ROWS = "write one request in each row, such as " + ", ".join(
    str(column.example) for column in COLUMNS[1:] if column.example
)


@dataclass(frozen=True, slots=True)
class Understood:
    """A file as it was read: every row, and every error by its cell."""

    sheet: Sheet
    reading: Reading

    def file(self) -> dict[str, Any]:
        """What was read of the file, and how."""
        sheet = self.sheet
        return {
            "format": sheet.format,
            "encoding": sheet.encoding,
            "sheet": sheet.name,
            "sheets_passed_over": list(sheet.passed_over),
            "hidden_rows_passed_over": list(sheet.hidden_rows),
            "hidden_columns_passed_over": list(sheet.hidden_columns),
            "header_row": self.reading.header_row,
            "headers": dict(self.reading.headers),
        }


def understand(sheet: Sheet, round_id: str, institution: str) -> Understood:
    """Reads every row and checks it against its contract. Raises UnreadableFileError."""
    try:
        reading = read_rows(sheet, round_id, institution)
    except NoHeaderError as error:
        raise UnreadableFileError(error.code, str(error), _HEADERS) from error
    if not reading.rows:
        raise UnreadableFileError("no-rows", "nothing stands below the headers", _ROWS)
    return Understood(sheet, replace(reading, rows=tuple(_held_against_contract(reading, row) for row in reading.rows)))


def _held_against_contract(reading: Reading, row: Row) -> Row:
    asks = read_body(row.type, _body(row.message)) if row.type else None
    if not isinstance(asks, tuple):
        return row
    return replace(row, errors=(*row.errors, *contract_errors(reading, row, asks)))


def upload_rows(upload: str, rows: Sequence[Row]) -> list[UploadRow]:
    """Rows without an error, each with the id of its message, which is the same every time."""
    return [
        UploadRow(
            row=row.number, message_id=event_id("upload", upload, row.number), type=row.type or "", message=row.message
        )
        for row in rows
    ]


def messages(institution: str, rows: Sequence[UploadRow], now: datetime, traceparent: str | None) -> list[Outgoing]:
    """Messages as the institution itself would send them, in the order of the rows."""
    return [
        Outgoing(
            topic=topics.inbox(institution).name,
            key=row.message["request"],
            type=row.type,
            id=row.message_id,
            subject=row.message["request"],
            time=now,
            body=_body(row.message),
            traceparent=traceparent,
        )
        for row in rows
    ]


def _body(message: dict[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()
