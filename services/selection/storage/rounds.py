"""Rounds as selection knows them: which to commit or draw next, and what was published about them before."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from shared.clock import TimeMap, time_map
from shared.contracts.events import InputsCommitted, Manifest, Rehearsal, SelectionProposed
from shared.contracts.policy import POLICY, Policy
from shared.service.postgres import Connection

Published = TypeVar("Published", InputsCommitted, SelectionProposed)
TO_COMMIT = """
SELECT r.* FROM rounds r LEFT JOIN commitments c ON c.round = r.round AND c.epoch = r.epoch
WHERE r.policy IS NOT NULL AND r.epoch > 0 AND r.judged_epoch = r.epoch AND c.round IS NULL AND NOT r.void
"""
TO_PROPOSE = """
SELECT r.*, c.body AS commitment FROM rounds r JOIN commitments c ON c.round = r.round AND c.epoch = r.epoch
LEFT JOIN proposals p ON p.round = c.round AND p.epoch = c.epoch
WHERE p.round IS NULL AND NOT r.void
  AND coalesce(c.drawn_under, ARRAY[c.epoch]) <@ ARRAY(SELECT epoch FROM source_values s WHERE s.round = r.round)
"""
SOURCE_VALUES = "SELECT epoch, value FROM source_values WHERE round = $1"
PUBLISHED = "SELECT body FROM said WHERE round = $1 AND epoch = $2 AND type = $3"
LAST_MOMENT = """
SELECT max((body->>$3)::timestamptz) FROM chronicle WHERE round = $1 AND type = $2 AND (body->>'epoch')::int <= $4
"""
COMMITTED_EPOCHS = """
SELECT epoch FROM commitments WHERE round = $1
UNION SELECT epoch FROM said WHERE round = $1 AND type = 'InputsCommitted'
"""
ADMITTED = "SELECT application::text, epoch FROM admitted WHERE round = $1"
KNOWN = "SELECT * FROM rounds WHERE round = $1 AND epoch > 0"
ONE_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRound:
    """A frozen round as far as selection knows it."""

    round: str
    epoch: int
    policy: Policy | None
    policy_hash: str
    time_map: TimeMap
    applications: Manifest
    requests: Manifest
    judged_epoch: int
    judged_at: datetime | None
    """When the end of the judging was read (real time)."""
    judged_root: str | None
    verdicts: Manifest | None
    pledges: dict[str, int] | None
    """Won by institution at the freeze; None for rounds frozen before that was published."""


def known_of(row: Any) -> KnownRound:
    """The round of a row of the table `rounds`."""
    rehearsal = Rehearsal.model_validate(row["rehearsal"]) if row["rehearsal"] else None
    return KnownRound(
        round=row["round"],
        epoch=row["epoch"],
        policy=POLICY.validate_python(row["policy"]) if row["policy"] else None,
        policy_hash=row["policy_hash"],
        time_map=time_map(rehearsal),
        applications=Manifest.model_validate(row["applications"]),
        requests=Manifest.model_validate(row["requests"]),
        judged_epoch=row["judged_epoch"],
        judged_at=row["judged_at"],
        judged_root=row["judged_root"],
        verdicts=Manifest.model_validate(row["verdicts"]) if row["verdicts"] else None,
        pledges=row["pledges"],
    )


async def to_commit(connection: Connection) -> list[KnownRound]:
    """Rounds that are frozen and judged in an epoch but not committed in it."""
    return [known_of(row) for row in await connection.fetch(TO_COMMIT)]


async def to_propose(connection: Connection) -> list[tuple[KnownRound, dict[str, Any]]]:
    """Rounds to propose, with their commitment: committed in the current epoch, with all source values known."""
    return [(known_of(row), row["commitment"]) for row in await connection.fetch(TO_PROPOSE)]


async def known(connection: Connection, round_id: str) -> KnownRound | None:
    """A frozen round; None if it is not frozen or not known."""
    row = await connection.fetchrow(KNOWN, round_id)
    return known_of(row) if row else None


async def committed_epochs(connection: Connection, round_id: str) -> list[int]:
    """The epochs that are committed, here or as published before."""
    return [row["epoch"] for row in await connection.fetch(COMMITTED_EPOCHS, round_id)]


async def admitted(connection: Connection, round_id: str) -> dict[str, int]:
    """By application admitted late, the epoch whose act admitted it."""
    return {row["application"]: row["epoch"] for row in await connection.fetch(ADMITTED, round_id)}


async def source_values(connection: Connection, round_id: str) -> dict[int, str]:
    """Source values, by the epoch of the commitment they were recorded for."""
    return {row["epoch"]: row["value"] for row in await connection.fetch(SOURCE_VALUES, round_id)}


async def published(connection: Connection, round_id: str, epoch: int, kind: type[Published]) -> Published | None:
    """The milestone of this kind if this service has published it before."""
    body = await connection.fetchval(PUBLISHED, round_id, epoch, kind.__name__)
    return kind.model_validate(body) if body else None


async def last_moment(connection: Connection, round_id: str, kind: str, member: str, epoch: int) -> datetime | None:
    """The latest time in `member` of events of this kind up to an epoch; None if there are none."""
    moment: datetime | None = await connection.fetchval(LAST_MOMENT, round_id, kind, member, epoch)
    return moment


async def one_snapshot(connection: Connection) -> None:
    """Gives the transaction one snapshot, so that what is checked is what is committed. Must be its first statement."""
    await connection.execute(ONE_SNAPSHOT)
