"""The policy by which applications and requests to a round are checked."""

from dataclasses import dataclass
from typing import Any

from services.intake.domain.requests import Bought
from services.intake.domain.rounds import RoundStatus
from shared.clock import TimeMap, time_map
from shared.contracts.events import Rehearsal
from shared.service.postgres import Connection

# The cuts of a series have policies that differ only in their day.
POLICY = """
SELECT status, policy, rehearsal FROM rounds WHERE round = $1 OR series = $1
ORDER BY (status = 'open') DESC, cut DESC NULLS LAST LIMIT 1
"""


BOUGHT = """
SELECT ARRAY(SELECT jsonb_array_elements_text(policy->'purchasable_classes')) AS classes,
       ARRAY(SELECT kind->>'kind' FROM jsonb_array_elements(policy->'certificates') AS kind) AS kinds
FROM rounds WHERE round = $1 AND jsonb_typeof(policy->'certificates') = 'array'
"""


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A policy as announced. It may still be amended until the round opens."""

    status: RoundStatus
    policy: dict[str, Any]
    time_map: TimeMap


async def of_round(connection: Connection, round_id: str) -> StoredPolicy | None:
    """The policy of a round, or of the open or else the last cut of a series."""
    row = await connection.fetchrow(POLICY, round_id)
    if row is None:
        return None
    rehearsal = Rehearsal.model_validate(row["rehearsal"]) if row["rehearsal"] else None
    return StoredPolicy(RoundStatus(row["status"]), row["policy"], time_map(rehearsal))


async def bought(connection: Connection, round_id: str) -> Bought | None:
    """What institutions may ask for in a round; None where its policy is not known yet."""
    row = await connection.fetchrow(BOUGHT, round_id)
    return Bought(tuple(row["classes"]), tuple(row["kinds"])) if row else None
