"""The SQL of known tokens."""

from collections.abc import Sequence

from shared.contracts.events import TokenChanged
from shared.service.postgres import Connection

SAVE = """
INSERT INTO access (name, token_hash, role, institution, changed_at, revoked) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (name) DO UPDATE SET token_hash = excluded.token_hash, role = excluded.role,
    institution = excluded.institution, changed_at = excluded.changed_at, revoked = excluded.revoked
WHERE access.changed_at <= excluded.changed_at
"""
HOLDER = "SELECT name, role, institution FROM access WHERE token_hash = $1 AND NOT revoked LIMIT 1"


async def save(connection: Connection, changed: Sequence[TokenChanged]) -> None:
    """Stores changes; the newest of each token stays."""
    rows = [
        (change.name, change.token_hash, change.role.value, change.institution, change.changed_at, change.revoked)
        for change in sorted(changed, key=lambda change: (change.name, change.changed_at))
    ]
    await connection.executemany(SAVE, rows)


async def holder(connection: Connection, token_hash: str) -> tuple[str, str, str | None] | None:
    """(name, role, institution) of the token with this hash; None if unknown or revoked."""
    row = await connection.fetchrow(HOLDER, token_hash)
    return (row["name"], row["role"], row["institution"]) if row else None
