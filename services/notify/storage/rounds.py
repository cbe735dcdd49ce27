"""Rounds as notices need them: titles, participating institutions, windows and the reminders sent of their closes."""

from datetime import datetime

from services.notify.domain.reminders import Window
from services.notify.storage.deliveries import round_time
from shared.contracts.events import RoundFrozen, RoundOpened
from shared.service.postgres import Connection

SAVE = """
INSERT INTO rounds (round, title_ko, title_en, institutions, rehearsal, notices, opens_at, closes_at)
VALUES ($1, $2, $3, $4, $5, $6, $7,
        greatest($8, (SELECT max(closes_at) FROM turns WHERE round = $1 AND happening = 'extended')))
ON CONFLICT (round) DO UPDATE SET title_ko = excluded.title_ko, title_en = excluded.title_en,
    institutions = excluded.institutions, rehearsal = excluded.rehearsal, notices = excluded.notices,
    opens_at = excluded.opens_at, closes_at = greatest(rounds.closes_at, excluded.closes_at)
RETURNING closes_at
"""
EXTEND = "UPDATE rounds SET closes_at = greatest(closes_at, $2) WHERE round = $1"
# Rounds whose institutions were not reminded of the close. A frozen round's close has passed, a void round has none,
# and a round whose opening was read before windows were stored gets no reminder.
UNREMINDED = """
SELECT round, opens_at, closes_at, rehearsal FROM rounds r
WHERE closes_at IS DISTINCT FROM reminded AND opens_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM turns t WHERE t.round = r.round AND t.happening = 'voided')
FOR UPDATE SKIP LOCKED
"""
REMINDED = "UPDATE rounds SET reminded = closes_at WHERE round = $1"
SAVE_PLEDGED = """
UPDATE rounds SET institutions = ARRAY(
    SELECT DISTINCT code FROM unnest(institutions || $2::text[]) AS code ORDER BY code)
WHERE round = $1
"""


async def save(connection: Connection, opened: RoundOpened) -> datetime:
    """Stores an opening; returns the latest known close, since an extension may be read before the opening."""
    title = opened.policy.title
    institutions = [invitation.institution for invitation in opened.institutions]
    rehearsal = opened.rehearsal.model_dump(mode="json") if opened.rehearsal else None
    notices = {name: {"ko": words.ko, "en": words.en} for name, words in (opened.policy.notices or {}).items()}
    window = opened.opens_at, opened.closes_at
    values = opened.round, title.ko, title.en, institutions, rehearsal, notices, *window
    closes_at: datetime = await connection.fetchval(SAVE, *values)
    return closes_at


async def extend(connection: Connection, round_id: str, closes_at: datetime) -> None:
    """Moves the close to a later time; an earlier one changes nothing."""
    await connection.execute(EXTEND, round_id, closes_at)


async def unreminded(connection: Connection) -> list[Window]:
    """Windows whose close has not been handled by a reminder, locked until the transaction ends."""
    return [
        Window(row["round"], row["opens_at"], row["closes_at"], round_time(row["rehearsal"]))
        for row in await connection.fetch(UNREMINDED)
    ]


async def set_reminded(connection: Connection, round_id: str) -> None:
    """Notes that the reminder of the current close is done with."""
    await connection.execute(REMINDED, round_id)


async def save_pledged(connection: Connection, frozen: RoundFrozen) -> None:
    """Adds institutions that pledged after the opening: they are notified of the freeze and all that follows."""
    pledged = [invitation.institution for invitation in frozen.pledges or ()]
    await connection.execute(SAVE_PLEDGED, frozen.round, pledged)
