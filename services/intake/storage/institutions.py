"""Institutions, their pledges, and the inboxes that intake reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.institutions import Institution
from shared.contracts.events import InstitutionStatus, Invitation
from shared.service.postgres import Connection

SET_INSTITUTION = """
INSERT INTO institutions (institution, name, status, changed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (institution) DO UPDATE
SET name = excluded.name, status = excluded.status, changed_at = excluded.changed_at
"""
SET_PLEDGE = """
INSERT INTO pledges (round, institution, won) VALUES ($1, $2, $3)
ON CONFLICT (round, institution) DO UPDATE SET won = excluded.won
"""
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
INSTITUTIONS = """
SELECT i.institution, i.name, i.status,
       coalesce(jsonb_agg(jsonb_build_object('round', p.round, 'won', p.won) ORDER BY p.round)
                FILTER (WHERE p.round IS NOT NULL), '[]') AS pledges
FROM institutions i LEFT JOIN pledges p ON p.institution = i.institution AND (
    NOT $2 OR p.round IN (SELECT round FROM rounds UNION SELECT series FROM rounds))
WHERE $1::text IS NULL OR i.institution = $1
GROUP BY i.institution ORDER BY i.institution
"""
# For a cut: the pledge to it alone, or else the pledge to every cut of its series.
PLEDGES = """
SELECT DISTINCT ON (institution) institution, won FROM pledges
WHERE round = $1 OR round = (SELECT series FROM rounds WHERE round = $1)
ORDER BY institution, round = $1 DESC
"""
PLEDGE = """
SELECT won FROM pledges
WHERE institution = $2 AND (round = $1 OR round = (SELECT series FROM rounds WHERE round = $1))
ORDER BY round = $1 DESC LIMIT 1
"""
REGISTER_INBOX = """
INSERT INTO inboxes (topic, institution, shard, registered_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
INBOXES = "SELECT topic, institution, shard, next_offset FROM inboxes WHERE shard = ANY($1::int[]) ORDER BY topic"
INBOX_OFFSETS = "SELECT topic, next_offset FROM inboxes"


@dataclass(frozen=True, slots=True)
class Inbox:
    """A registered inbox topic (with its prefix) and the next offset to read."""

    topic: str
    institution: str
    next_offset: int


async def lock(connection: Connection, code: str) -> None:
    """Serializes changes of one institution, also of a new one, until the transaction ends."""
    await connection.execute(LOCK, f"institution {code}")


async def institution(connection: Connection, code: str) -> Institution | None:
    row = await connection.fetchrow(INSTITUTIONS, code, False)
    if row is None:
        return None
    pledges = {pledge["round"]: pledge["won"] for pledge in row["pledges"]}
    return Institution(row["name"], InstitutionStatus(row["status"]), pledges)


async def set_institution(connection: Connection, code: str, name: str, status: str, changed_at: datetime) -> None:
    await connection.execute(SET_INSTITUTION, code, name, status, changed_at)


async def set_pledges(connection: Connection, code: str, pledges: Sequence[tuple[str, int]]) -> None:
    await connection.executemany(SET_PLEDGE, [(round_id, code, won) for round_id, won in pledges])


async def institutions(connection: Connection, *, public: bool) -> list[dict[str, object]]:
    """All institutions; `public`: with pledges to announced rounds only."""
    return [dict(row) for row in await connection.fetch(INSTITUTIONS, None, public)]


async def invited(connection: Connection, round_id: str) -> tuple[Invitation, ...]:
    """All institutions that pledged, in order of their codes."""
    rows = sorted(tuple(row) for row in await connection.fetch(PLEDGES, round_id))
    return tuple(Invitation(institution=code, pledge_won=won) for code, won in rows)


async def pledge(connection: Connection, round_id: str, code: str) -> int | None:
    """The institution's pledge to a round in won, by the same rule as `PLEDGES`."""
    won: int | None = await connection.fetchval(PLEDGE, round_id, code)
    return won


async def register_inbox(connection: Connection, topic: str, code: str, shard: int, moment: datetime) -> None:
    await connection.execute(REGISTER_INBOX, topic, code, shard, moment)


async def inboxes(connection: Connection, shards: Sequence[int]) -> list[Inbox]:
    """Inboxes in these shards."""
    rows = await connection.fetch(INBOXES, list(shards))
    return [Inbox(row["topic"], row["institution"], row["next_offset"]) for row in rows]


async def inbox_offsets(connection: Connection) -> dict[str, int]:
    """The next offset to read, of every registered inbox."""
    return {row["topic"]: row["next_offset"] for row in await connection.fetch(INBOX_OFFSETS)}
