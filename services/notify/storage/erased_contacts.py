"""Deliveries to erased contacts, given up round by round."""

from services.notify.storage.deliveries import AT_ONCE, Delivery, delivery_of
from shared.service.postgres import Connection

_ERASED = """
    FROM deliveries d JOIN contacts c ON c.party = d.recipient
    WHERE c.email IS NULL AND d.state IN ('waiting', 'pending') AND d.channel = 'mail'
      AND (d.started_at IS NULL OR d.due_at <= now())
"""
ROUNDS_OF_ERASED = f"SELECT DISTINCT d.round {_ERASED} ORDER BY d.round"
FAIL_ERASED = f"""
WITH erased AS (
    SELECT d.delivery, d.round {_ERASED} AND d.round = $2
    LIMIT $1 FOR UPDATE OF d SKIP LOCKED)
UPDATE deliveries d SET state = 'failed', error = 'contact-erased', settled_at = now(),
    doubts = doubts + (started_at IS NOT NULL)::int, started_at = NULL
FROM erased e LEFT JOIN rounds r ON r.round = e.round
WHERE d.delivery = e.delivery
RETURNING d.delivery::text, d.round, d.kind, d.subject, d.occasion, d.recipient, d.channel, d.facts, d.traceparent,
    d.attempts, r.rehearsal
"""  # noqa: S608


async def rounds(connection: Connection) -> list[str]:
    """Rounds with unsettled deliveries to erased contacts."""
    return [row["round"] for row in await connection.fetch(ROUNDS_OF_ERASED)]


async def fail(connection: Connection, round_id: str) -> list[Delivery]:
    """Fails a round's deliveries to erased contacts; returns them."""
    return [delivery_of(row) for row in await connection.fetch(FAIL_ERASED, AT_ONCE, round_id)]
