"""Releases: what was set free after a proposal, and how each batch gave it out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter

from services.selection.domain.leaves import award_leaves
from services.selection.domain.offers import Award, offer_of
from services.selection.domain.releases import Freed, Place, Release
from services.selection.domain.status import status_until
from services.selection.storage.rounds import KnownRound, known_of
from shared.contracts.events import (
    NotSelectedReason,
    ReleaseConfirmed,
    ReleaseOpened,
    ReleaseProposed,
    SelectionConfirmed,
)
from shared.contracts.facts import ApplicationFacts
from shared.contracts.policy import POLICY
from shared.programme.certificates import AcceptedKinds
from shared.service.postgres import Connection, streamed

_FACTS: Final = TypeAdapter(ApplicationFacts)
SAVE_OPENED = "INSERT INTO releases (round, epoch, batch, opened) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
# Confirming a batch confirms the batches before it too.
SAVE_CONFIRMED = """
UPDATE releases SET confirmed_at = $4, confirmed_root = CASE batch WHEN $3 THEN $5 END, published = published OR $6
WHERE round = $1 AND epoch = $2 AND batch <= $3 AND confirmed_at IS NULL
"""
TO_PROPOSE = """
SELECT r.*, c.body AS commitment, b.batch, b.opened FROM releases b
JOIN rounds r ON r.round = b.round AND r.epoch = b.epoch
JOIN commitments c ON c.round = b.round AND c.epoch = b.epoch
JOIN proposals p ON p.round = b.round AND p.epoch = b.epoch AND p.body->>'selection_root' = b.opened->>'selection_root'
WHERE b.body IS NULL AND NOT r.void
  AND NOT EXISTS (SELECT FROM releases e
                  WHERE e.round = b.round AND e.epoch = b.epoch AND e.batch < b.batch AND e.body IS NULL)
"""
FREED_BEFORE = """
SELECT opened FROM releases WHERE round = $1 AND (epoch < $2 OR (epoch = $2 AND batch < $3)) ORDER BY epoch, batch
"""
PLACES = """
SELECT s.application::text, a.facts, coalesce(m.awards, s.awards) AS awards
FROM results s
LEFT JOIN LATERAL (
    SELECT l.result, l.awards FROM release_lines l
    WHERE l.application = s.application AND l.round = s.round AND l.epoch = s.epoch AND l.batch < $3
    ORDER BY l.batch DESC LIMIT 1
) m ON true
JOIN entries e ON e.round = s.round AND e.epoch = s.epoch AND e.application = s.application
JOIN applications a ON a.application = e.application AND a.version = e.version
WHERE s.round = $1 AND s.epoch = $2 AND coalesce(m.result, s.result) IN ('selected', 'reserve')
ORDER BY s.position
"""
PROPOSED = """
SELECT body FROM chronicle
WHERE round = $1 AND type = 'ReleaseProposed' AND (body->>'epoch')::int = $2 AND (body->>'batch')::int = $3
"""
SAVE_RELEASE = """
UPDATE releases SET body = $4 WHERE round = $1 AND epoch = $2 AND batch = $3 AND body IS NULL RETURNING round
"""
DROP_LINES = "DELETE FROM release_lines WHERE round = $1 AND epoch = $2 AND batch >= $3"
DROP_BODIES = "UPDATE releases SET body = NULL WHERE round = $1 AND epoch = $2 AND batch >= $3"
# Batches are published after their selection, and in order.
TO_PUBLISH = """
SELECT b.round, b.epoch, b.batch, b.opened, b.body, r.policy, c.confirmed_at AS selection_confirmed_at
FROM releases b JOIN rounds r USING (round) JOIN confirmations c ON c.round = b.round AND c.epoch = b.epoch
WHERE b.confirmed_at IS NOT NULL AND NOT b.published AND NOT r.void
  AND coalesce(b.confirmed_root = b.body->>'batch_root', b.body IS NOT NULL)
  AND NOT EXISTS (SELECT FROM releases e
                  WHERE e.round = b.round AND e.epoch = b.epoch AND e.batch < b.batch AND NOT e.published)
  AND NOT EXISTS (SELECT FROM proposals p JOIN results s ON s.round = p.round AND s.epoch = p.epoch
                  WHERE p.round = b.round AND p.epoch = b.epoch AND s.line > p.published_lines)
"""
LINES = """
SELECT l.line, l.application::text, s.party::text, s.product, l.result, l.reason, s.position, s.tickets, l.awards,
       coalesce(m.result, s.result) AS result_before
