"""Rounds: how they were opened and frozen, what is judged again in which epoch, what is complete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.completion import FIRST_EPOCH, JudgedIn
from shared.clock import TimeMap, time_map
from shared.contracts.events import EligibilityCompleted, EpochOpened, Manifest, Rehearsal, RoundOpened
from shared.contracts.policy import POLICY
from shared.service.postgres import Connection

SAVE_OPENED = """
INSERT INTO rounds (round, policy, policy_hash, rehearsal, series, cut) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (round) DO UPDATE
SET policy = excluded.policy, policy_hash = excluded.policy_hash, rehearsal = excluded.rehearsal,
    series = excluded.series, cut = excluded.cut
"""
NEWEST_CUT = "SELECT round FROM rounds WHERE series = $1 AND policy IS NOT NULL ORDER BY cut DESC LIMIT 1"
SAVE_JUDGED_AGAIN = """
INSERT INTO judged_again (application, round, epoch) SELECT application, $2, $3 FROM unnest($1::uuid[]) AS application
ON CONFLICT (application) DO UPDATE SET round = excluded.round, epoch = greatest(judged_again.epoch, excluded.epoch)
"""
SAVE_JUDGE_ALL = "UPDATE rounds SET judge_all_epoch = greatest(judge_all_epoch, $2) WHERE round = $1"
SAVE_VOID = """
INSERT INTO rounds (round, void) VALUES ($1, true) ON CONFLICT (round) DO UPDATE SET void = true
"""
SAVE_PUBLISHED_COMPLETION = """
INSERT INTO said (round, epoch, root, completed_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
PUBLISHED_COMPLETION = "SELECT root, completed_at FROM said WHERE round = $1 AND epoch = $2"
IN_LATER_EPOCHS = "SELECT round, judge_all_epoch FROM rounds WHERE round = ANY($1::text[]) AND epoch > 1"
JUDGED_AGAIN = "SELECT application::text, epoch FROM judged_again WHERE round = $1"
JUDGED_AGAIN_OF = """
SELECT application::text, epoch FROM judged_again WHERE round = $1 AND application = ANY($2::uuid[])
"""
SAVE_FROZEN = """
INSERT INTO rounds (round, epoch, applications, frozen_at, fixed_at) VALUES ($1, $2, $3, now(), $4)
ON CONFLICT (round) DO UPDATE
SET epoch = excluded.epoch, applications = excluded.applications, frozen_at = excluded.frozen_at,
    fixed_at = excluded.fixed_at
WHERE rounds.epoch < excluded.epoch
"""
OPENED = "SELECT round, policy, policy_hash FROM rounds WHERE round = ANY($1::text[]) AND policy IS NOT NULL"
INCOMPLETE = """
SELECT r.round, r.epoch, r.applications, r.rehearsal, r.judge_all_epoch, r.frozen_at, r.fixed_at, r.void FROM rounds r
LEFT JOIN completions c ON c.round = r.round AND c.epoch = r.epoch
WHERE r.epoch > 0 AND r.policy IS NOT NULL AND c.round IS NULL AND NOT r.void
"""
FROZEN = """
SELECT round, epoch, applications, rehearsal, judge_all_epoch, frozen_at, fixed_at, void FROM rounds WHERE round = $1
"""
COMPLETE = """
INSERT INTO completions (round, epoch, completed_at, verdicts) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING round
"""
COMPLETED = "SELECT verdicts FROM completions WHERE round = $1 AND epoch = $2 AND verdicts IS NOT NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenRound:
    """A round with a frozen set, in its newest epoch."""

    round: str
    epoch: int
    applications: Manifest
    time_map: TimeMap
    judged_in: JudgedIn
    heard_at: datetime | None
    """When the event of the epoch was read, in real time."""
    fixed_at: datetime | None
    """When intake fixed the set, in programme time; None for rounds stored before this was kept."""
    void: bool


async def save_opened(connection: Connection, opened: RoundOpened, policy: Any) -> None:
    """Stores an opening. `policy` as it was published."""
    rehearsal = opened.rehearsal.model_dump(mode="json") if opened.rehearsal else None
    await connection.execute(
        SAVE_OPENED, opened.round, policy, opened.policy_hash, rehearsal, opened.series, opened.cut
    )


async def newest_cut(connection: Connection, series: str) -> str | None:
    """The round of a rolling intake that opened last."""
    round_id: str | None = await connection.fetchval(NEWEST_CUT, series)
    return round_id


async def save_frozen(
    connection: Connection, round_id: str, epoch: int, applications: Manifest, fixed_at: datetime
) -> None:
    """A later epoch replaces an earlier one, never the reverse."""
    await connection.execute(SAVE_FROZEN, round_id, epoch, applications.model_dump(), fixed_at)


async def save_epoch(connection: Connection, opened: EpochOpened) -> None:
    """The next frozen set, and which applications are judged again in it."""
    await save_frozen(connection, opened.round, opened.epoch, opened.applications, opened.opened_at)
    if opened.judge_all:
        await connection.execute(SAVE_JUDGE_ALL, opened.round, opened.epoch)
    await connection.execute(SAVE_JUDGED_AGAIN, list(opened.judge_again), opened.round, opened.epoch)


async def save_void(connection: Connection, round_id: str) -> None:
    await connection.execute(SAVE_VOID, round_id)


async def save_published_completion(connection: Connection, event: EligibilityCompleted) -> None:
    await connection.execute(
        SAVE_PUBLISHED_COMPLETION, event.round, event.epoch, event.verdicts.root, event.completed_at
    )


async def published_completion(connection: Connection, round_id: str, epoch: int) -> tuple[str, datetime] | None:
    """The root and the moment that this service published for that epoch, if it did."""
    row = await connection.fetchrow(PUBLISHED_COMPLETION, round_id, epoch)
    return (row["root"], row["completed_at"]) if row else None


async def opened(connection: Connection, rounds: Sequence[str]) -> dict[str, PolicyRules]:
    """The compiled policies of those of `rounds` whose opening is known."""
    rows = await connection.fetch(OPENED, list(rounds))
    return {
        row["round"]: PolicyRules.compile(POLICY.validate_python(row["policy"]), row["policy_hash"]) for row in rows
    }


async def _frozen(connection: Connection, row: Any) -> FrozenRound:
    rehearsal = Rehearsal.model_validate(row["rehearsal"]) if row["rehearsal"] else None
    again = await connection.fetch(JUDGED_AGAIN, row["round"]) if row["epoch"] > FIRST_EPOCH else ()
    return FrozenRound(
        round=row["round"],
        epoch=row["epoch"],
        applications=Manifest.model_validate(row["applications"]),
        time_map=time_map(rehearsal),
        judged_in=JudgedIn(row["judge_all_epoch"], {each["application"]: each["epoch"] for each in again}),
        heard_at=row["frozen_at"],
        fixed_at=row["fixed_at"],
        void=row["void"],
    )


async def incomplete(connection: Connection) -> list[FrozenRound]:
    """Frozen rounds whose verdicts are not complete in their epoch."""
    return [await _frozen(connection, row) for row in await connection.fetch(INCOMPLETE)]


async def frozen(connection: Connection, round_id: str) -> FrozenRound | None:
    """The round's newest frozen set; None before the freeze."""
    row = await connection.fetchrow(FROZEN, round_id)
    return await _frozen(connection, row) if row and row["epoch"] else None


async def judged_in(connection: Connection, applications: Mapping[str, Sequence[str]]) -> dict[str, JudgedIn]:
    """The epochs that `applications` have to be judged in, for each round in a later epoch than the first."""
    later = await connection.fetch(IN_LATER_EPOCHS, list(applications))
    by_round = {}
    for row in later:
        again = await connection.fetch(JUDGED_AGAIN_OF, row["round"], list(applications[row["round"]]))
        by_round[row["round"]] = JudgedIn(
            row["judge_all_epoch"], {each["application"]: each["epoch"] for each in again}
        )
    return by_round


async def complete(connection: Connection, round_id: str, epoch: int, moment: datetime, verdicts: Manifest) -> bool:
    """Once per (round, epoch): False when it was completed before."""
    return await connection.fetchval(COMPLETE, round_id, epoch, moment, verdicts.model_dump()) is not None


async def completed(connection: Connection, round_id: str, epoch: int) -> Manifest | None:
    """The completed set of verdicts."""
    verdicts = await connection.fetchval(COMPLETED, round_id, epoch)
    return Manifest.model_validate(verdicts) if verdicts else None
