"""Verdicts, withdrawals, and applications that wait for their round to open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

import asyncpg

from services.eligibility.domain.completion import VerdictLeaf
from shared.service.postgres import Connection, columns

INSERT_VERDICTS = """
INSERT INTO verdicts (application, version, epoch, round, payload_hash, outcome, findings_hash, body, judged_at)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[],
                     $9::timestamptz[])
ON CONFLICT DO NOTHING
"""
STORED_VERDICTS = """
SELECT application::text, version, epoch, round, payload_hash, outcome, findings_hash, body, judged_at
FROM verdicts JOIN unnest($1::uuid[], $2::int[], $3::int[]) AS asked(application, version, epoch)
     USING (application, version, epoch)
"""
SAVE_WITHDRAWALS = """
INSERT INTO withdrawals (application, round, version) SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[])
ON CONFLICT (application) DO UPDATE SET version = greatest(withdrawals.version, excluded.version)
"""
SAVE_WAITING = """
INSERT INTO waiting (application, version, round, body, traceparent)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::bytea[], $5::text[]) ON CONFLICT DO NOTHING
"""
TAKE_WAITING = """
DELETE FROM waiting WHERE (application, version) IN (
    SELECT w.application, w.version FROM waiting w JOIN rounds r USING (round)
    WHERE r.policy IS NOT NULL LIMIT $1 FOR UPDATE OF w SKIP LOCKED)
RETURNING body, traceparent
"""
CURRENT = """
SELECT v.application::text, v.version, v.payload_hash, v.epoch, v.outcome, v.findings_hash
FROM (SELECT DISTINCT ON (application) * FROM verdicts WHERE round = $1
      ORDER BY application, version DESC, epoch DESC) v
LEFT JOIN withdrawals w ON w.application = v.application AND w.version > v.version
WHERE w.application IS NULL
"""
IS_PARKED = """
SELECT EXISTS (
    SELECT FROM verdicts v WHERE v.round = $1 AND v.outcome = 'parked'
      AND NOT EXISTS (SELECT FROM verdicts n WHERE n.application = v.application
                        AND (n.version, n.epoch) > (v.version, v.epoch))
      AND NOT EXISTS (SELECT FROM withdrawals w WHERE w.application = v.application AND w.version > v.version))
"""
WAITING = "SELECT count(*) FROM waiting WHERE round = $1"
BUCKET = """
SELECT application::text, version, payload_hash FROM verdicts
WHERE round = $1 AND get_byte(sha256(convert_to(application::text, 'UTF8')), 0) = $2
"""
WITHDRAWN = "SELECT application::text, version FROM withdrawals WHERE application = ANY($1::uuid[])"
DROP_VERDICTS = """
DELETE FROM verdicts USING unnest($1::uuid[], $2::int[]) AS dropped(application, version)
WHERE verdicts.application = dropped.application AND verdicts.version = dropped.version
"""
DROP_ELSEWHERE = "DELETE FROM verdicts WHERE application = ANY($2::uuid[]) AND round <> $1"
DROP_WITHDRAWALS = "DELETE FROM withdrawals WHERE application = ANY($1::uuid[])"
COLUMNS = (
    "application",
    "version",
    "epoch",
    "round",
    "payload_hash",
    "outcome",
    "findings_hash",
    "body",
    "judged_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVerdict:
    """A verdict as it was, or will be, published."""

    application: str
    version: int
    epoch: int
    round: str
    payload_hash: str
    outcome: str
    findings_hash: str
    body: bytes
    judged_at: datetime


_row: Final = attrgetter(*COLUMNS)


async def save_verdicts(connection: Connection, verdicts: Sequence[StoredVerdict]) -> Sequence[StoredVerdict]:
    """Saves new verdicts and returns every verdict as stored: for a redelivered one, the first.

    Most verdicts are new, so they are copied; if one of them exists already, the whole batch is inserted anew.
    """
    try:
        async with connection.transaction():
            await connection.copy_records_to_table("verdicts", records=map(_row, verdicts), columns=COLUMNS)
    except asyncpg.UniqueViolationError:
        ordered = sorted(verdicts, key=lambda verdict: verdict.application)
        await connection.execute(INSERT_VERDICTS, *zip(*map(_row, ordered), strict=True))
        return await stored(connection, [(each.application, each.version, each.epoch) for each in verdicts])
    return verdicts


async def stored(connection: Connection, keys: Sequence[tuple[str, int, int]]) -> list[StoredVerdict]:
    """Verdicts of these (application, version, epoch)."""
    if not keys:
        return []
    rows = await connection.fetch(STORED_VERDICTS, *zip(*keys, strict=True))
    return [StoredVerdict(**dict(row)) for row in rows]


async def save_withdrawals(connection: Connection, rows: Iterable[tuple[str, str, int]]) -> None:
    """Stores withdrawals (application, round, version); of each application the highest version counts."""
    newest: dict[str, tuple[str, str, int]] = {}
    for row in rows:
        if row[0] not in newest or newest[row[0]][2] < row[2]:
            newest[row[0]] = row
    ordered = sorted(newest.values())
    await connection.execute(SAVE_WITHDRAWALS, *zip(*ordered, strict=True))


async def save_waiting(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Stores applications whose round is not open yet: rows of application, version, round, body and traceparent."""
    if rows:
        await connection.execute(SAVE_WAITING, *columns(rows))


async def take_waiting(connection: Connection, limit: int) -> list[tuple[bytes, str | None]]:
    """Removes and returns applications whose round has opened."""
    return [(row["body"], row["traceparent"]) for row in await connection.fetch(TAKE_WAITING, limit)]


async def current(connection: Connection, round_id: str) -> list[VerdictLeaf]:
    """Leaves of the newest versions that are not withdrawn."""
    return [VerdictLeaf(*row) for row in await connection.fetch(CURRENT, round_id)]


async def is_parked(connection: Connection, round_id: str) -> bool:
    """Cheap: asked before the whole set is read, which may go on for days."""
    parked: bool = await connection.fetchval(IS_PARKED, round_id)
    return parked


async def waiting(connection: Connection, round_id: str) -> int:
    """How many versions of the round are not judged yet."""
    count: int = await connection.fetchval(WAITING, round_id)
    return count


async def bucket(connection: Connection, round_id: str, number: int) -> list[tuple[str, int, str]]:
    """Every verdict of a bucket, current or not: (id, version, payload hash)."""
    return [tuple(row) for row in await connection.fetch(BUCKET, round_id, number)]


async def withdrawn(connection: Connection, applications: Iterable[str]) -> dict[str, int]:
    """The withdrawing version of each application that has one."""
    rows = await connection.fetch(WITHDRAWN, sorted(applications))
    return {row["application"]: row["version"] for row in rows}


async def drop(connection: Connection, verdicts: Iterable[tuple[str, int]], withdrawals: Sequence[str] = ()) -> None:
    """Removes verdicts of these (application, version), and withdrawals of these applications."""
    ordered = sorted(set(verdicts))
    await connection.execute(DROP_VERDICTS, [each[0] for each in ordered], [each[1] for each in ordered])
    await connection.execute(DROP_WITHDRAWALS, list(withdrawals))


async def drop_elsewhere(connection: Connection, round_id: str, applications: Iterable[str]) -> None:
    """Removes verdicts that put these applications into another round."""
    await connection.execute(DROP_ELSEWHERE, round_id, sorted(applications))
