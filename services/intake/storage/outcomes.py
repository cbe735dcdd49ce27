"""The read model: decisions of other services, stored for readers of intake."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.service.postgres import Connection

SAVE_MILESTONES = """
INSERT INTO milestones (round, epoch, type, batch, body)
SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::int[], $5::jsonb[]) ON CONFLICT DO NOTHING
"""
SAVE_VERDICTS = """
INSERT INTO outcomes (application, round, verdict_version, verdict_epoch, verdict)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::jsonb[])
ON CONFLICT (application) DO UPDATE
SET verdict_version = excluded.verdict_version, verdict_epoch = excluded.verdict_epoch, verdict = excluded.verdict
WHERE outcomes.verdict_version IS NULL
   OR (outcomes.verdict_version, outcomes.verdict_epoch) < (excluded.verdict_version, excluded.verdict_epoch)
"""
SAVE_RESULTS = """
INSERT INTO outcomes (application, round, result_type, result_epoch, result_batch, result)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::int[], $6::jsonb[])
ON CONFLICT (application) DO UPDATE
SET result_type = excluded.result_type, result_epoch = excluded.result_epoch, result_batch = excluded.result_batch,
    result = excluded.result,
    status_ended_at = CASE outcomes.result_epoch WHEN excluded.result_epoch THEN outcomes.status_ended_at END,
    noticed_at = CASE WHEN (outcomes.result_epoch, outcomes.result_batch)
                           < (excluded.result_epoch, excluded.result_batch)
                       AND (outcomes.noticed_epoch, outcomes.noticed_batch)
                           < (excluded.result_epoch, excluded.result_batch)
                       AND (outcomes.result_type, outcomes.result->'awards', outcomes.result->'reason',
                            outcomes.result->'reserve_position', outcomes.result->>'status_until')
                           IS DISTINCT FROM (excluded.result_type, excluded.result->'awards', excluded.result->'reason',
                                             excluded.result->'reserve_position',
                                             excluded.result->>'status_until')
                      THEN NULL ELSE outcomes.noticed_at END
WHERE outcomes.result_epoch IS NULL
   OR (outcomes.result_epoch, outcomes.result_batch) <= (excluded.result_epoch, excluded.result_batch)
"""
# On the topic a status ends after its result; a later epoch's result is another status.
SAVE_STATUS_ENDS = """
UPDATE outcomes SET status_ended_at = ended.at
FROM unnest($1::uuid[], $2::int[], $3::timestamptz[]) AS ended(application, epoch, at)
WHERE outcomes.application = ended.application AND outcomes.result_epoch = ended.epoch
"""
MILESTONES = "SELECT type, epoch, body FROM milestones WHERE round = $1 ORDER BY epoch, type, batch"
BATCH_PROPOSED = """
SELECT body FROM milestones WHERE round = $1 AND type = 'ReleaseProposed' AND epoch = $2 AND batch = $3
"""
MILESTONE = "SELECT body FROM milestones WHERE round = $1 AND type = $2 ORDER BY epoch DESC LIMIT 1"
OUTCOME = """
SELECT verdict, verdict_version, verdict_epoch, result_type, result, noticed_at, status_ended_at
FROM outcomes WHERE application = $1
"""
RESULTS = """
SELECT result_type, result, status_ended_at FROM outcomes WHERE round = $1 AND result_type IS NOT NULL
ORDER BY (result->>'position')::bigint NULLS LAST, application
"""
# Results depend on nothing else: within an epoch and a batch a result does not change.
RESULTS_VERSION = """
SELECT encode(sha256(convert_to(coalesce(jsonb_agg(
    jsonb_build_array(application, result_type, result_epoch, result_batch, status_ended_at) ORDER BY application
)::text, ''), 'UTF8')), 'hex')
FROM outcomes WHERE round = $1 AND result_type IS NOT NULL
"""
AWAITING_SOURCE = """
SELECT m.round, m.epoch, m.body, (
    SELECT e.supplementary_source FROM epochs e
    WHERE e.round = m.round AND e.epoch <= m.epoch AND e.supplementary_source IS NOT NULL AND e.epoch > coalesce((
        SELECT max(p.epoch) FROM milestones p
        WHERE p.round = m.round AND p.type = 'InputsCommitted' AND p.epoch < m.epoch), 0)
    ORDER BY e.epoch DESC LIMIT 1) AS supplementary_source
FROM milestones m JOIN rounds r USING (round)
LEFT JOIN source_values s ON s.round = m.round AND s.epoch = m.epoch
WHERE m.type = 'InputsCommitted' AND s.round IS NULL AND r.status <> 'void'
  AND m.round = coalesce($1, m.round)
  AND (coalesce((m.body->>'seed_epoch')::int, m.epoch) = m.epoch OR (m.body->>'supplementary')::bigint > 0)
