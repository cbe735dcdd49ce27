"""Tables that institutions uploaded, and what became of each of their rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.intake.storage.requests import InboxMessage
from shared.contracts.events import InboxAnswered
from shared.service.postgres import Connection

SAVE = """
INSERT INTO uploads (upload, institution, round, key, content_hash, uploaded_by, uploaded_at, file, columns)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (institution, key) DO NOTHING RETURNING upload
"""
SAVE_ROWS = """
INSERT INTO upload_rows (upload, row, message_id, type, message)
SELECT $1, * FROM unnest($2::int[], $3::text[], $4::text[], $5::jsonb[])
"""
# `waits`: the brokers do not hold its messages yet. They leave the outbox as they entered it, in one batch.
_UPLOAD = """
SELECT u.upload::text, u.institution, u.round, u.content_hash, u.uploaded_by, u.uploaded_at, u.file, u.columns,
       EXISTS (SELECT FROM outbox o
               WHERE (SELECT message_id FROM upload_rows r WHERE r.upload = u.upload LIMIT 1) = ANY(o.ids)) AS waits,
       (SELECT jsonb_object_agg(state, number) FROM (
            SELECT coalesce(answer, 'sent') AS state, count(*) AS number FROM upload_rows r
            WHERE r.upload = u.upload GROUP BY 1) counted) AS states
FROM uploads u WHERE u.institution = $1
"""
UPLOAD = _UPLOAD + " AND u.upload::text = $2"
BY_KEY = _UPLOAD + " AND u.key = $2"
_BEFORE = """
AND ($2::text IS NULL OR (u.uploaded_at, u.upload) < (
    SELECT uploaded_at, upload FROM uploads WHERE institution = $1 AND upload::text = $2))
ORDER BY u.uploaded_at DESC, u.upload DESC LIMIT $3
"""
NEWEST = _UPLOAD + _BEFORE
ROWS = """
SELECT row, type, message, answer, version, reasons, answered_at FROM upload_rows WHERE upload = $1 ORDER BY row
"""
UNSENT = "SELECT EXISTS (SELECT FROM outbox WHERE $1 = ANY(topics))"
# The first record with a row's id is that row's; any other is the same message again.
TAKEN = """
UPDATE upload_rows r SET "offset" = coalesce(r."offset", found.number)
FROM (
    SELECT institution, id, min(number) AS number
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS read(institution, id, number) GROUP BY 1, 2
) found JOIN uploads u ON u.institution = found.institution
WHERE r.message_id = found.id AND r.upload = u.upload RETURNING r.message_id, r."offset"
"""
ANSWERED = """
UPDATE upload_rows r
SET "offset" = said.number, answer = said.answer, version = said.version, reasons = said.reasons::jsonb,
    answered_at = said.at
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::int[], $6::text[], $7::timestamptz[])
     AS said(institution, id, number, answer, version, reasons, at)
JOIN uploads u USING (institution)
WHERE r.message_id = said.id AND r.upload = u.upload AND r.answer IS NULL
  AND coalesce(r."offset", said.number) = said.number
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRow:
    """One message, before it is answered. `row`: its number in the sheet."""

    row: int
    message_id: str
    type: str
    message: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """An upload to be stored."""

    upload: str
    institution: str
    round: str
    key: str
    content_hash: bytes
    uploaded_by: str
    uploaded_at: datetime
    file: dict[str, Any]
    columns: Mapping[str, str]
    rows: Sequence[UploadRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A stored upload. `states`: number of rows by answer, where `sent` means none yet. `columns`: letters by name."""

    upload: str
    institution: str
    round: str
    content_hash: bytes
    uploaded_by: str
    uploaded_at: datetime
    file: dict[str, Any]
    columns: dict[str, str]
    waits: bool
    states: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredRow:
    """A row with its answer, if there is one yet."""

    row: int
    type: str
    message: dict[str, Any]
    answer: str | None
    version: int | None
    reasons: list[dict[str, Any]]
    answered_at: datetime | None


async def save(connection: Connection, new: NewUpload) -> bool:
    """Stores an upload; False when the institution has one under that key."""
    saved = await connection.fetchval(
        SAVE,
        new.upload,
        new.institution,
        new.round,
        new.key,
        new.content_hash,
        new.uploaded_by,
        new.uploaded_at,
        new.file,
        dict(new.columns),
    )
    if saved is None:
        return False
    await connection.execute(
        SAVE_ROWS,
        new.upload,
        [row.row for row in new.rows],
        [row.message_id for row in new.rows],
        [row.type for row in new.rows],
        [row.message for row in new.rows],
    )
    return True


async def load(connection: Connection, code: str, upload: str) -> Upload | None:
    row = await connection.fetchrow(UPLOAD, code, upload)
    return Upload(**row) if row else None


async def by_key(connection: Connection, code: str, key: str) -> Upload | None:
    row = await connection.fetchrow(BY_KEY, code, key)
    return Upload(**row) if row else None


async def newest(connection: Connection, code: str, before: str | None, limit: int) -> list[Upload]:
    """Newest first; those before the upload `before`."""
    return [Upload(**row) for row in await connection.fetch(NEWEST, code, before, limit)]


async def rows(connection: Connection, upload: str) -> list[AnsweredRow]:
    return [AnsweredRow(**row) for row in await connection.fetch(ROWS, upload)]


async def is_sending(connection: Connection, inbox: str) -> bool:
    """True if an upload to this inbox waits for the brokers."""
    waiting: bool = await connection.fetchval(UNSENT, inbox)
    return waiting


async def taken(connection: Connection, messages: Sequence[InboxMessage]) -> dict[str, int]:
    """The offset of the record that counts, by message id, for messages that are rows of uploads."""
    rows = await connection.fetch(
        TAKEN,
        [message.institution for message in messages],
        [message.message_id for message in messages],
        [message.offset for message in messages],
    )
    return {row["message_id"]: row["offset"] for row in rows}


async def answered(connection: Connection, answers: Sequence[InboxAnswered]) -> None:
    """Stores the answers to rows of uploads, once each; other answers are ignored."""
    await connection.execute(
        ANSWERED,
        [answer.institution for answer in answers],
        [answer.quotes for answer in answers],
        [answer.offset for answer in answers],
        [answer.answer.value for answer in answers],
        [answer.version for answer in answers],
        [json.dumps([reason.model_dump() for reason in answer.reasons], ensure_ascii=False) for answer in answers],
        [answer.answered_at for answer in answers],
    )
