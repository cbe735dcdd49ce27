"""Rounds: their window, their terms and their state. What was frozen of them is in `epochs.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.intake.domain.rounds import RoundStatus, RoundWindow, round_lock
from shared.clock import time_map
from shared.contracts.events import Rehearsal
from shared.service.postgres import Connection

ADMISSION_LOCK = "SELECT pg_advisory_xact_lock_shared(key) FROM unnest($1::bigint[]) AS key"
FREEZE_LOCK = "SELECT pg_advisory_xact_lock($1)"
WINDOWS = "SELECT round, status, opens_at, closes_at, rehearsal FROM rounds WHERE round = ANY($1::text[])"
ANNOUNCE = """
INSERT INTO rounds (round, title, status, opens_at, closes_at, policy, policy_hash, lead_seconds, sources, rehearsal,
                    unattended, series, cut, announced_close)
SELECT $1, $2, 'announced', $3::timestamptz, $4::timestamptz, $5::jsonb, $6, $7::bigint, $8::jsonb, $9::jsonb,
       $10::boolean, $11, $12::int, $4
WHERE NOT EXISTS (SELECT FROM rounds WHERE series = $1 OR round = $11)
ON CONFLICT DO NOTHING RETURNING round
"""
SERIES = "SELECT * FROM rounds WHERE series = ANY($1::text[]) ORDER BY series, opens_at, cut"
NEWEST_CUTS = "SELECT DISTINCT ON (series) * FROM rounds WHERE series IS NOT NULL ORDER BY series, cut DESC"
UNKNOWN = """
SELECT named FROM unnest($1::text[]) AS named WHERE NOT EXISTS (SELECT FROM rounds WHERE named IN (round, series))
"""
FIRST_DAY = "SELECT policy->>'as_of' FROM rounds WHERE series = $1 AND cut = 1"
STANDS = "SELECT EXISTS (SELECT FROM rounds WHERE round = ANY($1::text[]) OR series = ANY($1::text[]))"
ROUND = "SELECT * FROM rounds WHERE round = $1"
ROUNDS = "SELECT * FROM rounds ORDER BY opens_at, round"
UNFINISHED = "SELECT * FROM rounds WHERE status IN ('announced', 'open')"
GOING_ON = "SELECT * FROM rounds WHERE status IN ('announced', 'open', 'frozen')"
OPEN = "UPDATE rounds SET status = 'open' WHERE round = $1 AND status = 'announced'"
AMEND = """
UPDATE rounds SET title = $3, opens_at = $4, closes_at = $5, announced_close = $5, policy = $6, policy_hash = $7,
    lead_seconds = $8, sources = $9, amendment = $2
WHERE round = $1 AND status = 'announced' AND amendment = $2 - 1
"""
STATE_ROOT = "UPDATE rounds SET announcement_root = $2 WHERE round = $1"
EXTEND = "UPDATE rounds SET closes_at = $2 WHERE round = $1"
FINALIZE = "UPDATE rounds SET status = 'final' WHERE round = $1 AND status = 'confirmed'"
VOID = "UPDATE rounds SET status = 'void' WHERE round = $1"
DATABASE_NOW = "SELECT clock_timestamp()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A round to be announced; policy, sources and rehearsal as the JSON that is published."""

    round: str
    title: str
    opens_at: datetime
    closes_at: datetime
    policy: dict[str, Any]
    policy_hash: str
    lead_seconds: int
    sources: list[dict[str, Any]]
    rehearsal: dict[str, Any] | None = None
    unattended: bool = False
    series: str | None = None
    cut: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRound:
    """A round's current state; its policy and manifests as the JSON that was published."""

    window: RoundWindow
    title: str
    policy: dict[str, Any]
    policy_hash: str
    lead_seconds: int
    sources: list[dict[str, Any]]
    rehearsal: Rehearsal | None
    unattended: bool
    epoch: int
    frozen_at: datetime | None
    applications: dict[str, Any] | None
    requests: dict[str, Any] | None
    series: str | None
    cut: int | None
    announced_close: datetime
    """The close before any extension."""
    amendment: int
    """Number of the newest amendment; 0 for the first announcement."""
    announcement_root: str | None
    """Of the newest amendment; None for rounds announced before roots existed."""


def _window(row: Any) -> RoundWindow:
    rehearsal = Rehearsal.model_validate(row["rehearsal"]) if row["rehearsal"] else None
    return RoundWindow(
        round=row["round"],
        status=RoundStatus(row["status"]),
        opens_at=row["opens_at"],
        closes_at=row["closes_at"],
        time_map=time_map(rehearsal),
        seed=rehearsal.seed if rehearsal else None,
    )


