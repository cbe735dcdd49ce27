"""Renewed tokens: their hashes, when they were requested and first used."""

from collections.abc import Sequence
from datetime import datetime

from services.intake.domain.renewals import Renewal
from shared.service.postgres import Connection

SENT = """
SELECT generation, token_hash, asked_at, used_at FROM renewed_tokens WHERE application = $1 ORDER BY generation
"""
KEEP = """
INSERT INTO renewed_tokens (application, generation, token_hash, asked_at) VALUES ($1, $2, $3, $4)
"""
USE = """
WITH used AS (
    UPDATE renewed_tokens SET used_at = $3
    WHERE application = $1 AND generation = $2 AND used_at IS NULL RETURNING application, token_hash)
UPDATE applications a SET token_hash = used.token_hash FROM used WHERE a.application = used.application
RETURNING a.application
"""
# Those of the address, in the round or in a cut of the series.
OF_FIRM = """
SELECT a.application::text FROM applications a JOIN contacts c USING (party) JOIN rounds r USING (round)
WHERE (r.round = $1 OR r.series = $1) AND a.business_number = $2 AND lower(c.email) = lower($3)
ORDER BY a.application
"""
HAS_CONTACT = "SELECT EXISTS (SELECT FROM applications JOIN contacts USING (party) WHERE application = $1)"
FORGOTTEN = """
UPDATE renewed_tokens SET forgotten_at = $2
WHERE used_at IS NULL AND forgotten_at IS NULL AND asked_at < $1
RETURNING application::text, generation
"""
PUT_BACK = """
INSERT INTO renewed_tokens AS kept (application, generation, token_hash, asked_at, used_at)
SELECT application, $2, $3, $4, $5 FROM applications WHERE application = $1
ON CONFLICT (application, generation) DO UPDATE SET used_at = excluded.used_at
WHERE kept.used_at IS NULL AND excluded.used_at IS NOT NULL
"""
PUT_IN_FORCE = """
UPDATE applications a SET token_hash = newest.token_hash
FROM (SELECT token_hash FROM renewed_tokens WHERE application = $1 AND used_at IS NOT NULL
      ORDER BY generation DESC LIMIT 1) newest
WHERE a.application = $1 AND a.token_hash <> newest.token_hash
"""


async def sent(connection: Connection, application: str) -> list[Renewal]:
    """Every token that was sent for an application, by generation."""
    return [Renewal(**dict(row)) for row in await connection.fetch(SENT, application)]


async def keep(connection: Connection, application: str, renewal: Renewal) -> None:
    await connection.execute(KEEP, application, renewal.generation, renewal.token_hash, renewal.asked_at)


async def use(connection: Connection, application: str, generation: int, now: datetime) -> bool:
    """From now on only this token opens the entry. False where another request used it first."""
    return await connection.fetchval(USE, application, generation, now) is not None


async def of_firm(connection: Connection, round_id: str, business_number: str, email: str) -> list[str]:
    """The firm's applications in a round, or in a series, whose contact has this address."""
    return [row["application"] for row in await connection.fetch(OF_FIRM, round_id, business_number, email)]


async def has_contact(connection: Connection, application: str) -> bool:
    has_one: bool = await connection.fetchval(HAS_CONTACT, application)
    return has_one


async def forget(connection: Connection, before: datetime, now: datetime) -> list[tuple[str, int]]:
    """Tokens requested before that moment and never used, each returned once: (application, generation)."""
    return [(row["application"], row["generation"]) for row in await connection.fetch(FORGOTTEN, before, now)]


async def put_back(connection: Connection, application: str, renewals: Sequence[Renewal]) -> None:
    """Restores renewals, and the token that is in force."""
    for renewal in renewals:
        await connection.execute(
            PUT_BACK, application, renewal.generation, renewal.token_hash, renewal.asked_at, renewal.used_at
        )
    await connection.execute(PUT_IN_FORCE, application)
