"""Returned mails that a person has to look at, and the tags that prove returned mails genuine."""

from typing import Any, Final

from shared.proof.canonical import sha256_hex
from shared.service.postgres import Connection, rows_changed

MOST_STORED: Final = 500
LONGEST_WORDS: Final = 1_000
TAG = "SELECT notice_tag($1)"
# A mail that is stored already is found, even when the limit is reached.
KEEP = """
INSERT INTO returned_mails (digest, why, delivery, status, words, content)
SELECT $1, $2, $3, $4, $5, $6
WHERE (SELECT count(*) FROM returned_mails) < $7 OR EXISTS (SELECT FROM returned_mails WHERE digest = $1)
ON CONFLICT (digest) DO UPDATE SET why = excluded.why RETURNING id::text
"""
LIST = """
SELECT id::text, why, delivery::text, status, words, length(content) AS bytes, arrived_at
FROM returned_mails ORDER BY arrived_at DESC, id LIMIT $1
"""
CONTENT = "SELECT content FROM returned_mails WHERE id = $1"
DONE = "DELETE FROM returned_mails WHERE id = $1"
FORGET_ERASED = """
DELETE FROM returned_mails m USING deliveries d, contacts c
WHERE d.delivery = m.delivery AND c.party = d.recipient AND c.email IS NULL
"""


async def tag_of(connection: Connection, delivery: str) -> str:
    """The tag in the envelope sender of this delivery's mail."""
    tag: str = await connection.fetchval(TAG, delivery)
    return tag


async def keep(
    connection: Connection,
    content: bytes,
    why: str,
    delivery: str | None = None,
    status: str | None = None,
    words: str | None = None,
) -> str | None:
    """Stores a returned mail and returns its id; None if MOST_STORED are stored."""
    shortened = words.replace("\x00", "")[:LONGEST_WORDS] if words else None
    values = (sha256_hex(content), why, delivery, status, shortened, content, MOST_STORED)
    stored: str | None = await connection.fetchval(KEEP, *values)
    return stored


async def stored(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """The stored mails, newest first, without their contents."""
    return [dict(row) for row in await connection.fetch(LIST, limit)]


async def content_of(connection: Connection, identifier: str) -> bytes | None:
    """The whole mail; None if unknown."""
    content: bytes | None = await connection.fetchval(CONTENT, identifier)
    return content


async def done(connection: Connection, identifier: str) -> bool:
    """Deletes a mail that a person has dealt with; False if unknown."""
    return await rows_changed(connection, DONE, identifier) > 0


async def forget_erased(connection: Connection) -> int:
    """Deletes mails about notices to contacts erased meanwhile; returns how many."""
    return await rows_changed(connection, FORGET_ERASED)