FROM release_lines l
JOIN results s ON s.round = l.round AND s.epoch = l.epoch AND s.application = l.application
LEFT JOIN LATERAL (
    SELECT result FROM release_lines b
    WHERE b.application = l.application AND b.round = l.round AND b.epoch = l.epoch AND b.batch < l.batch
    ORDER BY b.batch DESC LIMIT 1
) m ON true
WHERE l.round = $1 AND l.epoch = $2 AND l.batch = $3 ORDER BY l.line
"""
PUBLISHED = """
UPDATE releases SET published = true WHERE round = $1 AND epoch = $2 AND batch = $3 AND NOT published RETURNING round
"""
OF_ROUND = """
SELECT epoch, batch, opened, body, confirmed_at FROM releases WHERE round = $1 ORDER BY epoch, batch
"""
LINE_COLUMNS = ("round", "epoch", "batch", "line", "application", "result", "reason", "awards")


@dataclass(frozen=True, slots=True)
class OpenRelease:
    """A batch of the current epoch that is to be proposed."""

    known: KnownRound
    commitment: Mapping[str, Any]
    opened: ReleaseOpened


@dataclass(frozen=True, slots=True)
class ConfirmedRelease:
    """A confirmed batch that is to be published."""

    opened: ReleaseOpened
    proposed: ReleaseProposed
    status_until: datetime | None


async def save_opened(connection: Connection, opened: ReleaseOpened) -> None:
    """Stores a batch that officers opened."""
    body = opened.model_dump(mode="json")
    await connection.execute(SAVE_OPENED, opened.round, opened.epoch, opened.batch, body)


async def save_confirmed(connection: Connection, confirmed: ReleaseConfirmed) -> None:
    """Stores the confirmation of a batch, and so of those before it."""
    values = confirmed.round, confirmed.epoch, confirmed.batch, confirmed.confirmed_at, confirmed.batch_root
    await connection.execute(SAVE_CONFIRMED, *values, False)


async def save_confirmed_with_selection(connection: Connection, confirmed: SelectionConfirmed) -> None:
    """Confirms the batches before a confirmed selection: the results are published as the batches left them."""
    if confirmed.batch is not None:
        values = confirmed.round, confirmed.epoch, confirmed.batch, confirmed.confirmed_at, confirmed.batch_root
        await connection.execute(SAVE_CONFIRMED, *values, True)


async def to_propose(connection: Connection) -> list[OpenRelease]:
    """Batches to propose, each after the earlier ones of its epoch."""
    return [
        OpenRelease(known_of(row), row["commitment"], ReleaseOpened.model_validate(row["opened"]))
        for row in await connection.fetch(TO_PROPOSE)
    ]


async def freed_before(connection: Connection, round_id: str, epoch: int, batch: int = 1) -> Freed:
    """Everything set free in earlier epochs, and in earlier batches of this epoch."""
    rows = await connection.fetch(FREED_BEFORE, round_id, epoch, batch)
    leaving: dict[str, NotSelectedReason] = {}
    cancelled: set[str] = set()
    for row in rows:
        freed = freed_by(ReleaseOpened.model_validate(row["opened"]))
        leaving |= freed.leaving
        cancelled |= freed.cancelled
    return Freed(leaving, frozenset(cancelled))


def freed_by(opened: ReleaseOpened) -> Freed:
    """What this batch sets free."""
    leaving = {left.application: NotSelectedReason(left.cause) for left in opened.leaving}
    return Freed(leaving, frozenset(request.request for request in opened.cancelled))


async def places(connection: Connection, opened: ReleaseOpened, accepted: AcceptedKinds) -> list[Place]:
    """Applications selected or in reserve after the previous batch, in draw order."""
    in_order = []
    async for row in streamed(connection, PLACES, opened.round, opened.epoch, opened.batch):
        facts = _FACTS.validate_python(row["facts"])
        offer = offer_of(row["application"], facts.applicant.business_number, facts, accepted)
        in_order.append(Place(offer, tuple(Award(**each) for each in row["awards"])))
    return in_order


async def published_proposal(connection: Connection, opened: ReleaseOpened) -> ReleaseProposed | None:
    """The batch's proposal if this service has published it before."""
    body = await connection.fetchval(PROPOSED, opened.round, opened.epoch, opened.batch)
    return ReleaseProposed.model_validate(body) if body else None


async def save_release(connection: Connection, proposed: ReleaseProposed, release: Release) -> bool:
    """Stores a proposed batch with its lines; False if it is proposed already."""
    of_batch = proposed.round, proposed.epoch, proposed.batch
    if await connection.fetchval(SAVE_RELEASE, *of_batch, proposed.model_dump(mode="json")) is None:
        return False
    records = [
        (
            *of_batch,
            number,
            move.application,
            move.result.value,
            move.reason and move.reason.value,
            [
                {
                    "request": award.request,
                    "institution": award.institution,
                    "quantity": award.quantity,
                    "amount_won": award.amount_won,
                }
                for award in move.awards
            ],
        )
        for number, move in enumerate(release.moved, start=1)
    ]
    await connection.copy_records_to_table("release_lines", records=records, columns=LINE_COLUMNS)
    return True


async def drop(connection: Connection, round_id: str, epoch: int, batch: int = 1) -> None:
    """Deletes altered batches and those after them. They are made again only if they give the published roots."""
    await connection.execute(DROP_LINES, round_id, epoch, batch)
    await connection.execute(DROP_BODIES, round_id, epoch, batch)


async def to_publish(connection: Connection) -> list[ConfirmedRelease]:
    """Confirmed batches whose selection and earlier batches are published."""
    return [
        ConfirmedRelease(
            ReleaseOpened.model_validate(row["opened"]),
            ReleaseProposed.model_validate(row["body"]),
            status_until(POLICY.validate_python(row["policy"]), row["selection_confirmed_at"]),
        )
        for row in await connection.fetch(TO_PUBLISH)
    ]


async def lines(connection: Connection, opened: ReleaseOpened) -> list[dict[str, Any]]:
    """The lines of a batch with what their events state."""
    return [dict(row) for row in await connection.fetch(LINES, opened.round, opened.epoch, opened.batch)]


def leaves_of(rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """The leaves of a batch's root, from its lines."""
    return [[row["application"], row["result"], row["reason"], award_leaves(row["awards"])] for row in rows]


async def published(connection: Connection, opened: ReleaseOpened) -> bool:
    """Marks a batch as published; False if another replica did."""
    return await connection.fetchval(PUBLISHED, opened.round, opened.epoch, opened.batch) is not None


async def of_round(connection: Connection, round_id: str) -> list[dict[str, Any]]:
    """Every batch of the round, oldest first."""
    return [dict(row) for row in await connection.fetch(OF_ROUND, round_id)]
