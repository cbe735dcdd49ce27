"""Eligibility's SQL: rounds as they were opened and frozen, verdicts, and what waits for its round."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import TypeAdapter

from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.completion import FIRST_EPOCH, JudgedIn
from shared.clock import TimeMap, time_map
from shared.contracts.events import EligibilityCompleted, EpochOpened, Manifest, Rehearsal
from shared.contracts.policy import Policy
from shared.postgres import Connection

SAVE_OPENED = """
INSERT INTO rounds (round, policy, policy_hash, rehearsal) VALUES ($1, $2, $3, $4)
ON CONFLICT (round) DO UPDATE
SET policy = excluded.policy, policy_hash = excluded.policy_hash, rehearsal = excluded.rehearsal
"""
SAVE_JUDGED_AGAIN = """
INSERT INTO judged_again (application, round, epoch) SELECT application, $2, $3 FROM unnest($1::uuid[]) AS application
ON CONFLICT (application) DO UPDATE SET round = excluded.round, epoch = greatest(judged_again.epoch, excluded.epoch)
"""
SAVE_JUDGE_ALL = "UPDATE rounds SET judge_all_epoch = greatest(judge_all_epoch, $2) WHERE round = $1"
SAVE_VOID = """
INSERT INTO rounds (round, void) VALUES ($1, true) ON CONFLICT (round) DO UPDATE SET void = true
"""
SAVE_SAID = """
INSERT INTO said (round, epoch, root, completed_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
SAID = "SELECT root, completed_at FROM said WHERE round = $1 AND epoch = $2"
IN_LATER_EPOCHS = "SELECT round, judge_all_epoch FROM rounds WHERE round = ANY($1::text[]) AND epoch > 1"
JUDGED_AGAIN = "SELECT application::text, epoch FROM judged_again WHERE round = $1"
JUDGED_AGAIN_OF = """
SELECT application::text, epoch FROM judged_again WHERE round = $1 AND application = ANY($2::uuid[])
"""
SAVE_FROZEN = """
INSERT INTO rounds (round, epoch, applications, frozen_at) VALUES ($1, $2, $3, now())
ON CONFLICT (round) DO UPDATE
SET epoch = excluded.epoch, applications = excluded.applications, frozen_at = excluded.frozen_at
WHERE rounds.epoch < excluded.epoch
"""
OPENED = "SELECT round, policy, policy_hash FROM rounds WHERE round = ANY($1::text[]) AND policy IS NOT NULL"
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
INCOMPLETE = """
SELECT r.round, r.epoch, r.applications, r.rehearsal, r.judge_all_epoch, r.frozen_at, r.void FROM rounds r
LEFT JOIN completions c ON c.round = r.round AND c.epoch = r.epoch
WHERE r.epoch > 0 AND r.policy IS NOT NULL AND c.round IS NULL AND NOT r.void
"""
FROZEN = """
SELECT round, epoch, applications, rehearsal, judge_all_epoch, frozen_at, void FROM rounds WHERE round = $1
"""
CURRENT = """
SELECT v.application::text, v.version, v.payload_hash, v.epoch, v.outcome, v.findings_hash
FROM (SELECT DISTINCT ON (application) * FROM verdicts WHERE round = $1
      ORDER BY application, version DESC, epoch DESC) v
LEFT JOIN withdrawals w ON w.application = v.application AND w.version > v.version
WHERE w.application IS NULL
"""
COMPLETE = """
INSERT INTO completions (round, epoch, completed_at, verdicts) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING round
"""
COMPLETED = "SELECT verdicts FROM completions WHERE round = $1 AND epoch = $2 AND verdicts IS NOT NULL"
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


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A verdict as it was, or is to be, published."""

    application: str
    version: int
    epoch: int
    round: str
    payload_hash: str
    outcome: str
    findings_hash: str
    body: bytes
    judged_at: datetime

    def row(self) -> tuple[Any, ...]:
        return (
            self.application,
            self.version,
            self.epoch,
            self.round,
            self.payload_hash,
            self.outcome,
            self.findings_hash,
            self.body,
            self.judged_at,
        )


@dataclass(frozen=True, slots=True)
class FrozenRound:
    """A round whose set is fixed, in its newest epoch."""

    round: str
    epoch: int
    applications: Manifest
    time_map: TimeMap
    judged_in: JudgedIn
    heard_at: datetime | None
    """When the epoch was heard of, in real time."""
    void: bool


async def save_opened(connection: Connection, round_id: str, policy: Any, policy_hash: str, rehearsal: Any) -> None:
    await connection.execute(SAVE_OPENED, round_id, policy, policy_hash, rehearsal)


async def save_frozen(connection: Connection, round_id: str, epoch: int, applications: Manifest) -> None:
    """A later epoch replaces an earlier one, never the other way round."""
    await connection.execute(SAVE_FROZEN, round_id, epoch, applications.model_dump())


async def save_epoch(connection: Connection, opened: EpochOpened) -> None:
    """The next frozen set, and what of it is judged again."""
    await save_frozen(connection, opened.round, opened.epoch, opened.applications)
    if opened.judge_all:
        await connection.execute(SAVE_JUDGE_ALL, opened.round, opened.epoch)
    await connection.execute(SAVE_JUDGED_AGAIN, list(opened.judge_again), opened.round, opened.epoch)


async def save_void(connection: Connection, round_id: str) -> None:
    await connection.execute(SAVE_VOID, round_id)


async def save_said(connection: Connection, event: EligibilityCompleted) -> None:
    await connection.execute(SAVE_SAID, event.round, event.epoch, event.verdicts.root, event.completed_at)


async def said(connection: Connection, round_id: str, epoch: int) -> tuple[str, datetime] | None:
    """The root and the moment this service published of that epoch, if it did."""
    row = await connection.fetchrow(SAID, round_id, epoch)
    return (row["root"], row["completed_at"]) if row else None


async def opened(connection: Connection, rounds: Sequence[str]) -> dict[str, PolicyRules]:
    """The compiled policies of those of `rounds` whose opening is known."""
    rows = await connection.fetch(OPENED, list(rounds))
    adapter = TypeAdapter(Policy)
    return {
        row["round"]: PolicyRules.compile(adapter.validate_python(row["policy"]), row["policy_hash"]) for row in rows
    }


async def save_verdicts(connection: Connection, verdicts: Sequence[StoredVerdict]) -> Sequence[StoredVerdict]:
    """Saves what is new and returns every verdict as it is stored: for a redelivered one, the first.

    New verdicts are the rule, so they are copied; when one of them stands already the whole batch is inserted anew.
    """
    try:
        async with connection.transaction():
            await connection.copy_records_to_table(
                "verdicts", records=[verdict.row() for verdict in verdicts], columns=COLUMNS
            )
    except asyncpg.UniqueViolationError:
        ordered = sorted(verdicts, key=lambda verdict: verdict.application)
        await connection.execute(INSERT_VERDICTS, *zip(*(verdict.row() for verdict in ordered), strict=True))
        return await stored(connection, [(each.application, each.version, each.epoch) for each in verdicts])
    return verdicts


async def stored(connection: Connection, keys: Sequence[tuple[str, int, int]]) -> list[StoredVerdict]:
    """(application, version, epoch) of each."""
    if not keys:
        return []
    rows = await connection.fetch(STORED_VERDICTS, *zip(*keys, strict=True))
    return [StoredVerdict(**dict(row)) for row in rows]


async def save_withdrawals(connection: Connection, rows: Iterable[tuple[str, str, int]]) -> None:
    """(application, round, version); of each application the highest version stands."""
    newest: dict[str, tuple[str, str, int]] = {}
    for row in rows:
        if row[0] not in newest or newest[row[0]][2] < row[2]:
            newest[row[0]] = row
    ordered = sorted(newest.values())
    await connection.execute(SAVE_WITHDRAWALS, *zip(*ordered, strict=True))


async def save_waiting(connection: Connection, rows: Sequence[tuple[str, int, str, bytes, str | None]]) -> None:
    """(application, version, round, body, traceparent)."""
    await connection.execute(SAVE_WAITING, *zip(*rows, strict=True))


async def take_waiting(connection: Connection, limit: int) -> list[tuple[bytes, str | None]]:
    """Removes and returns applications whose round has become known."""
    return [(row["body"], row["traceparent"]) for row in await connection.fetch(TAKE_WAITING, limit)]


async def _frozen(connection: Connection, row: Any) -> FrozenRound:
    rehearsal = Rehearsal.model_validate(row["rehearsal"]) if row["rehearsal"] else None
    again = await connection.fetch(JUDGED_AGAIN, row["round"]) if row["epoch"] > FIRST_EPOCH else ()
    return FrozenRound(
        row["round"],
        row["epoch"],
        Manifest.model_validate(row["applications"]),
        time_map(rehearsal),
        JudgedIn(row["judge_all_epoch"], {each["application"]: each["epoch"] for each in again}),
        row["frozen_at"],
        row["void"],
    )


async def incomplete(connection: Connection) -> list[FrozenRound]:
    """Those whose verdicts are not complete in their epoch."""
    return [await _frozen(connection, row) for row in await connection.fetch(INCOMPLETE)]


async def frozen(connection: Connection, round_id: str) -> FrozenRound | None:
    row = await connection.fetchrow(FROZEN, round_id)
    return await _frozen(connection, row) if row and row["epoch"] else None


async def judged_in(connection: Connection, applications: Mapping[str, Sequence[str]]) -> dict[str, JudgedIn]:
    """Of each round that is in a later epoch than the first, where its `applications` are to be judged in."""
    later = await connection.fetch(IN_LATER_EPOCHS, list(applications))
    found = {}
    for row in later:
        again = await connection.fetch(JUDGED_AGAIN_OF, row["round"], list(applications[row["round"]]))
        found[row["round"]] = JudgedIn(row["judge_all_epoch"], {each["application"]: each["epoch"] for each in again})
    return found


async def current(connection: Connection, round_id: str) -> list[tuple[str, int, str, int, str, str]]:
    """[id, version, payload hash, epoch judged, outcome, findings hash] of the newest versions not withdrawn."""
    return [tuple(row) for row in await connection.fetch(CURRENT, round_id)]


async def waiting(connection: Connection, round_id: str) -> int:
    """How many versions of the round are not judged yet."""
    count: int = await connection.fetchval(WAITING, round_id)
    return count


async def complete(connection: Connection, round_id: str, epoch: int, moment: datetime, verdicts: Manifest) -> bool:
    """Once per (round, epoch): False when it was completed before."""
    return await connection.fetchval(COMPLETE, round_id, epoch, moment, verdicts.model_dump()) is not None


async def completed(connection: Connection, round_id: str, epoch: int) -> Manifest | None:
    """The set of verdicts that was completed."""
    verdicts = await connection.fetchval(COMPLETED, round_id, epoch)
    return Manifest.model_validate(verdicts) if verdicts else None


async def bucket(connection: Connection, round_id: str, number: int) -> list[tuple[str, int, str]]:
    """(id, version, payload hash) of every verdict of the bucket, current or not."""
    return [tuple(row) for row in await connection.fetch(BUCKET, round_id, number)]


async def withdrawn(connection: Connection, applications: Iterable[str]) -> dict[str, int]:
    """Versions that are withdrawals, of those of the applications that have one."""
    rows = await connection.fetch(WITHDRAWN, sorted(applications))
    return {row["application"]: row["version"] for row in rows}


async def drop(connection: Connection, verdicts: Iterable[tuple[str, int]], withdrawals: Sequence[str] = ()) -> None:
    """Removes verdicts on these (application, version), and these applications' withdrawals."""
    ordered = sorted(set(verdicts))
    await connection.execute(DROP_VERDICTS, [each[0] for each in ordered], [each[1] for each in ordered])
    await connection.execute(DROP_WITHDRAWALS, list(withdrawals))


async def drop_elsewhere(connection: Connection, round_id: str, applications: Iterable[str]) -> None:
    """Removes verdicts that put these applications into another round than theirs."""
    await connection.execute(DROP_ELSEWHERE, round_id, sorted(applications))
