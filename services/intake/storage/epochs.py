"""The frozen sets of a round: its epochs with their manifests, and the confirmation of each."""

from datetime import datetime
from typing import Any

from shared.contracts.events import EpochOpened, Manifest
from shared.proof.merkle import Digest, digest_of
from shared.service.postgres import Connection

FREEZE = """
WITH frozen AS (
    UPDATE rounds SET status = 'frozen', epoch = 1, frozen_at = $2, applications = $3, requests = $4
    WHERE round = $1 AND status = 'open' RETURNING round
)
INSERT INTO epochs (round, epoch, opened_at, applications, requests) SELECT round, 1, $2, $3, $4 FROM frozen
"""
OPEN_EPOCH = """
WITH opened AS (
    UPDATE rounds SET status = 'frozen', epoch = $2, applications = $4, requests = $5, confirmed_at = NULL
    WHERE round = $1 AND epoch = $2 - 1 RETURNING round
)
INSERT INTO epochs (round, epoch, opened_at, applications, requests, supplementary_source, judge_all, judge_again,
                    admitted)
SELECT round, $2, $3, $4, $5, $6, $7, $8::text[]::uuid[], $9::text[]::uuid[] FROM opened
"""
TO_BE_JUDGED_IN = """
SELECT coalesce(max(epoch), 1) FROM epochs WHERE round = $1 AND (judge_all OR $2::uuid = ANY(judge_again))
"""
FIXED_AT = "SELECT opened_at FROM epochs WHERE round = $1 AND epoch = $2"
EPOCH = "SELECT epoch, applications, requests FROM epochs WHERE round = $1 AND epoch = $2"
CONFIRM = """
WITH confirmed AS (
    UPDATE rounds SET status = 'confirmed', confirmed_at = $2 WHERE round = $1 AND status = 'frozen'
    RETURNING round, epoch
)
INSERT INTO confirmations (round, epoch, confirmed_at) SELECT round, epoch, $2 FROM confirmed
ON CONFLICT (round, epoch) DO UPDATE SET confirmed_at = excluded.confirmed_at RETURNING round
"""
APPLICATION_LEAVES = """
SELECT application::text, version, payload_hash FROM applications WHERE round = $1 AND NOT withdrawn
"""
REQUEST_LEAVES = """
SELECT request, version, payload_hash FROM purchase_requests WHERE round = $1 AND NOT withdrawn
"""


async def freeze(
    connection: Connection, round_id: str, frozen_at: datetime, applications: Manifest, requests: Manifest
) -> None:
    """Freezes an open round, in its first epoch."""
    await connection.execute(FREEZE, round_id, frozen_at, applications.model_dump(), requests.model_dump())


async def open_epoch(connection: Connection, opened: EpochOpened) -> None:
    """A confirmed round has to be confirmed again; until then its published results stay in force."""
    await connection.execute(
        OPEN_EPOCH,
        opened.round,
        opened.epoch,
        opened.opened_at,
        opened.applications.model_dump(),
        opened.requests.model_dump(),
        opened.supplementary_source,
        opened.judge_all,
        list(opened.judge_again),
        list(opened.admitted),
    )


async def to_be_judged_in(connection: Connection, round_id: str, application: str) -> int:
    """The newest epoch that has the application judged again, or else the first."""
    number: int = await connection.fetchval(TO_BE_JUDGED_IN, round_id, application)
    return number


async def epoch(connection: Connection, round_id: str, number: int) -> dict[str, Any] | None:
    """The frozen set of that epoch."""
    row = await connection.fetchrow(EPOCH, round_id, number)
    return dict(row) if row else None


async def fixed_at(connection: Connection, round_id: str, number: int) -> datetime | None:
    """When the set of that epoch was fixed, in programme time."""
    moment: datetime | None = await connection.fetchval(FIXED_AT, round_id, number)
    return moment


async def confirm(connection: Connection, round_id: str, confirmed_at: datetime) -> bool:
    """Confirms the newest epoch. `confirmed_at` is programme time."""
    return await connection.fetchval(CONFIRM, round_id, confirmed_at) is not None


async def application_digest(connection: Connection, round_id: str) -> Digest:
    return digest_of(tuple(row) for row in await connection.fetch(APPLICATION_LEAVES, round_id))


async def request_digest(connection: Connection, round_id: str) -> Digest:
    return digest_of(tuple(row) for row in await connection.fetch(REQUEST_LEAVES, round_id))


def manifest_of(digest: Digest) -> Manifest:
    return Manifest(count=digest.count, root=digest.root, counts=digest.counts, roots=digest.roots)
