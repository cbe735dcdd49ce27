"""The public lines of a confirmed result: only selected applications have names."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.service.postgres import Connection

_AT_ONCE: Final = 2000
LINES = """
SELECT r.position, r.result, r.reason, r.reserve_position, r.application::text, nullif(r.batch, 0) AS batch,
       a.facts->'product'->>'name' AS product, a.facts->'applicant'->>'name' AS applicant,
       e.outcome, r.tickets, e.score, r.key, r.awards
FROM standing_results r JOIN entries e ON e.round = r.round AND e.epoch = r.epoch AND e.application = r.application
LEFT JOIN applications a ON r.result = 'selected' AND a.application = e.application AND a.version = e.version
WHERE r.round = $1 AND r.epoch = $2 ORDER BY r.line
"""
# Only applications in the draw.
FIRMS = """
SELECT entries, count(*) AS firms, sum(tickets)::bigint AS tickets, count(*) FILTER (WHERE selected) AS selected
FROM (SELECT count(*) AS entries, sum(r.tickets) AS tickets, bool_or(r.result = 'selected') AS selected
      FROM standing_results r
      JOIN entries e ON e.round = r.round AND e.epoch = r.epoch AND e.application = r.application
      JOIN applications a ON a.application = e.application AND a.version = e.version
      WHERE r.round = $1 AND r.epoch = $2 AND r.position IS NOT NULL
      GROUP BY a.facts->'applicant'->>'business_number') firm
GROUP BY entries ORDER BY entries
"""
SIZE = "SELECT count(*) FROM results WHERE round = $1 AND epoch = $2"
ROOT = "SELECT body->>'selection_root' FROM proposals WHERE round = $1 AND epoch = $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedLine:
    """A line after all confirmed batches. `batch`: the last batch that moved it; None if none did."""

    position: int | None
    result: str
    reason: str | None
    reserve_position: int | None
    application: str
    batch: int | None
    product: str | None
    applicant: str | None
    outcome: str
    tickets: int
    score: int | None
    key: str | None
    awards: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Firms:
    """The firms with a number of entries in the draw: their total tickets, and how many had one selected."""

    entries: int
    firms: int
    tickets: int
    selected: int


async def firms(connection: Connection, round_id: str, epoch: int) -> list[Firms]:
    """Groups of firms by their number of entries."""
    return [Firms(**dict(row)) for row in await connection.fetch(FIRMS, round_id, epoch)]


async def size(connection: Connection, round_id: str, epoch: int) -> int:
    """The number of lines of a result."""
    count: int = await connection.fetchval(SIZE, round_id, epoch)
    return count


async def selection_root(connection: Connection, round_id: str, epoch: int) -> str:
    """The root of a proposed result."""
    root: str = await connection.fetchval(ROOT, round_id, epoch)
    return root


async def lines(connection: Connection, round_id: str, epoch: int) -> AsyncIterator[Sequence[PublishedLine]]:
    """The lines in the order of the selection root's leaves, in batches. Needs a transaction for its cursor."""
    cursor = await connection.cursor(LINES, round_id, epoch)
    while rows := await cursor.fetch(_AT_ONCE):
        yield [PublishedLine(**dict(row)) for row in rows]
