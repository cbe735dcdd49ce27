"""Counts for metrics, by round."""

from dataclasses import dataclass

from shared.service.postgres import Connection

# Of a round that is complete, the count of its manifest; verdicts are counted only of rounds that still go on.
COUNTS = """
SELECT r.round, coalesce((d.verdicts->>'count')::bigint, c.judged, 0) AS judged, coalesce(c.parked, 0) AS parked,
       (r.applications->>'count')::bigint AS frozen,
       (SELECT count(*) FROM waiting w WHERE w.round = r.round) AS waiting,
       (SELECT count(DISTINCT p.application) FROM pending p WHERE p.round = r.round) AS pending
FROM rounds r LEFT JOIN completions d ON d.round = r.round AND d.epoch = r.epoch
LEFT JOIN LATERAL (
    SELECT count(*) AS judged, count(*) FILTER (WHERE v.outcome = 'parked') AS parked
    FROM (SELECT DISTINCT ON (application) application, version, outcome FROM verdicts WHERE round = r.round
          ORDER BY application, version DESC, epoch DESC) v
    WHERE d.round IS NULL
      AND NOT EXISTS (SELECT FROM withdrawals w WHERE w.application = v.application AND w.version > v.version)
) c ON d.round IS NULL
WHERE r.policy IS NOT NULL AND NOT r.void AND (r.frozen_at IS NULL OR r.frozen_at > now() - interval '30 days')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundCount:
    """How far the judging of a round is. `frozen`: what its manifest counts; None before the freeze."""

    round: str
    judged: int
    parked: int
    frozen: int | None
    waiting: int
    pending: int


async def counts(connection: Connection) -> list[RoundCount]:
    """Of rounds that are open, or were frozen within 30 days."""
    return [RoundCount(**row) for row in await connection.fetch(COUNTS)]
