"""Appeals, and what has to be settled before a round is final."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.intake.domain.appeals import Appeal
from shared.service.postgres import Connection

_COLUMNS = (
    "appeal::text, round, application::text, result_epoch, grounds, amended, filed_at, decided_at, upheld, reason"
)
FILE = """
INSERT INTO appeals (appeal, round, application, result_epoch, grounds, amended, filed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING appeal
"""
OF_ROUND = f"SELECT {_COLUMNS} FROM appeals WHERE round = $1 ORDER BY filed_at, appeal"  # noqa: S608
OF_APPLICATION = f"SELECT {_COLUMNS} FROM appeals WHERE application = $1 ORDER BY filed_at"  # noqa: S608
ONE = f"SELECT {_COLUMNS} FROM appeals WHERE appeal = $1 AND round = $2"  # noqa: S608
DECIDE = "UPDATE appeals SET decided_at = $2, upheld = $3, reason = $4 WHERE appeal = $1"
RESULT = "SELECT result_type, result_epoch, noticed_at FROM outcomes WHERE application = $1"
NOTICED = """
INSERT INTO outcomes (application, round, noticed_at, noticed_epoch, noticed_batch)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::int[], $5::int[])
ON CONFLICT (application) DO UPDATE
SET noticed_at = excluded.noticed_at, noticed_epoch = excluded.noticed_epoch, noticed_batch = excluded.noticed_batch
WHERE outcomes.noticed_at IS NULL
   OR (outcomes.noticed_epoch, outcomes.noticed_batch) < (excluded.noticed_epoch, excluded.noticed_batch)
"""
CONFIRMED = "SELECT round, confirmed_at FROM rounds WHERE status = 'confirmed' AND confirmed_at IS NOT NULL"
PENDING_FINALITY = """
SELECT r.round, count(a.application) - count(o.noticed_at) FILTER (WHERE o.result_epoch = r.epoch) AS untold,
       greatest(max(o.noticed_at), r.confirmed_at) AS told_last,
       (SELECT count(*) FROM appeals p JOIN applications q USING (application)
        WHERE p.round = r.round AND p.decided_at IS NULL AND NOT q.withdrawn)
       + (SELECT count(*) FROM releases l
          WHERE l.round = r.round AND l.epoch = r.epoch AND l.confirmed_at IS NULL) AS undecided
FROM rounds r LEFT JOIN applications a ON a.round = r.round AND NOT a.withdrawn
LEFT JOIN outcomes o ON o.application = a.application AND o.result_type IS NOT NULL
WHERE r.status = 'confirmed' AND r.round = $1
GROUP BY r.round
"""


@dataclass(frozen=True, slots=True)
class PendingFinality:
    """What a confirmed round still waits for. `untold`: applications without a published result, or not notified of it;
    a result that a later epoch changed counts as untold until its notice."""

    round: str
    untold: int
    told_last: datetime | None
    """The last notice, or the newest epoch's confirmation where that is later, since notices of changes follow it."""
    undecided: int
    """Open appeals, and batches that were opened and not confirmed."""


@dataclass(frozen=True, slots=True)
class PublishedResult:
    """The newest result of an application. `noticed_at`: when its applicant was notified."""

    kind: str
    epoch: int
    noticed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultNotice:
    """A notice of a result that was delivered or given up. `epoch`, `batch`: of the result."""

    application: str
    round: str
    noticed_at: datetime
    epoch: int
    batch: int


async def file(connection: Connection, appeal: Appeal) -> bool:
    """Stores an appeal; False when this result was appealed against already."""
    row = await connection.fetchval(
        FILE,
        appeal.appeal,
        appeal.round,
        appeal.application,
        appeal.result_epoch,
        appeal.grounds,
        appeal.amended,
        appeal.filed_at,
    )
    return row is not None


async def of_round(connection: Connection, round_id: str) -> list[Appeal]:
    return [Appeal(**row) for row in await connection.fetch(OF_ROUND, round_id)]


async def of_application(connection: Connection, application: str) -> list[Appeal]:
    return [Appeal(**row) for row in await connection.fetch(OF_APPLICATION, application)]


async def load(connection: Connection, round_id: str, appeal: str) -> Appeal | None:
    row = await connection.fetchrow(ONE, appeal, round_id)
    return Appeal(**row) if row else None


async def decide(connection: Connection, appeal: str, decided_at: datetime, upheld: bool, reason: str) -> None:
    """Stores the decision."""
    await connection.execute(DECIDE, appeal, decided_at, upheld, reason)


async def result(connection: Connection, application: str) -> PublishedResult | None:
    """The newest published result of an application, if there is one."""
    row: Any = await connection.fetchrow(RESULT, application)
    return PublishedResult(*row) if row and row["result_type"] else None


async def noticed(connection: Connection, notices: Sequence[ResultNotice]) -> None:
    """Stores when applicants were notified; of each application the notice of the newest result counts."""
    newest = {notice.application: notice for notice in sorted(notices, key=lambda notice: (notice.epoch, notice.batch))}
    ordered = [newest[application] for application in sorted(newest)]
    await connection.execute(
        NOTICED,
        [notice.application for notice in ordered],
        [notice.round for notice in ordered],
        [notice.noticed_at for notice in ordered],
        [notice.epoch for notice in ordered],
        [notice.batch for notice in ordered],
    )


async def confirmed(connection: Connection) -> list[tuple[str, datetime]]:
    """Rounds in standstill, each with the moment when its newest epoch was confirmed."""
    return [tuple(row) for row in await connection.fetch(CONFIRMED)]


async def pending_finality(connection: Connection, round_id: str) -> PendingFinality | None:
    """Reads every application of the round: call it only after the confirmation's own period is over."""
    row = await connection.fetchrow(PENDING_FINALITY, round_id)
    return PendingFinality(**row) if row else None
