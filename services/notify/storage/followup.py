"""Deliveries for operators: those that failed, those that are doubtful, and retries."""

from typing import Any

from shared.service.postgres import Connection

_COLUMNS = """delivery::text, round, kind, subject, occasion, recipient, channel, state, error, attempts, doubts,
    created_at, settled_at, digest::text"""
# Many are settled at one moment, in one transaction: a page continues after a delivery, not after a moment.
_LIST = """
SELECT {columns} FROM deliveries
WHERE {which} AND ($1::text IS NULL OR round = $1)
  AND ($2::uuid IS NULL OR ({moment}, delivery) < (SELECT {moment}, delivery FROM deliveries WHERE delivery = $2))
ORDER BY {moment} DESC, delivery DESC LIMIT $3
"""
FAILED = _LIST.format(columns=_COLUMNS, which="state = 'failed'", moment="settled_at")
DOUBTFUL = _LIST.format(columns=_COLUMNS, which="doubts > 0", moment="created_at")
ONE = f"SELECT {_COLUMNS} FROM deliveries WHERE delivery = $1"  # noqa: S608
# Deliveries gathered into a digest are retried with it, not beside it.
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
    """Failed deliveries, newest first, starting after `after`."""
    return [dict(row) for row in await connection.fetch(FAILED, round_id, after, limit)]


async def doubtful(connection: Connection, round_id: str | None, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Deliveries with an attempt whose outcome is unknown: they may have arrived twice, under one id."""
    return [dict(row) for row in await connection.fetch(DOUBTFUL, round_id, after, limit)]


async def delivery(connection: Connection, identifier: str) -> dict[str, Any] | None:
    """One delivery as listed; None if unknown."""
    row = await connection.fetchrow(ONE, identifier)
    return dict(row) if row else None


async def again(connection: Connection, delivery: str) -> bool:
    """Makes a failed delivery due now, with a new retry horizon.

    False if it has not failed, if only its announcement is left, or if it was gathered into a digest.
    """
    return await connection.fetchval(AGAIN, delivery) is not None
