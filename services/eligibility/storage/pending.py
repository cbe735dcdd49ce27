"""Applications that wait for registries: judged once all questions about them are answered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.eligibility.domain.completion import VerdictLeaf
from services.eligibility.domain.registry_facts import Question
from services.eligibility.storage.registry_answers import RoundEpoch
from shared.contracts.registries import Registry
from shared.service.postgres import Connection

PENDING: Final = "pending"
"""Placeholder for the outcome before judging."""
SAVE_PENDING = """
INSERT INTO pending (application, version, epoch, round, payload_hash, body, traceparent, since)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::text[], $6::bytea[], $7::text[],
                     $8::timestamptz[])
ON CONFLICT DO NOTHING
"""
SAVE_QUESTIONS = """
INSERT INTO pending_questions (application, version, epoch, round, registry, subject)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[]) ON CONFLICT DO NOTHING
"""
# Those whose questions are all answered, and those that must be judged in a later epoch by now, with other questions.
TAKE_ANSWERED = """
WITH taken AS (
    SELECT p.application, p.version, p.epoch FROM pending p
    WHERE NOT EXISTS (
            SELECT FROM pending_questions q
            LEFT JOIN registry_answers a ON a.round = q.round AND a.epoch = q.epoch AND a.registry = q.registry
                                        AND a.subject = q.subject AND a.said
            WHERE q.application = p.application AND q.version = p.version AND q.epoch = p.epoch AND a.round IS NULL)
       OR p.epoch < (SELECT greatest(r.judge_all_epoch, j.epoch) FROM rounds r
                     LEFT JOIN judged_again j ON j.application = p.application WHERE r.round = p.round)
    LIMIT $1 FOR UPDATE OF p SKIP LOCKED),
asked AS (
    DELETE FROM pending_questions q USING taken t
    WHERE q.application = t.application AND q.version = t.version AND q.epoch = t.epoch)
DELETE FROM pending p USING taken t
WHERE p.application = t.application AND p.version = t.version AND p.epoch = t.epoch
RETURNING p.body, p.traceparent
"""
# Older versions, withdrawn ones, and those of void rounds.
PRUNE = """
WITH gone AS (
    DELETE FROM pending p
    WHERE EXISTS (SELECT FROM pending n WHERE n.application = p.application AND n.version > p.version)
       OR EXISTS (SELECT FROM verdicts v WHERE v.application = p.application AND v.version > p.version)
       OR EXISTS (SELECT FROM withdrawals w WHERE w.application = p.application AND w.version > p.version)
       OR EXISTS (SELECT FROM rounds r WHERE r.round = p.round AND r.void)
    RETURNING p.application, p.version, p.epoch)
DELETE FROM pending_questions q USING gone g
WHERE q.application = g.application AND q.version = g.version AND q.epoch = g.epoch
"""
LEAVES = """
SELECT DISTINCT ON (application) application::text, version, payload_hash, epoch FROM pending WHERE round = $1
ORDER BY application, version DESC, epoch DESC
"""
IS_PENDING = "SELECT EXISTS (SELECT FROM pending WHERE round = $1)"
BUCKET = """
SELECT application::text, version, payload_hash FROM pending
WHERE round = $1 AND get_byte(sha256(convert_to(application::text, 'UTF8')), 0) = $2
"""
DROP = """
WITH gone AS (
    DELETE FROM pending p USING unnest($1::uuid[], $2::int[]) AS dropped(application, version)
    WHERE p.application = dropped.application AND p.version = dropped.version
    RETURNING p.application, p.version)
DELETE FROM pending_questions q USING gone g WHERE q.application = g.application AND q.version = g.version
"""
WAITED_FOR = """
SELECT q.registry, count(DISTINCT q.application) AS applications, min(p.since) AS since
FROM pending p JOIN pending_questions q USING (application, version, epoch)
LEFT JOIN registry_answers a ON a.round = q.round AND a.epoch = q.epoch AND a.registry = q.registry
                            AND a.subject = q.subject
WHERE p.round = $1 AND a.round IS NULL GROUP BY q.registry
"""
COUNT_PENDING = "SELECT count(DISTINCT application) FROM pending WHERE round = $1"
WAIVERS = "SELECT registry FROM registry_waivers WHERE round = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An application as it was sent, and the questions about it."""

    application: str
    version: int
    place: RoundEpoch
    payload_hash: str
    body: bytes
    traceparent: str | None
    questions: tuple[Question, ...]


async def save(connection: Connection, pending: Sequence[Pending], now: datetime) -> None:
    """Stores pending applications in order of id, each with its questions."""
    ordered = sorted(pending, key=lambda application: (application.application, application.version))
    await connection.execute(
        SAVE_PENDING,
        [application.application for application in ordered],
        [application.version for application in ordered],
        [application.place.epoch for application in ordered],
        [application.place.round for application in ordered],
        [application.payload_hash for application in ordered],
        [application.body for application in ordered],
        [application.traceparent for application in ordered],
        [now] * len(ordered),
    )
    asked = [(application, question) for application in ordered for question in application.questions]
    await connection.execute(
        SAVE_QUESTIONS,
        [application.application for application, _ in asked],
        [application.version for application, _ in asked],
        [application.place.epoch for application, _ in asked],
        [application.place.round for application, _ in asked],
        [question.registry.value for _, question in asked],
        [question.subject for _, question in asked],
    )


async def take_answered(connection: Connection, limit: int) -> list[tuple[bytes, str | None]]:
    """Removes and returns applications that can be judged now, or asked about anew."""
    return [(row["body"], row["traceparent"]) for row in await connection.fetch(TAKE_ANSWERED, limit)]


async def prune(connection: Connection) -> None:
    """Deletes what nobody waits for: older versions, withdrawn ones, those of void rounds."""
    await connection.execute(PRUNE)


async def leaves(connection: Connection, round_id: str) -> list[VerdictLeaf]:
    """The newest version of each application, as leaves without an outcome."""
    rows = await connection.fetch(LEAVES, round_id)
    return [VerdictLeaf(**row, outcome=PENDING, findings_hash="") for row in rows]


async def is_pending(connection: Connection, round_id: str) -> bool:
    """Cheap: asked before the whole set is read, which may go on for days."""
    pending: bool = await connection.fetchval(IS_PENDING, round_id)
    return pending


async def bucket(connection: Connection, round_id: str, number: int) -> list[tuple[str, int, str]]:
    """Pending versions of a bucket: (id, version, payload hash)."""
    return [tuple(row) for row in await connection.fetch(BUCKET, round_id, number)]


async def drop(connection: Connection, applications: Iterable[tuple[str, int]]) -> None:
    """Removes these (application, version) pairs."""
    ordered = sorted(set(applications))
    await connection.execute(DROP, [each[0] for each in ordered], [each[1] for each in ordered])


@dataclass(frozen=True, slots=True)
class Wait:
    """What a round waits for."""

    applications: int
    by_registry: Mapping[Registry, tuple[int, datetime]]
    """(applications that wait for it, since when the first does in real time)."""
    waived: frozenset[Registry]


async def wait(connection: Connection, round_id: str) -> Wait:
    """What the round waits for, by registry, and which waits officers have waived."""
    rows = await connection.fetch(WAITED_FOR, round_id)
    waivers = await connection.fetch(WAIVERS, round_id)
    return Wait(
        await connection.fetchval(COUNT_PENDING, round_id),
        {Registry(row["registry"]): (row["applications"], row["since"]) for row in rows},
        frozenset(Registry(row["registry"]) for row in waivers),
    )
