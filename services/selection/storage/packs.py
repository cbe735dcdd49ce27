"""The facts of one product's pack, and the leaves for its proofs, in batches."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from services.selection.domain.leaves import award_leaves
from services.selection.domain.pack_result import Placed, Released
from services.selection.domain.packs import Committed, Fixed, Leaf
from shared.proof.merkle import bucket_of
from shared.service.postgres import Connection

LINES_OF_A_PART: Final = 1024
"""A power of two, so that the tree over the parts' roots equals the tree over all lines."""
_AT_ONCE: Final = 2000
IS_VOID = "SELECT void FROM rounds WHERE round = $1"
_JUDGED = """
FROM entries e JOIN applications a ON a.application = e.application AND a.version = e.version
JOIN LATERAL (
    SELECT epoch, findings_hash, findings, evidence FROM verdicts v
    WHERE v.application = e.application AND v.version = e.version AND v.epoch <= e.epoch ORDER BY epoch DESC LIMIT 1
) v ON true
WHERE e.round = $1 AND e.epoch = $2
"""
COMMITTED = f"""
SELECT e.application::text, e.version, a.payload_hash, a.nonce, a.facts, v.epoch AS judged_in, e.outcome, v.findings,
       v.findings_hash, v.evidence, e.tickets, e.score, coalesce(e.drawn_under, e.epoch) AS drawn_under
{_JUDGED} AND e.application = $3
"""
# One bucket, in order of id, as in digests.
BUCKET = f"""
SELECT e.application::text, e.version, a.payload_hash, v.epoch AS judged_in, e.outcome, v.findings_hash, e.tickets,
       e.score
{_JUDGED} AND get_byte(sha256(convert_to(e.application::text, 'UTF8')), 0) = $3 ORDER BY e.application
"""
ENTRIES = """
SELECT application::text, outcome, tickets, score FROM entries WHERE round = $1 AND epoch = $2 ORDER BY application
"""
PLACED = """
SELECT application::text, line, result, reason, position, reserve_position, key, awards FROM results
WHERE round = $1 AND epoch = $2 AND application = $3
"""
RESULT_LEAVES = """
SELECT application::text, result, position, key, awards FROM results WHERE round = $1 AND epoch = $2 ORDER BY line
"""
RESULT_PART = """
SELECT application::text, result, position, key, awards FROM results
WHERE round = $1 AND epoch = $2 AND line > $3 AND line <= $4 ORDER BY line
"""
RELEASED = """
SELECT l.application::text, l.batch, l.line, l.result, l.reason, l.awards
FROM release_lines l JOIN releases r USING (round, epoch, batch)
WHERE l.round = $1 AND l.epoch = $2 AND l.application = $3 AND r.confirmed_at IS NOT NULL
  AND coalesce(r.confirmed_root = r.body->>'batch_root', true)
ORDER BY l.batch DESC LIMIT 1
"""
BATCH = """
SELECT application::text, batch, line, result, reason, awards FROM release_lines
WHERE round = $1 AND epoch = $2 AND batch = $3 ORDER BY line
"""
SIZE = "SELECT max(line) FROM results WHERE round = $1 AND epoch = $2"
STANDING = "SELECT count(position) FROM results WHERE round = $1 AND epoch = $2"


async def is_void(connection: Connection, round_id: str) -> bool:
    return bool(await connection.fetchval(IS_VOID, round_id))


async def committed(connection: Connection, round_id: str, epoch: int, application: str) -> Committed | None:
    """An application as committed in an epoch; None if it was not."""
    row = await connection.fetchrow(COMMITTED, round_id, epoch, application)
    return Committed(**dict(row)) if row else None


async def bucket(connection: Connection, round_id: str, epoch: int, application: str) -> list[Fixed]:
    """The bucket of this application, in order of id."""
    return [Fixed(**dict(row)) for row in await connection.fetch(BUCKET, round_id, epoch, bucket_of(application))]


async def entries(connection: Connection, round_id: str, epoch: int) -> AsyncIterator[Sequence[Leaf]]:
    """The leaves of all committed entries, in order of id, in batches. Needs a transaction."""
    cursor = await connection.cursor(ENTRIES, round_id, epoch)
    while rows := await cursor.fetch(_AT_ONCE):
        yield [tuple(row) for row in rows]


async def placed(connection: Connection, round_id: str, epoch: int, application: str) -> Placed | None:
    """Its line of an epoch's result; None if it has none."""
    row = await connection.fetchrow(PLACED, round_id, epoch, application)
    return Placed(**dict(row)) if row else None


async def released(connection: Connection, round_id: str, epoch: int, application: str) -> Released | None:
    """Its line in the newest confirmed batch that moved it; None if none did."""
    row = await connection.fetchrow(RELEASED, round_id, epoch, application)
    return Released(**dict(row)) if row else None


async def batch(connection: Connection, round_id: str, epoch: int, number: int) -> list[Released]:
    """The lines of a batch, in order."""
    return [Released(**dict(row)) for row in await connection.fetch(BATCH, round_id, epoch, number)]


async def result_leaves(connection: Connection, round_id: str, epoch: int) -> AsyncIterator[Sequence[Leaf]]:
    """The leaves of a result in order, in parts of LINES_OF_A_PART. Needs a transaction."""
    cursor = await connection.cursor(RESULT_LEAVES, round_id, epoch)
    while rows := await cursor.fetch(LINES_OF_A_PART):
        yield [_leaf(row) for row in rows]


async def result_part(connection: Connection, round_id: str, epoch: int, part: int) -> list[Leaf]:
    """One of those parts; `part` counts from 0."""
    first = part * LINES_OF_A_PART
    rows = await connection.fetch(RESULT_PART, round_id, epoch, first, first + LINES_OF_A_PART)
    return [_leaf(row) for row in rows]


def _leaf(row: Any) -> Leaf:
    return row["application"], row["result"], row["position"], row["key"], award_leaves(row["awards"])


async def size(connection: Connection, round_id: str, epoch: int) -> int:
    """The number of lines of a result."""
    lines: int = await connection.fetchval(SIZE, round_id, epoch)
    return lines


async def standing(connection: Connection, round_id: str, epoch: int) -> int:
    """How many applications were in the draw."""
    count: int = await connection.fetchval(STANDING, round_id, epoch)
    return count
