"""The panel's marks, and which of them are closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.events import ScoresClosed
from shared.programme.panel import PanelMark
from shared.service.postgres import Connection, rows_changed

MARKS = """
SELECT application::text, reviewer, version, points, conflict_of_interest FROM marks WHERE round = $1
ORDER BY application, reviewer
"""
SAVE = """
INSERT INTO marks (application, reviewer, round, version, points, conflict_of_interest, scored_at)
SELECT application, reviewer, $1, version, points, conflict, $7
FROM unnest($2::uuid[], $3::text[], $4::int[], $5::bigint[], $6::boolean[])
     AS new(application, reviewer, version, points, conflict)
ON CONFLICT (application, reviewer) DO UPDATE
SET version = excluded.version, points = excluded.points, conflict_of_interest = excluded.conflict_of_interest,
    scored_at = excluded.scored_at
WHERE marks.version < excluded.version
"""
IN_THE_SET = """
SELECT a.application::text,
       coalesce(o.verdict->>'outcome', '') = 'eligible' AND o.verdict_version = a.version AS eligible
FROM applications a LEFT JOIN outcomes o USING (application) WHERE a.round = $1 AND NOT a.withdrawn
"""
CLOSE = """
INSERT INTO scores_closed (round, epoch, marks, marks_root, closed_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
"""
CLOSED = "SELECT max(epoch) FROM scores_closed WHERE round = $1"
COMMITTED = "SELECT max(epoch) FROM milestones WHERE round = $1 AND type = 'InputsCommitted'"
ADMITTED_AFTER = "SELECT unnest(admitted)::text AS application FROM epochs WHERE round = $1 AND epoch > $2"


@dataclass(frozen=True, slots=True)
class Panel:
    """How far the marking of a round is."""

    marks: list[PanelMark]
    entered: dict[str, bool]
    """The applications of the frozen set; true if judged eligible."""
    closed_in: int | None
    """The epoch whose marks are closed."""
    to_close: bool
    """Nothing was closed yet, or an application was admitted since."""
    open_to: frozenset[str]
    """Applications that still take marks: none that is in a commitment."""


async def panel(connection: Connection, round_id: str) -> Panel:
    """The marks of a round, its frozen set, and what is closed."""
    marks = [PanelMark(**dict(row)) for row in await connection.fetch(MARKS, round_id)]
    entered = {row["application"]: bool(row["eligible"]) for row in await connection.fetch(IN_THE_SET, round_id)}
    closed_in: int | None = await connection.fetchval(CLOSED, round_id)
    fixed_in = max(closed_in or 0, await connection.fetchval(COMMITTED, round_id) or 0)
    to_close = closed_in is None or bool(await _admitted_after(connection, round_id, closed_in))
    takes_marks = await _admitted_after(connection, round_id, fixed_in) if fixed_in else entered.keys()
    return Panel(marks, entered, closed_in, to_close, frozenset(takes_marks & entered.keys()))


async def _admitted_after(connection: Connection, round_id: str, epoch: int) -> set[str]:
    return {row["application"] for row in await connection.fetch(ADMITTED_AFTER, round_id, epoch)}


async def save(connection: Connection, round_id: str, marks: Sequence[PanelMark], scored_at: datetime) -> int:
    """Stores marks in order of id; of each the highest version counts. Returns the number of rows changed."""
    ordered = sorted(marks)
    return await rows_changed(
        connection,
        SAVE,
        round_id,
        [mark.application for mark in ordered],
        [mark.reviewer for mark in ordered],
        [mark.version for mark in ordered],
        [mark.points for mark in ordered],
        [mark.conflict_of_interest for mark in ordered],
        scored_at,
    )


async def close(connection: Connection, closed: ScoresClosed) -> int:
    """Once for each epoch; returns the number of rows written."""
    values = closed.round, closed.epoch, closed.marks, closed.marks_root, closed.closed_at
    return await rows_changed(connection, CLOSE, *values)
