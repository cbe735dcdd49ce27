"""The policy that an application to a round is looked at by."""

from dataclasses import dataclass
from typing import Any

from services.intake.domain.rounds import RoundStatus
from shared.clock import TimeMap, time_map
from shared.contracts.events import Rehearsal
from shared.postgres import Connection

# What is addressed to a series goes to one of its cuts, whose policies differ in their day alone.
POLICY = """
SELECT status, policy, rehearsal FROM rounds WHERE round = $1 OR series = $1
ORDER BY (status = 'open') DESC, cut DESC NULLS LAST LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """As it was announced. Before the round has opened it may be another one yet."""

    status: RoundStatus
    policy: dict[str, Any]
    time_map: TimeMap


async def of_round(connection: Connection, round_id: str) -> StoredPolicy | None:
    """Of a round, or of the cut of a series that is open or comes last."""
    row = await connection.fetchrow(POLICY, round_id)
    if row is None:
        return None
    rehearsal = Rehearsal.model_validate(row["rehearsal"]) if row["rehearsal"] else None
    return StoredPolicy(RoundStatus(row["status"]), row["policy"], time_map(rehearsal))
