"""Several notices in one mail to one person. Gathering is final, so that a repeat sends the same under the same id.

A digest carries the notices of somebody at an institution; the first notice carries the others of an applicant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.notify.domain.attempts import State
from services.notify.domain.digests import Gatherable
from services.notify.storage.deliveries import Delivery, delivery_of
from shared.service.postgres import Connection

_WAITED = "FROM deliveries WHERE state = 'waiting' AND 'digest' = ANY (needs) AND created_at <= now() - $1::interval"
ROUNDS_TO_GATHER = f"SELECT DISTINCT round {_WAITED} ORDER BY round"
# For recipients with one notice that waited long enough: all their notices of the round that are ready.
GATHERABLE = f"""
WITH waited AS (SELECT DISTINCT recipient, round {_WAITED} AND round = $3 LIMIT 100)
SELECT d.delivery::text, d.round, d.kind, d.subject, d.occasion, d.recipient, d.facts, c.institution
FROM deliveries d
JOIN waited w ON w.recipient = d.recipient AND w.round = d.round
JOIN rounds r ON r.round = d.round
JOIN contacts c ON c.party = d.recipient AND c.email IS NOT NULL
WHERE d.state = 'waiting' AND 'digest' = ANY (d.needs)
ORDER BY d.recipient, d.round, d.created_at, d.delivery LIMIT $2 FOR UPDATE OF d SKIP LOCKED
"""  # noqa: S608
ALONE = """
UPDATE deliveries SET state = 'pending', due_at = now(), taken_up_at = now() WHERE delivery = ANY($1::uuid[])
"""
GATHERED = "UPDATE deliveries SET state = 'gathered', digest = $2 WHERE delivery = ANY($1::uuid[])"
# Frees gathered deliveries whose address differs by now from that of the mail: either contact was changed or erased.
RELEASE = """
UPDATE deliveries d SET state = 'waiting', digest = NULL, due_at = now()
FROM deliveries s JOIN contacts theirs ON theirs.party = s.recipient, contacts own
WHERE s.delivery = ANY ($1::uuid[]) AND d.digest = s.delivery AND d.state = 'gathered'
  AND own.party = d.recipient AND own.institution IS NULL AND own.address IS DISTINCT FROM theirs.address
"""
SETTLE_GATHERED = """
WITH settled AS (
    UPDATE deliveries d SET state = s.state, error = s.error, attempts = s.attempts, doubts = s.doubts,
        settled_at = now(), facts = CASE d.kind WHEN 'new-token' THEN '{}' ELSE d.facts END
    FROM deliveries s
    WHERE s.delivery = ANY($1::uuid[]) AND s.state IN ('sent', 'failed') AND d.digest = s.delivery
      AND d.state = 'gathered'
    RETURNING d.*)
SELECT d.delivery::text, d.round, d.kind, d.subject, d.occasion, d.recipient, d.channel, d.facts, d.traceparent,
    d.attempts, r.rehearsal, d.state, d.error, d.digest::text
FROM settled d LEFT JOIN rounds r ON r.round = d.round
"""
AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Settled:
    """A gathered delivery that was settled together with its digest."""

    delivery: Delivery
    state: State
    error: str | None
    digest: str


async def rounds_to_gather(connection: Connection, waited: timedelta) -> list[str]:
    """Rounds with a notice that has waited long enough."""
    return [row["round"] for row in await connection.fetch(ROUNDS_TO_GATHER, waited)]


async def gatherable(connection: Connection, round_id: str, waited: timedelta) -> list[Gatherable]:
    """A round's notices to gather, in order of recipient; locked until the transaction ends."""
    return [Gatherable(*row) for row in await connection.fetch(GATHERABLE, waited, AT_ONCE, round_id)]


async def send_alone(connection: Connection, deliveries: Sequence[str]) -> None:
    """Makes these due, each in a mail of its own."""
    await connection.execute(ALONE, list(deliveries))


async def gather(connection: Connection, deliveries: Sequence[str], digest: str) -> None:
    """Marks these as sent by the digest."""
    await connection.execute(GATHERED, list(deliveries), digest)


async def release(connection: Connection, digests: Sequence[str]) -> None:
    """Frees gathered deliveries that no longer share the digest's address; each is due by itself again."""
    await connection.execute(RELEASE, list(digests))


async def settle_gathered(connection: Connection, digests: Sequence[str]) -> list[Settled]:
    """Settles gathered deliveries as their digests were settled."""
    return [
        Settled(delivery_of(row), State(row["state"]), row["error"], row["digest"])
        for row in await connection.fetch(SETTLE_GATHERED, list(digests))
    ]
