"""Puts back the lifecycle of rounds, as `putback.py` does everything else: a statement changes nothing where the row is
newer. Functions return the number of rows changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.contracts.events import ReleaseOpened, RoundAmended
from shared.service.postgres import Connection, rows_changed

# Its policy comes with RoundOpened, or with the same announcement made again (`give_policy`).
ANNOUNCED = """
INSERT INTO rounds (round, title, status, opens_at, closes_at, policy, policy_hash, lead_seconds, sources, rehearsal,
                    unattended, series, cut, announced_close, announcement_root)
VALUES ($1, $2, 'announced', $3, $4, '{}', $5, $6, $7, $8, $9, $10, $11, $4, $12) ON CONFLICT DO NOTHING
"""
# Its policy comes the same way as that of an announcement.
AMENDED = """
UPDATE rounds SET title = $3, opens_at = $4, closes_at = $5, announced_close = $5, policy_hash = $6,
    policy = CASE policy_hash WHEN $6 THEN policy ELSE '{}' END, lead_seconds = $7, sources = $8, amendment = $2,
    announcement_root = $9
WHERE round = $1 AND amendment < $2 AND status IN ('announced', 'void')
"""
# For a round that was opened, or frozen, before an amendment was read.
AMENDED_BEFORE = "UPDATE rounds SET amendment = $2, announced_close = $3 WHERE round = $1 AND amendment < $2"
# An opening includes every amendment, read or not.
OPENED = """
UPDATE rounds SET status = CASE status WHEN 'announced' THEN 'open' ELSE status END, policy = $2, title = $3,
    opens_at = $4, policy_hash = $6, lead_seconds = $7, sources = $8, announcement_root = $9,
    closes_at = CASE closes_at WHEN announced_close THEN $5 ELSE greatest(closes_at, $5) END
WHERE round = $1 AND (status = 'announced' OR policy = '{}')
"""
INVITED = """
INSERT INTO pledges (round, institution, won)
SELECT $1, institution, won FROM unnest($2::text[], $3::bigint[]) AS invited(institution, won)
JOIN institutions USING (institution)
WHERE NOT EXISTS (
    SELECT FROM pledges p JOIN rounds r ON r.series = p.round
    WHERE r.round = $1 AND p.institution = invited.institution)
ON CONFLICT DO NOTHING
"""
GIVE_POLICY = "UPDATE rounds SET policy = $3 WHERE round = $1 AND policy_hash = $2 AND policy = '{}'"
EXTENDED = """
UPDATE rounds SET closes_at = $2 WHERE round = $1 AND closes_at < $2 AND status IN ('announced', 'open')
"""
EPOCH = """
WITH known AS (
    INSERT INTO epochs (round, epoch, opened_at, applications, requests, supplementary_source, judge_all, judge_again,
                        admitted)
    SELECT round, $2, $3, $4, $5, $6, $8, $9::text[]::uuid[], $10::text[]::uuid[]
    FROM rounds WHERE round = $1 ON CONFLICT DO NOTHING
)
UPDATE rounds SET status = CASE status WHEN 'void' THEN status ELSE 'frozen' END, epoch = $2,
    frozen_at = coalesce(frozen_at, $3), applications = $4, requests = $5, closes_at = coalesce($7, closes_at),
    confirmed_at = NULL
