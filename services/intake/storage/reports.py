"""What a report on an award names, from intake's read model."""

from dataclasses import dataclass

from services.intake.domain.reports import Award
from shared.service.postgres import Connection

# Of the newest published result, which is a confirmed one.
NAMED = """
SELECT a.application IS NOT NULL AS entered, coalesce(o.result_type IS NOT NULL
       AND o.result_epoch >= coalesce((SELECT max(n.epoch) FROM confirmations n WHERE n.round = r.round), 0), false)
       AS decided,
       award.quantity, award.amount_won, coalesce(b.confirmed_at, c.confirmed_at) AS confirmed_at,
       coalesce((r.policy->'limits'->>'contract_tolerance_percent')::int, 0) AS tolerance
FROM rounds r
LEFT JOIN applications a ON a.round = r.round AND a.application::text = $3
LEFT JOIN outcomes o ON o.application = a.application
LEFT JOIN releases b ON b.round = o.round AND b.epoch = o.result_epoch AND b.batch = o.result_batch
LEFT JOIN confirmations c ON c.round = o.round AND c.epoch = o.result_epoch
LEFT JOIN LATERAL (
    SELECT (one->>'quantity')::bigint AS quantity, (one->>'amount_won')::bigint AS amount_won
    FROM jsonb_array_elements(coalesce(o.result->'awards', '[]')) AS one WHERE one->>'request' = $2) award ON true
WHERE r.round = $1
"""


@dataclass(frozen=True, slots=True)
class Named:
    """What a report names. `tolerance`: per cent by which the round's policy lets a contract's sum exceed its award."""

    entered: bool
    decided: bool
    award: Award | None
    tolerance: int


async def named(connection: Connection, round_id: str, request: str, application: str) -> Named:
    """What a report on an existing round names. Raises LookupError.

    `request`: prefixed with the institution's code.
    """
    row = await connection.fetchrow(NAMED, round_id, request, str(application))
    if row is None:
        raise LookupError(f"no round {round_id}")
    award = Award(row["quantity"], row["amount_won"], row["confirmed_at"]) if row["quantity"] is not None else None
    return Named(row["entered"], row["decided"], award, row["tolerance"])
