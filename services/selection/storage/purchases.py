"""Awards of the newest confirmed result, and the reports of institutions on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.clock import TimeMap, time_map
from shared.contracts.events import NonPurchaseReported, PurchaseReported, Rehearsal
from shared.programme.purchases import Awarded, Report, due_on
from shared.service.postgres import Connection

SAVE = """
INSERT INTO purchases
    (request, application, round, institution, quantity, amount_won, contracted_on, reason, reported_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (request, application) DO UPDATE
SET quantity = excluded.quantity, amount_won = excluded.amount_won, contracted_on = excluded.contracted_on,
    reason = excluded.reason, reported_at = excluded.reported_at
WHERE purchases.reported_at < excluded.reported_at AND purchases.institution = excluded.institution
"""
# An award is due for a report after the confirmation that gave it: of the selection, or of the last batch that moved
# it.
_AWARDS = """
SELECT s.round, s.epoch, s.application::text, s.party::text, s.product, award->>'request' AS request,
       award->>'institution' AS institution, (award->>'quantity')::bigint AS quantity,
       (award->>'amount_won')::bigint AS amount_won, coalesce(b.confirmed_at, c.confirmed_at) AS confirmed_at,
       r.rehearsal, p.reported_at, p.quantity AS bought, p.amount_won AS paid_won, p.contracted_on, p.reason
FROM confirmations c
JOIN proposals q ON q.round = c.round AND q.epoch = c.epoch AND q.body->>'selection_root' = c.selection_root
JOIN rounds r ON r.round = c.round
JOIN standing_results s ON s.round = c.round AND s.epoch = c.epoch AND s.result = 'selected'
CROSS JOIN LATERAL jsonb_array_elements(s.awards) award
LEFT JOIN releases b ON b.round = s.round AND b.epoch = s.epoch AND b.batch = s.batch
LEFT JOIN purchases p
     ON p.request = award->>'request' AND p.application = s.application AND p.institution = award->>'institution'
WHERE NOT r.void AND NOT EXISTS (SELECT FROM confirmations n WHERE n.round = c.round AND n.epoch > c.epoch)
"""
OF_ROUND = _AWARDS + " AND c.round = $1 ORDER BY institution, s.line, request"
# Contracts on awards that a confirmed result or batch gave.
CONTRACTS = """
SELECT p.round, p.application::text, given.product, p.request, p.institution, p.reported_at, p.quantity AS bought,
       p.amount_won AS paid_won, p.contracted_on, p.reason
FROM purchases p CROSS JOIN LATERAL (
    SELECT s.product FROM results s
    JOIN proposals q ON q.round = s.round AND q.epoch = s.epoch
    JOIN confirmations c ON c.round = s.round AND c.epoch = s.epoch AND c.selection_root = q.body->>'selection_root'
    WHERE s.round = p.round AND s.application = p.application AND (
        s.awards @> p_award OR EXISTS (
            SELECT FROM release_lines l JOIN releases r USING (round, epoch, batch)
            WHERE l.application = s.application AND l.round = s.round AND l.epoch = s.epoch AND l.awards @> p_award
              AND r.confirmed_at IS NOT NULL AND coalesce(r.confirmed_root = r.body->>'batch_root', true)))
    ORDER BY s.epoch DESC LIMIT 1) given
WHERE p.round = $1 AND p.contracted_on IS NOT NULL
ORDER BY p.institution, p.request, p.application
""".replace(
    "p_award",
    "jsonb_build_array(jsonb_build_object('request', p.request, 'institution', p.institution))",
)
UNREPORTED = (
    _AWARDS
    + """
  AND p.request IS NULL AND c.confirmed_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM reminded m WHERE m.request = award->>'request' AND m.application = s.application)
"""
)
REMIND = "INSERT INTO reminded (request, application, round) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING round"
TIME_MAP = "SELECT rehearsal FROM rounds WHERE round = $1"


@dataclass(frozen=True, slots=True)
class Unreported:
    """An award without a report, with the round's clock that decides whether it is overdue."""

    round: str
    epoch: int
    awarded: Awarded
    time_map: TimeMap


async def save(connection: Connection, reports: Sequence[PurchaseReported | NonPurchaseReported]) -> None:
    """Stores reports: the newest of an award stays, and an institution cannot report on another's award."""
    for report in sorted(reports, key=lambda each: (each.request, each.application, each.reported_at)):
        bought = report if isinstance(report, PurchaseReported) else None
        await connection.execute(
            SAVE,
            report.request,
            report.application,
            report.round,
            report.institution,
            bought and bought.quantity,
            bought and bought.amount_won,
            bought and bought.contracted_on,
            None if isinstance(report, PurchaseReported) else report.reason,
            report.reported_at,
        )


async def of_round(connection: Connection, round_id: str) -> list[Awarded]:
    """The current awards, followed by contracts on awards that a later epoch or batch took back, with 0 awarded."""
    standing = [_awarded(row) for row in await connection.fetch(OF_ROUND, round_id)]
    known = {(award.request, award.application) for award in standing}
    contracts = [
        Awarded(
            application=row["application"],
            product=row["product"],
            request=row["request"],
            institution=row["institution"],
            quantity=0,
            amount_won=0,
            due_on=None,
            report=_report(row),
        )
        for row in await connection.fetch(CONTRACTS, round_id)
        if (row["request"], row["application"]) not in known
    ]
    return standing + contracts


async def unreported(connection: Connection) -> list[Unreported]:
    """Awards of all rounds without a report or a reminder."""
    return [
        Unreported(row["round"], row["epoch"], _awarded(row), _map(row["rehearsal"]))
        for row in await connection.fetch(UNREPORTED)
    ]


async def remind(connection: Connection, overdue: Unreported) -> bool:
    """Notes the reminder of an award; False if its institution was reminded before."""
    award = overdue.awarded
    return await connection.fetchval(REMIND, award.request, award.application, overdue.round) is not None


async def clock_of(connection: Connection, round_id: str) -> TimeMap:
    """The round's programme time."""
    return _map(await connection.fetchval(TIME_MAP, round_id))


def _map(rehearsal: Any) -> TimeMap:
    return time_map(Rehearsal.model_validate(rehearsal) if rehearsal else None)


def _report(row: Any) -> Report:
    return Report(
        quantity=row["bought"], amount_won=row["paid_won"], contracted_on=row["contracted_on"], reason=row["reason"]
    )


def _awarded(row: Any) -> Awarded:
    reported_at: datetime | None = row["reported_at"]
    return Awarded(
        application=row["application"],
        product=row["product"],
        request=row["request"],
        institution=row["institution"],
        quantity=row["quantity"],
        amount_won=row["amount_won"],
        due_on=due_on(row["confirmed_at"]),
        report=_report(row) if reported_at else None,
    )