WHERE round = $1 AND epoch < $2
"""
SOURCE = """
INSERT INTO source_values (round, epoch, source, value, due_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
"""
CONFIRMED = """
WITH known AS (
    INSERT INTO confirmations (round, epoch, confirmed_at) SELECT round, $2, $3 FROM rounds WHERE round = $1
    ON CONFLICT DO NOTHING
)
UPDATE rounds SET status = 'confirmed', confirmed_at = $3 WHERE round = $1 AND epoch = $2 AND status = 'frozen'
"""
FINALIZED = "UPDATE rounds SET status = 'final' WHERE round = $1 AND epoch = $2 AND status = 'confirmed'"
VOIDED = "UPDATE rounds SET status = 'void' WHERE round = $1 AND status <> 'void'"
RELEASE_OPENED = """
INSERT INTO releases (round, epoch, batch, opened_at) SELECT round, $2, $3, $4 FROM rounds WHERE round = $1
ON CONFLICT DO NOTHING
"""
LEFT = """
INSERT INTO set_free (round, subject, cause, reason, freed_at, epoch, batch)
SELECT r.round, subject, cause, reason, $4, $2, $3
FROM rounds r, unnest($5::text[], $6::text[], $7::text[]) AS freed(subject, cause, reason) WHERE r.round = $1
ON CONFLICT (round, subject) DO UPDATE SET epoch = excluded.epoch, batch = excluded.batch
WHERE set_free.batch IS NULL
"""


async def announced(connection: Connection, round_id: str, terms: dict[str, Any], window: Sequence[datetime]) -> int:
    """An announced round. `terms`: RoundAnnounced, RoundAmended or RoundOpened as JSON."""
    return await rows_changed(
        connection,
        ANNOUNCED,
        round_id,
        terms["title"],
        *window,
        terms["policy_hash"],
        terms["lead_seconds"],
        terms["sources"],
        terms.get("rehearsal"),
        terms["unattended"],
        terms.get("series"),
        terms.get("cut"),
        terms.get("announcement_root"),
    )


async def amended(connection: Connection, event: RoundAmended, terms: dict[str, Any]) -> int:
    """An amendment. `terms` as JSON.

    The newest counts, in whatever order they are read, also before the announcement.
    """
    window = event.opens_at, event.closes_at
    rows = await announced(connection, event.round, terms, window)
    values = event.title, *window, event.policy_hash, event.lead_seconds, terms["sources"], event.announcement_root
    rows += await rows_changed(connection, AMENDED, event.round, event.amendment, *values)
    return rows + await rows_changed(connection, AMENDED_BEFORE, event.round, event.amendment, event.closes_at)


async def opened(
    connection: Connection,
    round_id: str,
    terms: dict[str, Any],
    window: Sequence[datetime],
    pledges: Sequence[tuple[str, int]],
) -> int:
    """An opening. `terms` as JSON.

    `pledges`: those of the opening, for institutions without a later pledge to the round.
    """
    values = terms["policy_hash"], terms["lead_seconds"], terms["sources"], terms.get("announcement_root")
    changed = await rows_changed(connection, OPENED, round_id, terms["policy"], terms["title"], *window, *values)
    return changed + await rows_changed(
        connection, INVITED, round_id, [code for code, _ in pledges], [w for _, w in pledges]
    )


async def give_policy(connection: Connection, round_id: str, policy_hash: str, policy: dict[str, Any]) -> bool:
    """Fills in the policy of a round that was put back from its announcement, which states only the hash."""
    return await rows_changed(connection, GIVE_POLICY, round_id, policy_hash, policy) > 0


async def extended(connection: Connection, round_id: str, closes_at: datetime) -> int:
    return await rows_changed(connection, EXTENDED, round_id, closes_at)


async def epoch(
    connection: Connection,
    round_id: str,
    number: int,
    opened_at: datetime,
    manifests: tuple[dict[str, Any], dict[str, Any]],
    supplementary_source: str | None,
    closes_at: datetime | None,
    judge_all: bool = False,
    judge_again: Sequence[str] = (),
    admitted: Sequence[str] = (),
) -> int:
    """A frozen set; the newest one counts. `manifests`: of the applications and of the requests. `closes_at`: the close
    of the round at the freeze."""
    values = supplementary_source, closes_at, judge_all, list(judge_again), list(admitted)
    return await rows_changed(connection, EPOCH, round_id, number, opened_at, *manifests, *values)


async def source(connection: Connection, round_id: str, number: int, name: str, value: str, due_at: datetime) -> int:
    return await rows_changed(connection, SOURCE, round_id, number, name, value, due_at)


async def confirmed(connection: Connection, round_id: str, number: int, confirmed_at: datetime) -> int:
    return await rows_changed(connection, CONFIRMED, round_id, number, confirmed_at)


async def release_opened(connection: Connection, opened: ReleaseOpened) -> int:
    """A batch, and what it names, which may not have been read yet."""
    left = [(application.application, application.cause.value, application.reason) for application in opened.leaving]
    left += [(request.request, "cancelled", request.reason) for request in opened.cancelled]
    of_batch = opened.round, opened.epoch, opened.batch, opened.opened_at
    rows = await rows_changed(connection, RELEASE_OPENED, *of_batch)
    columns = ([row[column] for row in left] for column in range(3))
    return rows + await rows_changed(connection, LEFT, *of_batch, *columns)


async def finalized(connection: Connection, round_id: str, number: int) -> int:
    return await rows_changed(connection, FINALIZED, round_id, number)


async def voided(connection: Connection, round_id: str) -> int:
    return await rows_changed(connection, VOIDED, round_id)
