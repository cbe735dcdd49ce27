"""Bearer tokens (only their hashes) and the service's own secrets."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.contracts.events import TokenChanged
from shared.service.postgres import Connection, rows_changed

BEARER = "SELECT role, name, institution FROM tokens WHERE token_hash = $1 AND revoked_at IS NULL"
INSERT_TOKEN = """
INSERT INTO tokens (token_hash, role, name, institution) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO NOTHING RETURNING name
"""
REVOKE_TOKEN = """
UPDATE tokens SET revoked_at = now(), told = false WHERE name = $1 AND revoked_at IS NULL RETURNING name
"""
TAKE_UNPUBLISHED = """
UPDATE tokens SET told = true WHERE name IN (SELECT name FROM tokens WHERE NOT told LIMIT 1000 FOR UPDATE SKIP LOCKED)
RETURNING name, role, institution, token_hash, coalesce(revoked_at, created_at) AS changed_at,
          revoked_at IS NOT NULL AS revoked
"""
PUT_BACK = """
INSERT INTO tokens (name, role, institution, token_hash, created_at, revoked_at, told)
VALUES ($1, $2, $3, $4, $5, $6, true)
ON CONFLICT (name) DO UPDATE SET revoked_at = coalesce(tokens.revoked_at, excluded.revoked_at)
WHERE tokens.token_hash = excluded.token_hash AND tokens.revoked_at IS NULL AND excluded.revoked_at IS NOT NULL
"""
TOKENS = "SELECT name, role, institution, created_at, revoked_at FROM tokens ORDER BY created_at, name"
MAKE_SECRET = "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING"
SECRET = "SELECT value FROM secrets WHERE name = $1"


@dataclass(frozen=True, slots=True)
class Bearer:
    """The holder of a token."""

    role: str
    name: str
    institution: str | None = None


async def bearer(connection: Connection, token_hash: str) -> Bearer | None:
    row = await connection.fetchrow(BEARER, token_hash)
    return Bearer(row["role"], row["name"], row["institution"]) if row else None


async def create(connection: Connection, token_hash: str, holder: Bearer) -> bool:
    """Stores a new token; False when one of that name was made before."""
    name = await connection.fetchval(INSERT_TOKEN, token_hash, holder.role, holder.name, holder.institution)
    return name is not None


async def revoke(connection: Connection, name: str) -> bool:
    """Ends a token; False when no such token is in force."""
    return await connection.fetchval(REVOKE_TOKEN, name) is not None


async def take_unpublished(connection: Connection) -> list[TokenChanged]:
    """Token changes not published to the other services yet: each once."""
    return [TokenChanged(**dict(row)) for row in await connection.fetch(TAKE_UNPUBLISHED)]


async def put_back(connection: Connection, token: TokenChanged) -> int:
    """Restores a token that the database has lost, or its revocation."""
    revoked_at = token.changed_at if token.revoked else None
    row = token.name, token.role.value, token.institution, token.token_hash, token.changed_at, revoked_at
    return await rows_changed(connection, PUT_BACK, *row)


async def listed(connection: Connection) -> list[dict[str, Any]]:
    """All tokens ever made, oldest first, as they are answered, without token or hash."""
    return [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
        for row in await connection.fetch(TOKENS)
    ]


IDENTITIES: Final = "identities"
"""The secret that seals confirmed identities."""
NETWORKS: Final = "networks"
"""The secret that names networks on contacts.v1."""


async def secret(connection: Connection, name: str) -> bytes:
    """A secret of this deployment: 32 random bytes, made at first use and shared by all replicas."""
    await connection.execute(MAKE_SECRET, name, secrets.token_bytes(32))
    value: bytes = await connection.fetchval(SECRET, name)
    return value
