"""Deliveries one by one: what failed, what is doubtful, what is to be tried again."""

from typing import Any

from shared.service.postgres import Connection

_COLUMNS = """delivery::text, round, kind, subject, occasion, recipient, channel, state, error, attempts, doubts,
    created_at, settled_at, digest::text"""
# Many are settled in one transaction, at one moment: a page goes on behind a delivery, not behind a moment.
_LIST = """
SELECT {columns} FROM deliveries
WHERE {which} AND ($1::text IS NULL OR round = $1)
  AND ($2::uuid IS NULL OR ({moment}, delivery) < (SELECT {moment}, delivery FROM deliveries WHERE delivery = $2))
ORDER BY {moment} DESC, delivery DESC LIMIT $3
"""
FAILED = _LIST.format(columns=_COLUMNS, which="state = 'failed'", moment="settled_at")
DOUBTFUL = _LIST.format(columns=_COLUMNS, which="doubts > 0", moment="created_at")
ONE = f"SELECT {_COLUMNS} FROM deliveries WHERE delivery = $1"  # noqa: S608
# What a digest says is said again with it, and not beside it.
AGAIN = """
WITH again AS (
    UPDATE deliveries SET state = 'pending', error = NULL, settled_at = NULL, due_at = now(), taken_up_at = now()
    WHERE delivery = $1 AND state = 'failed' AND facts <> '{}' AND digest IS NULL RETURNING delivery),
said AS (
    UPDATE deliveries d SET state = 'gathered', error = NULL, settled_at = NULL
    FROM again WHERE d.digest = again.delivery AND d.state = 'failed')
SELECT delivery FROM again
"""


async def failed(connection: Connection, round_id: str | None, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Given up for good, newest first; those behind `after`."""
    return [dict(row) for row in await connection.fetch(FAILED, round_id, after, limit)]


async def doubtful(connection: Connection, round_id: str | None, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Those with an attempt whose outcome was never heard: they may have arrived twice, under one id."""
    return [dict(row) for row in await connection.fetch(DOUBTFUL, round_id, after, limit)]


async def one(connection: Connection, delivery: str) -> dict[str, Any] | None:
    row = await connection.fetchrow(ONE, delivery)
    return dict(row) if row else None


async def again(connection: Connection, delivery: str) -> bool:
    """Makes a failed one due now, with a horizon of its own; not one of which only the announcement is left, nor one
    that a digest says."""
    return await connection.fetchval(AGAIN, delivery) is not None
