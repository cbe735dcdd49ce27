"""Signed audit heads; the newest of each service is spread to the institutions."""

from datetime import timedelta
from typing import Any

from shared.contracts.events import AuditHeadPublished, InstitutionStatus
from shared.service.postgres import Connection

SAVE_HEAD = """
INSERT INTO audit_heads (service, count, head, previous_head, published_at, key_id, signature)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (service) DO UPDATE SET count = excluded.count, head = excluded.head,
    previous_head = excluded.previous_head, published_at = excluded.published_at, key_id = excluded.key_id,
    signature = excluded.signature, spread = false
WHERE (audit_heads.count, audit_heads.published_at) < (excluded.count, excluded.published_at)
"""
TAKE_HEADS = """
UPDATE audit_heads h SET spread = true, spread_at = now() FROM (
    SELECT service FROM audit_heads WHERE NOT spread AND (spread_at IS NULL OR spread_at <= now() - $1::interval)
    AND EXISTS (SELECT FROM institutions WHERE status = $2) FOR UPDATE SKIP LOCKED) due
WHERE h.service = due.service
RETURNING h.service, h.count, h.head, h.previous_head, h.published_at, h.key_id, h.signature
"""
ACTIVE = "SELECT institution FROM institutions WHERE status = $1 ORDER BY institution"


async def save(connection: Connection, head: AuditHeadPublished) -> None:
    """Stores the newest head of the service: each head covers all rows before it."""
    await connection.execute(
        SAVE_HEAD,
        head.service,
        head.count,
        head.head,
        head.previous_head,
        head.published_at,
        head.key_id,
        head.signature,
    )


async def take(connection: Connection, apart: timedelta) -> list[tuple[AuditHeadPublished, list[str]]]:
    """Heads not spread yet, each taken once, with the institutions active now.

    At most one per service within `apart`; meanwhile a newer head replaces the waiting one.
    """
    active = InstitutionStatus.ACTIVE.value
    rows: list[Any] = await connection.fetch(TAKE_HEADS, apart, active)
    if not rows:
        return []
    institutions = [row["institution"] for row in await connection.fetch(ACTIVE, active)]
    return [(AuditHeadPublished(**dict(row)), institutions) for row in rows]
