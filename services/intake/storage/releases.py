"""What was set free after a result, and the batches that give it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.releases import Cause, SetFree
from shared.contracts.events import NonPurchaseReported, PurchaseReported
from shared.service.postgres import Connection

FREE = """
INSERT INTO set_free (round, subject, cause, reason, freed_at)
SELECT round, $2, $3, $4, $5 FROM rounds WHERE round = $1 ON CONFLICT DO NOTHING RETURNING subject
"""
FREED = "SELECT subject, cause, reason, freed_at FROM set_free WHERE round = $1 AND subject = $2"
# Only reports on existing awards count.
_CONTRACTED = """EXISTS (
    SELECT FROM contracted c JOIN outcomes o USING (application)
    CROSS JOIN LATERAL jsonb_array_elements(coalesce(o.result->'awards', '[]')) award
    WHERE award->>'request' = c.request AND (c.request = {0} OR c.application::text = {0}))
"""
# What was contracted meanwhile stays with its buyer.
PENDING = f"""
SELECT subject, cause, reason, freed_at FROM set_free f WHERE round = $1 AND batch IS NULL
  AND NOT {_CONTRACTED.format("f.subject")} ORDER BY subject
"""  # noqa: S608
TAKE = "UPDATE set_free SET epoch = $2, batch = $3 WHERE round = $1 AND subject = ANY($4::text[])"
OPEN = "INSERT INTO releases (round, epoch, batch, opened_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
LAST = "SELECT batch, confirmed_at FROM releases WHERE round = $1 AND epoch = $2 ORDER BY batch DESC LIMIT 1"
CONFIRM = """
UPDATE releases SET confirmed_at = $4 WHERE round = $1 AND epoch = $2 AND batch <= $3 AND confirmed_at IS NULL
"""
STANDS_STILL = "UPDATE rounds SET confirmed_at = $2 WHERE round = $1 AND status = 'confirmed' AND confirmed_at < $2"
OF_ROUND = "SELECT epoch, batch, opened_at, confirmed_at FROM releases WHERE round = $1 ORDER BY epoch, batch"
SAVE_CONTRACTED = "INSERT INTO contracted (request, application) VALUES ($1, $2) ON CONFLICT DO NOTHING"
DROP_CONTRACTED = "DELETE FROM contracted WHERE request = $1 AND application = $2"
SAVE_REPORT = """
INSERT INTO reports (request, application, quantity, amount_won, contracted_on, reason, reported_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (request, application) DO UPDATE
SET quantity = excluded.quantity, amount_won = excluded.amount_won, contracted_on = excluded.contracted_on,
    reason = excluded.reason, reported_at = excluded.reported_at
WHERE reports.reported_at < excluded.reported_at
"""
IS_CONTRACTED = f"SELECT {_CONTRACTED.format('$1')}"


@dataclass(frozen=True, slots=True)
class Batch:
    """The last batch of an epoch; number 0 where there is none yet."""

    number: int
    confirmed_at: datetime | None


async def free(
    connection: Connection, round_id: str, subject: str, cause: Cause, reason: str, freed_at: datetime
) -> bool:
    """Sets a subject free; False when it was set free before."""
    return await connection.fetchval(FREE, round_id, subject, cause.value, reason, freed_at) is not None


async def freed(connection: Connection, round_id: str, subject: str) -> SetFree | None:
    row = await connection.fetchrow(FREED, round_id, subject)
    return SetFree(row["subject"], Cause(row["cause"]), row["reason"], row["freed_at"]) if row else None


async def pending(connection: Connection, round_id: str) -> list[SetFree]:
    """Free subjects that no batch has named yet, by id."""
    return [
        SetFree(row["subject"], Cause(row["cause"]), row["reason"], row["freed_at"])
        for row in await connection.fetch(PENDING, round_id)
    ]


async def last(connection: Connection, round_id: str, epoch: int) -> Batch:
    row = await connection.fetchrow(LAST, round_id, epoch)
    return Batch(row["batch"], row["confirmed_at"]) if row else Batch(0, None)


async def open_batch(
    connection: Connection, round_id: str, epoch: int, batch: int, opened_at: datetime, subjects: Sequence[str]
) -> None:
    """Opens a batch that gives out these subjects."""
    await connection.execute(OPEN, round_id, epoch, batch, opened_at)
    await connection.execute(TAKE, round_id, epoch, batch, list(subjects))


async def confirm(connection: Connection, round_id: str, epoch: int, batch: int, confirmed_at: datetime) -> None:
    """Confirms a batch and those before it.

    The round's standstill restarts, since promoted applicants may appeal.
    """
    await connection.execute(CONFIRM, round_id, epoch, batch, confirmed_at)
    await connection.execute(STANDS_STILL, round_id, confirmed_at)


async def of_round(connection: Connection, round_id: str) -> list[tuple[int, int, datetime, datetime | None]]:
    """The batches of a round, oldest first: (epoch, batch, opened at, confirmed at)."""
    return [tuple(row) for row in await connection.fetch(OF_ROUND, round_id)]


async def report(connection: Connection, report: PurchaseReported | NonPurchaseReported) -> None:
    """Stores an institution's newest report on an award: contracted, or not."""
    bought = report if isinstance(report, PurchaseReported) else None
    await connection.execute(SAVE_CONTRACTED if bought else DROP_CONTRACTED, report.request, report.application)
    await connection.execute(
        SAVE_REPORT,
        report.request,
        report.application,
        bought and bought.quantity,
        bought and bought.amount_won,
        bought and bought.contracted_on,
        None if isinstance(report, PurchaseReported) else report.reason,
        report.reported_at,
    )


async def is_contracted(connection: Connection, subject: str) -> bool:
    """True if any award of this request, or of this application, is contracted."""
    known: bool = await connection.fetchval(IS_CONTRACTED, subject)
    return known