ORDER BY m.round, m.epoch
"""
SAVE_SOURCE = """
INSERT INTO source_values (round, epoch, source, value, due_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING round
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedValue:
    """A commitment whose source's value is not known yet. `supplementary`: it is not the round's first; `source` is
    then the one that the newest act since the commitment before announced."""

    round: str
    epoch: int
    commitment_root: str
    committed_at: datetime
    supplementary: bool
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A decision of another service. `batch`: number of the release that made it; 0 for everything else."""

    application: str
    round: str
    epoch: int
    type: str
    body: dict[str, Any]
    version: int = 0
    batch: int = 0


async def save_milestones(connection: Connection, rows: Sequence[Outcome]) -> None:
    await connection.execute(
        SAVE_MILESTONES,
        [row.round for row in rows],
        [row.epoch for row in rows],
        [row.type for row in rows],
        [row.batch for row in rows],
        [row.body for row in rows],
    )


async def save_verdicts(connection: Connection, rows: Sequence[Outcome]) -> None:
    """Saves the newest of each application in `rows`; one older than the stored one changes nothing."""
    newest: dict[str, Outcome] = {}
    for row in rows:
        known = newest.get(row.application)
        if known is None or (known.version, known.epoch) <= (row.version, row.epoch):
            newest[row.application] = row
    ordered = [newest[application] for application in sorted(newest)]
    await connection.execute(
        SAVE_VERDICTS,
        [row.application for row in ordered],
        [row.round for row in ordered],
        [row.version for row in ordered],
        [row.epoch for row in ordered],
        [row.body for row in ordered],
    )


async def save_results(connection: Connection, rows: Sequence[Outcome]) -> None:
    """Saves the newest of each application in `rows`. A result that changes what was notified clears the notice."""
    newest = {row.application: row for row in sorted(rows, key=lambda row: (row.epoch, row.batch))}
    ordered = [newest[application] for application in sorted(newest)]
    await connection.execute(
        SAVE_RESULTS,
        [row.application for row in ordered],
        [row.round for row in ordered],
        [row.type for row in ordered],
        [row.epoch for row in ordered],
        [row.batch for row in ordered],
        [row.body for row in ordered],
    )


async def milestones(connection: Connection, round_id: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await connection.fetch(MILESTONES, round_id)]


async def milestone(connection: Connection, round_id: str, kind: str) -> dict[str, Any] | None:
    """The newest epoch's milestone of a kind."""
    body: dict[str, Any] | None = await connection.fetchval(MILESTONE, round_id, kind)
    return body


async def batch_proposed(connection: Connection, round_id: str, epoch: int, batch: int) -> dict[str, Any] | None:
    """What selection proposed for a batch of a release."""
    body: dict[str, Any] | None = await connection.fetchval(BATCH_PROPOSED, round_id, epoch, batch)
    return body


async def outcome(connection: Connection, application: str) -> dict[str, Any]:
    row = await connection.fetchrow(OUTCOME, application)
    return dict(row) if row else {}


async def results(connection: Connection, round_id: str) -> list[dict[str, Any]]:
    return [
        {"result": row["result_type"], **row["result"], **_ended(row["status_ended_at"])}
        for row in await connection.fetch(RESULTS, round_id)
    ]


async def results_version(connection: Connection, round_id: str) -> str:
    """A hash that changes whenever `results` does."""
    version: str = await connection.fetchval(RESULTS_VERSION, round_id)
    return version


def _ended(moment: datetime | None) -> dict[str, str]:
    return {"status_ended_at": moment.isoformat()} if moment else {}


async def save_status_ends(connection: Connection, ends: Sequence[tuple[str, int, datetime]]) -> None:
    """Stores ends of status: (application, epoch of its result, when its status ended)."""
    if ends:
        await connection.execute(SAVE_STATUS_ENDS, *zip(*sorted(ends), strict=True))


async def awaiting_source(connection: Connection, round_id: str | None = None) -> list[AwaitedValue]:
    """Commitments that await a value, oldest first, of one round or of all: the first one, and later ones with new
    entries."""
    return [
        AwaitedValue(
            round=row["round"],
            epoch=row["epoch"],
            commitment_root=row["body"]["commitment_root"],
            committed_at=datetime.fromisoformat(row["body"]["committed_at"]),
            supplementary=row["body"].get("seed_epoch") not in (None, row["epoch"]),
            source=None if row["body"].get("seed_epoch") in (None, row["epoch"]) else row["supplementary_source"],
        )
        for row in await connection.fetch(AWAITING_SOURCE, round_id)
    ]


async def save_source(
    connection: Connection, round_id: str, epoch: int, source: str, value: str, due_at: datetime
) -> bool:
    """One value per commitment for ever: False when there is one."""
    return await connection.fetchval(SAVE_SOURCE, round_id, epoch, source, value, due_at) is not None
