"""Applications that an act is about, as officers may read them."""

from collections.abc import Sequence
from typing import Any

from shared.service.postgres import Connection

# Only a verdict of the current version and epoch counts as judged.
CONCERNED = """
SELECT a.application::text, v.facts::jsonb->'applicant'->>'name' AS firm, a.business_number,
       v.facts::jsonb->'product'->>'name' AS product, a.version,
       CASE WHEN a.withdrawn THEN 'withdrawn'
            WHEN o.verdict_version = a.version AND o.verdict_epoch = j.epoch THEN o.verdict->>'outcome'
            ELSE 'not judged' END AS state
FROM applications a JOIN application_versions v USING (application, version)
LEFT JOIN outcomes o USING (application)
CROSS JOIN LATERAL (
    SELECT coalesce(max(e.epoch), 1) AS epoch FROM epochs e
    WHERE e.round = a.round AND (e.judge_all OR a.application = ANY(e.judge_again))) j
WHERE a.round = $1 AND a.application = ANY($2::text[]::uuid[]) ORDER BY a.application
"""


async def concerned(connection: Connection, round_id: str, applications: Sequence[str]) -> list[dict[str, Any]]:
    """Firm, product, version, and `state`: withdrawn, not judged, or the outcome of its verdict; by id."""
    return [dict(row) for row in await connection.fetch(CONCERNED, round_id, list(applications))]
