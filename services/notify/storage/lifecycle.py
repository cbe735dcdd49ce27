"""Lifecycle events of rounds, until each is spread to the round's institutions (table `turns`)."""

from collections.abc import Sequence
from typing import Any

from services.notify.domain.lifecycle import LifecycleEvent
from services.notify.domain.notices import Happening
from shared.service.postgres import Connection

SAVE = """
INSERT INTO turns
    (round, happening, occasion, occurred_at, roots, traceparent, closes_at, opens_at, title, appended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT DO NOTHING
"""
# Announcements and amendments go to all active institutions, since only the opening states whom a round invites. They
# wait two seconds, so that a service that has just started has read who the institutions are.
# Of an announcement and its amendments only the newest known one is spread, in whatever order they are read.
_UNSPREAD = """
    FROM turns t LEFT JOIN rounds r USING (round)
    WHERE NOT t.spread
      AND CASE WHEN t.happening IN ('announced', 'amended') THEN t.noted_at < now() - interval '2 seconds'
               ELSE r.round IS NOT NULL END
      AND NOT EXISTS (
        SELECT FROM turns n WHERE n.round = t.round AND n.happening = 'amended'
          AND (t.happening = 'announced' OR t.happening = 'amended' AND n.occasion > t.occasion))
"""
ROUNDS_WITH_EVENTS = f"SELECT DISTINCT t.round {_UNSPREAD} ORDER BY t.round"
TAKE = f"""
UPDATE turns t SET spread = true FROM (
    SELECT t.round, t.happening, t.occasion, CASE WHEN t.happening IN ('announced', 'amended')
        THEN ARRAY(SELECT institution FROM institutions WHERE status = 'active' ORDER BY institution)
        ELSE r.institutions END AS institutions
    {_UNSPREAD} AND t.round = $1
    ORDER BY t.occurred_at LIMIT 100 FOR UPDATE OF t SKIP LOCKED) due
WHERE (t.round, t.happening, t.occasion) = (due.round, due.happening, due.occasion)
RETURNING t.round, t.happening, t.occasion, t.occurred_at, t.roots, t.traceparent, t.closes_at, t.opens_at, t.title,
    t.appended_at, due.institutions
"""  # noqa: S608
# After the freeze the frozen pledges name the institutions (`rounds.SAVE_PLEDGED`).
JOIN = """
UPDATE rounds r SET institutions = ARRAY(SELECT code FROM unnest(r.institutions || $1::text) AS code ORDER BY code)
WHERE r.round = ANY ($2::text[]) AND $1 <> ALL (r.institutions)
  AND NOT EXISTS (SELECT FROM turns t WHERE t.round = r.round AND t.happening IN ('frozen', 'voided'))
RETURNING round
"""
SPREAD_EVENTS = """
SELECT round, happening, occasion, occurred_at, roots, traceparent, closes_at, opens_at, title, appended_at FROM turns
WHERE round = ANY ($1::text[]) AND spread AND happening IN ('opened', 'extended') ORDER BY occurred_at
"""


async def save(connection: Connection, event: LifecycleEvent) -> None:
    """Stores an event; one already stored for the same occasion is left as it is."""
    await connection.execute(
        SAVE,
        event.round,
        event.happening.value,
        event.occasion,
        event.occurred_at,
        dict(event.roots),
        event.traceparent,
        event.closes_at,
        event.opens_at,
        event.title,
        event.appended_at,
    )


async def rounds_with_events(connection: Connection) -> list[str]:
    """Known rounds that have an event not spread yet."""
    return [row["round"] for row in await connection.fetch(ROUNDS_WITH_EVENTS)]


async def take(connection: Connection, round_id: str) -> list[tuple[LifecycleEvent, list[str]]]:
    """The events of a known round that were not spread, with the institutions to notify; each is taken once."""
    rows = await connection.fetch(TAKE, round_id)
    return [(_event(row), row["institutions"]) for row in rows]


async def join(connection: Connection, institution: str, rounds: Sequence[str]) -> list[LifecycleEvent]:
    """Adds an institution to those of these rounds that are open without it; the events it missed there."""
    joined = [row["round"] for row in await connection.fetch(JOIN, institution, list(rounds))]
    return [_event(row) for row in await connection.fetch(SPREAD_EVENTS, joined)] if joined else []


def _event(row: Any) -> LifecycleEvent:
    return LifecycleEvent(
        round=row["round"],
        happening=Happening(row["happening"]),
        occasion=row["occasion"],
        occurred_at=row["occurred_at"],
        roots=row["roots"],
        traceparent=row["traceparent"],
        closes_at=row["closes_at"],
        opens_at=row["opens_at"],
        title=row["title"],
        appended_at=row["appended_at"],
    )
