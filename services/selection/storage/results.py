"""Proposals and their results. Proposals are kept for ever, and published line by line once confirmed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.selection.domain.leaves import award_leaves
from services.selection.domain.proposal import Proposal
from services.selection.domain.status import status_until
from services.selection.storage.drawn import NamedOffer
from shared.clock import TimeMap, time_map
from shared.contracts.events import Rehearsal
from shared.contracts.policy import POLICY
from shared.service.postgres import Connection, streamed

TO_PUBLISH = """
SELECT p.round, p.epoch, p.body, p.published_lines, r.policy, c.confirmed_at, c.batch
FROM proposals p JOIN rounds r USING (round) JOIN confirmations c ON c.round = p.round AND c.epoch = p.epoch
WHERE c.selection_root = p.body->>'selection_root' AND NOT r.void
  AND EXISTS (SELECT FROM results s WHERE s.round = p.round AND s.epoch = p.epoch AND s.line > p.published_lines)
  AND NOT EXISTS (SELECT FROM releases b
                  WHERE b.round = c.round AND b.epoch = c.epoch AND b.batch <= c.batch AND b.body IS NULL)
"""
SAVE_PROPOSAL = """
INSERT INTO proposals (round, epoch, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING round
"""
# The lines after the batches that were confirmed with the selection.
LINES = """
SELECT s.line, s.application::text, s.party::text, s.product, coalesce(m.result, s.result) AS result,
       CASE WHEN m.result IS NULL THEN s.reason ELSE m.reason END AS reason, s.position, s.reserve_position, s.tickets,
       coalesce(m.awards, s.awards) AS awards
FROM results s LEFT JOIN LATERAL (
    SELECT l.result, l.reason, l.awards FROM release_lines l
    WHERE l.application = s.application AND l.round = s.round AND l.epoch = s.epoch AND l.batch <= $5
    ORDER BY l.batch DESC LIMIT 1
) m ON true
WHERE s.round = $1 AND s.epoch = $2 AND s.line > $3 ORDER BY s.line LIMIT $4
"""
LEAVES = """
SELECT application::text, result, position, key, awards FROM results WHERE round = $1 AND epoch = $2 ORDER BY line
"""
DROP_PROPOSAL = "DELETE FROM proposals WHERE round = $1 AND epoch = $2"
DROP_RESULTS = "DELETE FROM results WHERE round = $1 AND epoch = $2"
PUBLISHED = """
UPDATE proposals SET published_lines = $4 WHERE round = $1 AND epoch = $2 AND published_lines = $3 RETURNING round
"""
# The newest fully published result; a later result gives a new status.
GIVING_STATUS = """
SELECT c.round, c.epoch, c.confirmed_at, c.ended_lines, r.policy, r.rehearsal
FROM confirmations c JOIN rounds r USING (round) JOIN proposals p ON p.round = c.round AND p.epoch = c.epoch
WHERE r.policy ? 'rolling' AND NOT c.status_ended AND NOT r.void AND c.selection_root = p.body->>'selection_root'
  AND NOT EXISTS (SELECT FROM confirmations n WHERE n.round = c.round AND n.epoch > c.epoch)
  AND NOT EXISTS (SELECT FROM results s WHERE s.round = p.round AND s.epoch = p.epoch AND s.line > p.published_lines)
"""
SELECTED_LINES = """
SELECT line, application::text, party::text, product, awards
FROM standing_results WHERE round = $1 AND epoch = $2 AND result = 'selected' AND line > $3 ORDER BY line LIMIT $4
"""
STATUS_ENDED = """
UPDATE confirmations SET ended_lines = $4, status_ended = $5 WHERE round = $1 AND epoch = $2 AND ended_lines = $3
AND NOT status_ended RETURNING round
"""
CONFIRMED_SELECTED = """
SELECT s.application::text FROM results s
WHERE s.round = $1 AND s.epoch = $2 AND s.result = 'selected'
"""
IS_CONFIRMED = """
SELECT EXISTS (
    SELECT FROM confirmations c JOIN proposals p ON p.round = c.round AND p.epoch = c.epoch
    WHERE c.round = $1 AND c.epoch = $2 AND c.selection_root = p.body->>'selection_root')
"""
# Pledges as frozen, including those to a whole series; before the freeze, as far as known. Pledges to a round that has
# not opened are excluded: they are stored here before they are public.
SPENT = """
WITH pledged AS (
    SELECT key AS institution, value::bigint AS won
    FROM rounds r, jsonb_each_text(r.pledges) WHERE r.round = $1 AND r.pledges IS NOT NULL
    UNION ALL
    SELECT institution, won FROM pledges JOIN rounds r USING (round) WHERE round = $1 AND r.pledges IS NULL
)
SELECT p.institution, p.won AS pledge_won, coalesce(sum((award->>'amount_won')::bigint), 0)::bigint AS awarded_won,
       count(award) AS awards
FROM pledged p
LEFT JOIN standing_results s ON s.round = $1 AND s.epoch = (
    SELECT max(c.epoch) FROM confirmations c JOIN proposals q ON q.round = c.round AND q.epoch = c.epoch
    WHERE c.round = $1 AND c.selection_root = q.body->>'selection_root')
LEFT JOIN LATERAL jsonb_array_elements(s.awards) award ON award->>'institution' = p.institution
GROUP BY p.institution, p.won ORDER BY p.won DESC, p.institution
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ToPublish:
    """A confirmed proposal, published up to a line. `status_until`: when the status of its selected products ends.
    `batch`: the last batch confirmed with it; 0 if none."""

    round: str
    epoch: int
    selection_root: str
    published_lines: int
    status_until: datetime | None
    batch: int


@dataclass(frozen=True, slots=True)
class GivenStatus:
    """The status given by a published result; its end is announced for the products up to a line."""

    round: str
    epoch: int
    until: datetime
    ended_lines: int
    time_map: TimeMap


async def save_proposal(
    connection: Connection,
    round_id: str,
    epoch: int,
    body: Any,
    proposal: Proposal,
    named: dict[str, NamedOffer],
    tickets: dict[str, int],
) -> bool:
    """Stores a proposal with its lines; False if the epoch has one already."""
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


async def to_publish(connection: Connection) -> list[ToPublish]:
    """Confirmed proposals with lines that are not published yet."""
    return [
        ToPublish(
            round=row["round"],
            epoch=row["epoch"],
            selection_root=row["body"]["selection_root"],
            published_lines=row["published_lines"],
            status_until=status_until(POLICY.validate_python(row["policy"]), row["confirmed_at"]),
            batch=row["batch"],
        )
        for row in await connection.fetch(TO_PUBLISH)
    ]


async def giving_status(connection: Connection) -> list[GivenStatus]:
    """Results whose status ends some time, and is not yet announced as ended for every product."""
    given = []
    for row in await connection.fetch(GIVING_STATUS):
        rehearsal = Rehearsal.model_validate(row["rehearsal"]) if row["rehearsal"] else None
        until = status_until(POLICY.validate_python(row["policy"]), row["confirmed_at"])
        if until is not None:
            given.append(GivenStatus(row["round"], row["epoch"], until, row["ended_lines"], time_map(rehearsal)))
    return given


async def selected_lines(
    connection: Connection, round_id: str, epoch: int, after: int, limit: int
) -> list[dict[str, Any]]:
    """Selected lines after a line, at most `limit`."""
    return [dict(row) for row in await connection.fetch(SELECTED_LINES, round_id, epoch, after, limit)]


async def status_ended(connection: Connection, given: GivenStatus, line: int, wholly: bool) -> bool:
    """Moves the mark up to which the end is announced; False if another replica did."""
    return (
        await connection.fetchval(STATUS_ENDED, given.round, given.epoch, given.ended_lines, line, wholly) is not None
    )


async def lines(connection: Connection, due: ToPublish, after: int, limit: int) -> list[dict[str, Any]]:
    """Lines to publish after a line, at most `limit`."""
    return [dict(row) for row in await connection.fetch(LINES, due.round, due.epoch, after, limit, due.batch)]


async def leaves(connection: Connection, round_id: str, epoch: int) -> list[list[Any]]:
    """The leaf `[id, result, position, key, [[request, quantity, won], …]]` of every line, in order."""
    return [
        [*tuple(row)[:4], award_leaves(row["awards"])] async for row in streamed(connection, LEAVES, round_id, epoch)
    ]


async def drop_proposal(connection: Connection, round_id: str, epoch: int) -> None:
    """Deletes a proposal with its lines."""
    await connection.execute(DROP_PROPOSAL, round_id, epoch)
    await connection.execute(DROP_RESULTS, round_id, epoch)


async def published(connection: Connection, round_id: str, epoch: int, before: int, now: int) -> bool:
    """Moves the mark up to which lines are published; False if another replica did."""
    return await connection.fetchval(PUBLISHED, round_id, epoch, before, now) is not None


async def spent(connection: Connection, round_id: str) -> list[dict[str, Any]]:
    """The money awarded against each pledge, after the newest confirmed result and batches."""
    return [dict(row) for row in await connection.fetch(SPENT, round_id)]


async def confirmed_selected(connection: Connection, round_id: str, epoch: int) -> set[str] | None:
    """The applications selected in an epoch; None until officers confirm it."""
    if not await connection.fetchval(IS_CONFIRMED, round_id, epoch):
        return None
    return {row["application"] for row in await connection.fetch(CONFIRMED_SELECTED, round_id, epoch)}
