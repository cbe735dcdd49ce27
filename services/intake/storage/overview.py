"""An institution's pledges, requests, awards and reports, by round."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.programme.purchases import Awarded, Report, due_on
from shared.service.postgres import Connection

# Awards of published results, which are those confirmed in the newest epoch. They can be reported on from their
# confirmation: that of the selection, or of the batch that last moved them.
AWARDS = """
SELECT o.round, o.application::text, o.result->>'product' AS product, o.result->>'pack' AS pack, o.status_ended_at,
       award->>'request' AS request, award->>'institution' AS institution,
       (award->>'quantity')::bigint AS quantity, (award->>'amount_won')::bigint AS amount_won,
       coalesce(b.confirmed_at, c.confirmed_at) AS confirmed_at,
       p.reported_at, p.quantity AS bought, p.amount_won AS paid_won, p.contracted_on, p.reason,
       EXISTS (SELECT FROM contracted k
               WHERE k.request = award->>'request' AND k.application = o.application) AS contracted
FROM outcomes o JOIN rounds r ON r.round = o.round AND r.status <> 'void'
CROSS JOIN LATERAL jsonb_array_elements(o.result->'awards') award
LEFT JOIN releases b ON b.round = o.round AND b.epoch = o.result_epoch AND b.batch = o.result_batch
LEFT JOIN confirmations c ON c.round = o.round AND c.epoch = o.result_epoch
LEFT JOIN reports p ON p.request = award->>'request' AND p.application = o.application
WHERE o.result ? 'awards' AND o.round = $1 AND award->>'institution' = $2
  AND o.result_epoch >= coalesce((SELECT max(n.epoch) FROM confirmations n WHERE n.round = o.round), 0)
ORDER BY award->>'request', o.application
"""
# Rounds it has pledged to, cuts of series it has pledged to, and rounds it has requests in.
ROUNDS = """
SELECT r.round, coalesce(own.won, series.won) AS pledge_won,
       (SELECT count(*) FROM purchase_requests q WHERE q.institution = $1 AND q.round = r.round) AS requests,
       (SELECT coalesce(sum((q.facts->>'budget_won')::bigint), 0)::bigint FROM purchase_requests q
        WHERE q.institution = $1 AND q.round = r.round AND NOT q.withdrawn
          AND NOT EXISTS (SELECT FROM set_free f WHERE f.round = q.round AND f.subject = q.request)) AS asked_won
FROM rounds r
LEFT JOIN pledges own ON own.institution = $1 AND own.round = r.round
LEFT JOIN pledges series ON series.institution = $1 AND series.round = r.series
WHERE (own.won IS NOT NULL OR series.won IS NOT NULL
       OR EXISTS (SELECT FROM purchase_requests q WHERE q.institution = $1 AND q.round = r.round))
  AND ($2::text IS NULL OR r.round = $2 OR r.series = $2)
ORDER BY r.opens_at DESC, r.round DESC LIMIT $3
"""
REQUESTS = """
SELECT q.request, q.version, q.facts, q.withdrawn, q.received_at, f.reason AS cancelled_for, f.freed_at AS cancelled_at
FROM purchase_requests q LEFT JOIN set_free f ON f.round = q.round AND f.subject = q.request
WHERE q.institution = $1 AND q.round = $2 AND q.request > $3 ORDER BY q.request LIMIT $4
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class InRound:
    """An institution's part in a round. `pledge_won` is None where it has requests and no pledge. `asked_won`: total of
    its current requests."""

    round: str
    pledge_won: int | None
    requests: int
    asked_won: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRequest:
    """The newest version of a request."""

    request: str
    version: int
    facts: dict[str, Any]
    withdrawn: bool
    received_at: datetime | None
    cancelled_for: str | None
    cancelled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Matched:
    """An award. `pack`: its link relative to selection's address, as in AwardNoticed. `contracted`: reported as
    contracted, also where the report itself was not kept."""

    awarded: Awarded
    pack: str | None
    status_ended_at: datetime | None
    contracted: bool


async def rounds_of(connection: Connection, code: str, named: str | None, limit: int) -> list[InRound]:
    """Newest first; `named`: only that round, or the cuts of that series."""
    return [InRound(**row) for row in await connection.fetch(ROUNDS, code, named, limit)]


async def requests_of(
    connection: Connection, code: str, round_id: str, after: str, limit: int
) -> Sequence[StandingRequest]:
    """Requests in order of id, those after `after`."""
    return [StandingRequest(**row) for row in await connection.fetch(REQUESTS, code, round_id, after, limit)]


async def awards_of(connection: Connection, code: str, round_id: str) -> dict[str, list[Matched]]:
    """Awards by request."""
    by_request: dict[str, list[Matched]] = defaultdict(list)
    for row in await connection.fetch(AWARDS, round_id, code):
        by_request[row["request"]].append(
            Matched(_awarded(row), row["pack"], row["status_ended_at"], row["contracted"])
        )
    return by_request


def _awarded(row: Any) -> Awarded:
    report = Report(
        quantity=row["bought"], amount_won=row["paid_won"], contracted_on=row["contracted_on"], reason=row["reason"]
    )
    return Awarded(
        application=row["application"],
        product=row["product"] or "",
        request=row["request"],
        institution=row["institution"],
        quantity=row["quantity"],
        amount_won=row["amount_won"],
        due_on=due_on(row["confirmed_at"]),
        report=report if row["reported_at"] else None,
    )
