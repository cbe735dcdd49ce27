"""Verdicts, until each is announced to its applicant. The newest version and epoch wins."""

from collections.abc import Iterable

from services.notify.domain.occurrences import Committed, VerdictSummary
from services.notify.storage.newest import newest
from shared.contracts.findings import VerdictOutcome
from shared.service.postgres import Connection, columns

# Findings travel inside an object: asyncpg would send a list of lists as a two-dimensional array.
SAVE = """
INSERT INTO verdicts (application, version, epoch, findings, changes, round, outcome)
SELECT application, version, epoch, stated->'findings', stated->'changes', round, outcome
FROM unnest($1::text[], $2::int[], $3::int[], $4::jsonb[], $5::text[], $6::text[])
    AS judged(application, version, epoch, stated, round, outcome)
ON CONFLICT (application) DO UPDATE
SET version = excluded.version, epoch = excluded.epoch, findings = excluded.findings,
    changes = excluded.changes, round = excluded.round, outcome = excluded.outcome,
    told = verdicts.told AND verdicts.version = excluded.version
        AND verdicts.outcome = excluded.outcome AND verdicts.findings = excluded.findings
WHERE (verdicts.version, verdicts.epoch) < (excluded.version, excluded.epoch)
"""
# A verdict is announced once its epoch is committed: until then it may change. The query starts at committed rounds,
# which are few, while all other rounds' verdicts wait.
_COMMITTED = """
WITH committed AS MATERIALIZED (
    SELECT DISTINCT ON (round) round, substring(occasion FROM '^epoch-([0-9]+)$')::int AS epoch,
           roots->>'commitment' AS commitment, traceparent
    FROM turns WHERE happening = 'committed' AND round = coalesce($1, round) ORDER BY round, 2 DESC)
"""
_UNANNOUNCED = """
    FROM committed c
    JOIN verdicts v ON v.round = c.round AND NOT v.told AND v.epoch <= c.epoch
    JOIN applications a ON a.application = v.application AND a.version = v.version AND a.party IS NOT NULL
"""
ROUNDS_WITH_COMMITTED = f"{_COMMITTED} SELECT DISTINCT c.round {_UNANNOUNCED} ORDER BY c.round"
TAKE = f"""
{_COMMITTED}, due AS (
    SELECT v.application, a.party, c.commitment, c.traceparent {_UNANNOUNCED}
    LIMIT 2000 FOR UPDATE OF v SKIP LOCKED)
UPDATE verdicts v SET told = true FROM due WHERE v.application = due.application
RETURNING v.application, v.version, v.round, v.outcome, due.party, due.commitment, due.traceparent,
    encode(sha256(convert_to(v.outcome || v.findings::text, 'UTF8')), 'hex') AS content_hash
"""  # noqa: S608


async def save(connection: Connection, verdicts: Iterable[VerdictSummary]) -> None:
    """Stores the newest verdict of each application. Expects at least one."""
    rows = [
        {
            "application": verdict.application,
            "version": verdict.version,
            "epoch": verdict.epoch,
            "stated": verdict.as_json(),
            "round": verdict.round,
            "outcome": verdict.outcome.value,
        }
        for verdict in verdicts
    ]
    await connection.execute(SAVE, *columns(newest(rows, "application", lambda row: (row["version"], row["epoch"]))))


async def rounds_with_committed(connection: Connection) -> list[str]:
    """Rounds with verdicts that are committed but not announced."""
    return [row["round"] for row in await connection.fetch(ROUNDS_WITH_COMMITTED, None)]


async def take(connection: Connection, round_id: str) -> list[Committed]:
    """A round's committed verdicts that were not announced; each is taken once."""
    return [
        Committed(
            round=row["round"],
            application=row["application"],
            party=row["party"],
            version=row["version"],
            content_hash=row["content_hash"],
            outcome=VerdictOutcome(row["outcome"]),
            commitment=row["commitment"],
            traceparent=row["traceparent"],
        )
        for row in await connection.fetch(TAKE, round_id)
    ]
