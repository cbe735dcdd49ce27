"""Officers' acts: proposed by one, approved by another."""

from datetime import datetime
from typing import Any

from shared.postgres import Connection

PROPOSE = """
INSERT INTO acts (act, round, kind, terms, reason, proposed_by, proposed_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
ACT = "SELECT * FROM acts WHERE act = $1 AND round = $2 FOR UPDATE"
APPROVE = "UPDATE acts SET approved_by = $2, approved_at = $3 WHERE act = $1"
ACTS = "SELECT * FROM acts WHERE round = $1 ORDER BY proposed_at"


async def propose(
    connection: Connection,
    act: str,
    round_id: str,
    kind: str,
    terms: Any,
    reason: str,
    officer: str,
    window: tuple[datetime, datetime],
) -> None:
    """`window`: when it was proposed and when the proposal expires."""
    await connection.execute(PROPOSE, act, round_id, kind, terms, reason, officer, *window)


async def lock(connection: Connection, act: str, round_id: str) -> dict[str, Any] | None:
    row = await connection.fetchrow(ACT, act, round_id)
    return dict(row) if row else None


async def approve(connection: Connection, act: str, officer: str, moment: datetime) -> None:
    await connection.execute(APPROVE, act, officer, moment)


async def acts(connection: Connection, round_id: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await connection.fetch(ACTS, round_id)]
