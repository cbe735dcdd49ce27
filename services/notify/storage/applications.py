"""Applications as notices name them, and what each result decided about them. The newest version wins."""

from collections.abc import Iterable, Sequence

from services.notify.domain.results import Decision
from services.notify.storage.newest import newest
from shared.contracts.events import ApplicationSubmitted, ApplicationWithdrawn
from shared.service.postgres import Connection, columns

SAVE = """
INSERT INTO applications (application, version, product, round, party)
SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[])
ON CONFLICT (application) DO UPDATE SET version = greatest(applications.version, excluded.version),
    product = CASE WHEN applications.version < excluded.version THEN excluded.product ELSE applications.product END,
    round = excluded.round, party = excluded.party
WHERE applications.version < excluded.version OR applications.party IS NULL
"""
# A withdrawal is a version too, which no verdict judges.
WITHDRAW = """
UPDATE applications a SET version = w.version FROM unnest($1::text[], $2::int[]) AS w(application, version)
WHERE a.application = w.application AND a.version < w.version
"""
SAVE_DECISIONS = """
INSERT INTO decisions (application, epoch, batch, decision)
SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::jsonb[]) ON CONFLICT DO NOTHING
"""
DECISIONS_BEFORE = """
SELECT asked.application, asked.epoch, asked.batch, before.decision
FROM unnest($1::text[], $2::int[], $3::int[]) AS asked(application, epoch, batch)
CROSS JOIN LATERAL (SELECT d.decision FROM decisions d
                    WHERE d.application = asked.application AND (d.epoch, d.batch) < (asked.epoch, asked.batch)
                    ORDER BY d.epoch DESC, d.batch DESC LIMIT 1) before
"""


async def save(connection: Connection, submitted: Iterable[ApplicationSubmitted]) -> None:
    """Stores the newest version of each application."""
    rows = [
        {
            "application": event.application,
            "version": event.version,
            "product": event.facts.product.name,
            "round": event.round,
            "party": event.party,
        }
        for event in submitted
    ]
    if rows:
        await connection.execute(SAVE, *columns(newest(rows, "application", lambda row: row["version"])))


async def withdraw(connection: Connection, withdrawn: Iterable[ApplicationWithdrawn]) -> None:
    """Raises the version of withdrawn applications, so that no earlier verdict counts."""
    rows = [{"application": event.application, "version": event.version} for event in withdrawn]
    if rows:
        await connection.execute(WITHDRAW, *columns(newest(rows, "application", lambda row: row["version"])))


async def save_decisions(connection: Connection, decisions: Sequence[tuple[str, int, int, Decision]]) -> None:
    """Rows of (application, epoch, batch, decision). The first decision of an edition stands."""
    if decisions:
        await connection.execute(SAVE_DECISIONS, *zip(*sorted(decisions, key=lambda row: row[:3]), strict=True))


async def decisions_before(
    connection: Connection, editions: Sequence[tuple[str, int, int]]
) -> dict[tuple[str, int, int], Decision]:
    """The last decision before each (application, epoch, batch); editions without one are left out."""
    later = [each for each in editions if each[1:] > (1, 0)]
    if not later:
        return {}
    rows = await connection.fetch(DECISIONS_BEFORE, *zip(*later, strict=True))
    return {(row["application"], row["epoch"], row["batch"]): row["decision"] for row in rows}
