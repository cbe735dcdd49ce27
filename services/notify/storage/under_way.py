"""How far the attempts of claimed deliveries came. A claim enters them, and `deliveries.settle` ends them."""

from collections.abc import Sequence
from typing import Final

from shared.service.postgres import Connection

# What is locked is being settled, which says more. By `ctid`, so that the plan never depends on statistics.
NOTE: Final = """
UPDATE under_way SET stage = CASE WHEN delivery = ANY ($2::uuid[]) THEN 'taken' ELSE 'begun' END
WHERE ctid = ANY (ARRAY (
    SELECT ctid FROM under_way WHERE delivery = ANY ($1::uuid[] || $2::uuid[]) FOR UPDATE SKIP LOCKED))
"""


async def note(connection: Connection, begun: Sequence[str], taken: Sequence[str]) -> None:
    """By the deliveries' ids."""
    await connection.execute(NOTE, begun, taken)
