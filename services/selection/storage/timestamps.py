"""Time-stamps of commitments: the first of each stays."""

from base64 import b64decode
from typing import Any

from shared.contracts.events import CommitmentTimeStamped
from shared.proof.timestamping import Stamp
from shared.service.postgres import Connection

UNSTAMPED = """
SELECT c.round, c.epoch, c.body->>'commitment_root' AS root FROM commitments c
LEFT JOIN timestamps t ON t.round = c.round AND t.epoch = c.epoch AND t.commitment_root = c.body->>'commitment_root'
WHERE t.round IS NULL ORDER BY c.round, c.epoch
"""
SAVE = """
INSERT INTO timestamps (round, epoch, commitment_root, authority, token, stamped_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING RETURNING round
"""
OF_ROUND = "SELECT commitment_root, authority, token, stamped_at FROM timestamps WHERE round = $1"


async def unstamped(connection: Connection) -> list[tuple[str, int, str]]:
    """(round, epoch, root) of every commitment without a stamp."""
    return [tuple(row) for row in await connection.fetch(UNSTAMPED)]


async def save(connection: Connection, round_id: str, epoch: int, root: str, stamp: Stamp) -> bool:
    """Stores a stamp; False if the commitment has one already."""
    saved = await connection.fetchval(SAVE, round_id, epoch, root, stamp.authority, stamp.token, stamp.stamped_at)
    return saved is not None


async def of_round(connection: Connection, round_id: str) -> dict[str, Stamp]:
    """The stamps of a round, by commitment root."""
    rows: list[Any] = await connection.fetch(OF_ROUND, round_id)
    return {row["commitment_root"]: Stamp(row["token"], row["stamped_at"], row["authority"]) for row in rows}


async def put_back(connection: Connection, stamped: CommitmentTimeStamped) -> None:
    """Stores a stamp that was published before, so that a lost database does not ask for it again."""
    stamp = Stamp(b64decode(stamped.token), stamped.stamped_at, stamped.authority)
    await save(connection, stamped.round, stamped.epoch, stamped.commitment_root, stamp)