def _stored(row: Any) -> StoredRound:
    return StoredRound(
        window=_window(row),
        title=row["title"],
        policy=row["policy"],
        policy_hash=row["policy_hash"],
        lead_seconds=row["lead_seconds"],
        sources=row["sources"],
        rehearsal=Rehearsal.model_validate(row["rehearsal"]) if row["rehearsal"] else None,
        unattended=row["unattended"],
        epoch=row["epoch"],
        frozen_at=row["frozen_at"],
        applications=row["applications"],
        requests=row["requests"],
        series=row["series"],
        cut=row["cut"],
        announced_close=row["announced_close"] or row["closes_at"],
        amendment=row["amendment"],
        announcement_root=row["announcement_root"],
    )


async def lock_for_admission(connection: Connection, rounds: Sequence[str]) -> None:
    """The shared latch, until the transaction ends. Check the window afterwards, in a statement of its own."""
    await connection.execute(ADMISSION_LOCK, sorted(round_lock(round_id) for round_id in rounds))


async def lock_for_freeze(connection: Connection, round_id: str) -> None:
    """The exclusive latch: waits until every running admission has ended."""
    await connection.execute(FREEZE_LOCK, round_lock(round_id))


async def windows(connection: Connection, rounds: Sequence[str]) -> Mapping[str, RoundWindow]:
    return {row["round"]: _window(row) for row in await connection.fetch(WINDOWS, list(rounds))}


async def cuts(connection: Connection, series: Sequence[str]) -> Mapping[str, Sequence[StoredRound]]:
    """The cuts of each series, in the order they open."""
    by_series: dict[str, list[StoredRound]] = {}
    for row in await connection.fetch(SERIES, list(series)):
        by_series.setdefault(row["series"], []).append(_stored(row))
    return by_series


async def newest_cuts(connection: Connection) -> list[StoredRound]:
    """The last announced cut of every series."""
    return [_stored(row) for row in await connection.fetch(NEWEST_CUTS)]


async def unknown(connection: Connection, named: Sequence[str]) -> set[str]:
    """Those that are neither a round nor a series."""
    return {row["named"] for row in await connection.fetch(UNKNOWN, list(named))}


async def first_day(connection: Connection, series: str) -> date | None:
    """The day of the first cut; None while its policy is not known."""
    day = await connection.fetchval(FIRST_DAY, series)
    return date.fromisoformat(day) if day else None


async def latched(connection: Connection, rounds: Sequence[str]) -> Mapping[str, RoundWindow]:
    """Windows of existing rounds, read while the shared latch is held."""
    await lock_for_admission(connection, rounds)
    return await windows(connection, rounds)


async def announce(connection: Connection, announced: Announcement) -> bool:
    """Stores an announced round; False when a round or a series of that id exists already."""
    row = await connection.fetchval(
        ANNOUNCE,
        announced.round,
        announced.title,
        announced.opens_at,
        announced.closes_at,
        announced.policy,
        announced.policy_hash,
        announced.lead_seconds,
        announced.sources,
        announced.rehearsal,
        announced.unattended,
        announced.series,
        announced.cut,
    )
    return row is not None


async def stands(connection: Connection, announced: Announcement) -> bool:
    """True if a round or a series of that id exists already."""
    known: bool = await connection.fetchval(STANDS, [announced.round, announced.series or announced.round])
    return known


async def load(connection: Connection, round_id: str) -> StoredRound | None:
    row = await connection.fetchrow(ROUND, round_id)
    return _stored(row) if row else None


async def load_all(connection: Connection) -> list[StoredRound]:
    return [_stored(row) for row in await connection.fetch(ROUNDS)]


async def unfinished(connection: Connection) -> list[StoredRound]:
    """Rounds announced or open, which the clock may still move."""
    return [_stored(row) for row in await connection.fetch(UNFINISHED)]


async def going_on(connection: Connection) -> list[StoredRound]:
    """Rounds announced, open or frozen: those without a confirmed result."""
    return [_stored(row) for row in await connection.fetch(GOING_ON)]


async def open_round(connection: Connection, round_id: str) -> None:
    await connection.execute(OPEN, round_id)


async def amend(connection: Connection, number: int, amended: Announcement) -> None:
    """Call it under the exclusive latch, since the opening reads the terms under it."""
    terms = amended.title, amended.opens_at, amended.closes_at, amended.policy, amended.policy_hash
    await connection.execute(AMEND, amended.round, number, *terms, amended.lead_seconds, amended.sources)


async def state_root(connection: Connection, round_id: str, announcement_root: str) -> None:
    """Stores the root of the announcement."""
    await connection.execute(STATE_ROOT, round_id, announcement_root)


async def extend(connection: Connection, round_id: str, closes_at: datetime) -> None:
    """Call it under the exclusive latch, since admission and the freeze read the close under theirs."""
    await connection.execute(EXTEND, round_id, closes_at)


async def finalize(connection: Connection, round_id: str) -> None:
    await connection.execute(FINALIZE, round_id)


async def void(connection: Connection, round_id: str) -> None:
    await connection.execute(VOID, round_id)


async def database_now(connection: Connection) -> datetime:
    """The clock that all replicas share."""
    now: datetime = await connection.fetchval(DATABASE_NOW)
    return now
