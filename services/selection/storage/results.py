"""Proposals and their results: every proposal ever made stays, and is published line by line once it is confirmed."""

from typing import Any

from services.selection.domain.proposal import Proposal
from services.selection.storage.drawn import Named
from shared.postgres import Connection

TO_PUBLISH = """
SELECT p.round, p.epoch, p.body, p.published_lines
FROM proposals p JOIN rounds r USING (round) JOIN confirmations c ON c.round = p.round AND c.epoch = p.epoch
WHERE c.selection_root = p.body->>'selection_root' AND NOT r.void
  AND EXISTS (SELECT FROM results s WHERE s.round = p.round AND s.epoch = p.epoch AND s.line > p.published_lines)
"""
SAVE_PROPOSAL = """
INSERT INTO proposals (round, epoch, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING round
"""
LINES = """
SELECT line, application::text, party::text, product, result, reason, position, reserve_position, tickets, awards
FROM results WHERE round = $1 AND epoch = $2 AND line > $3 ORDER BY line LIMIT $4
"""
LEAVES = """
SELECT application::text, result, position, key, awards FROM results WHERE round = $1 AND epoch = $2 ORDER BY line
"""
DROP_PROPOSAL = "DELETE FROM proposals WHERE round = $1 AND epoch = $2"
DROP_RESULTS = "DELETE FROM results WHERE round = $1 AND epoch = $2"
PUBLISHED = """
UPDATE proposals SET published_lines = $4 WHERE round = $1 AND epoch = $2 AND published_lines = $3 RETURNING round
"""
SPENT = """
SELECT p.institution, p.won AS pledge_won, coalesce(sum((award->>'amount_won')::bigint), 0)::bigint AS awarded_won,
       count(award) AS awards
FROM pledges p
LEFT JOIN results s ON s.round = p.round
     AND s.epoch = (SELECT max(epoch) FROM proposals q WHERE q.round = p.round)
LEFT JOIN LATERAL jsonb_array_elements(s.awards) award ON award->>'institution' = p.institution
WHERE p.round = $1 GROUP BY p.institution, p.won ORDER BY p.won DESC, p.institution
"""
RESULT_COLUMNS = (
    "round",
    "epoch",
    "line",
    "application",
    "party",
    "product",
    "result",
    "reason",
    "position",
    "reserve_position",
    "key",
    "tickets",
    "awards",
)


async def save_proposal(
    connection: Connection,
    round_id: str,
    epoch: int,
    body: Any,
    proposal: Proposal,
    named: dict[str, Named],
    tickets: dict[str, int],
) -> bool:
    if await connection.fetchval(SAVE_PROPOSAL, round_id, epoch, body) is None:
        return False
    records = []
    for number, line in enumerate(proposal.lines, start=1):
        placement = line.placement
        who = named[placement.application]
        awards = [
            {
                "request": award.request,
                "institution": award.institution,
                "quantity": award.quantity,
                "amount_won": award.amount_won,
            }
            for award in placement.awards
        ]
        records.append(
            (
                round_id,
                epoch,
                number,
                placement.application,
                who.party,
                who.product,
                placement.result.value,
                placement.reason.value if placement.reason else None,
                line.position,
                placement.reserve_position,
                line.key,
                tickets[placement.application],
                awards,
            )
        )
    await connection.copy_records_to_table("results", records=records, columns=RESULT_COLUMNS)
    return True


async def to_publish(connection: Connection) -> list[tuple[str, int, dict[str, Any], int]]:
    """(round, epoch, proposal, lines published so far) of confirmed proposals."""
    rows = await connection.fetch(TO_PUBLISH)
    return [(row["round"], row["epoch"], row["body"], row["published_lines"]) for row in rows]


async def lines(connection: Connection, round_id: str, epoch: int, after: int, limit: int) -> list[dict[str, Any]]:
    return [dict(row) for row in await connection.fetch(LINES, round_id, epoch, after, limit)]


async def leaves(connection: Connection, round_id: str, epoch: int) -> list[list[Any]]:
    """`[id, result, position, key, [[request, quantity, won], …]]` of every line."""
    return [
        [*tuple(row)[:4], [[each["request"], each["quantity"], each["amount_won"]] for each in row["awards"]]]
        for row in await connection.fetch(LEAVES, round_id, epoch)
    ]


async def drop_proposal(connection: Connection, round_id: str, epoch: int) -> None:
    await connection.execute(DROP_PROPOSAL, round_id, epoch)
    await connection.execute(DROP_RESULTS, round_id, epoch)


async def published(connection: Connection, round_id: str, epoch: int, before: int, now: int) -> bool:
    """Moves the mark of what is published; False when another replica did."""
    return await connection.fetchval(PUBLISHED, round_id, epoch, before, now) is not None


async def spent(connection: Connection, round_id: str) -> list[dict[str, Any]]:
    """Money awarded against each pledge, by the newest proposal."""
    return [dict(row) for row in await connection.fetch(SPENT, round_id)]
