"""Session locks by which replicas share the inboxes: they end with their connection."""

from typing import Final

from shared.service.postgres import Connection

_SHARDS: Final = 0x696E6278
_REPLICAS: Final = 0x696E7270

TRY_LOCK = "SELECT pg_try_advisory_lock($1, $2)"
UNLOCK = "SELECT pg_advisory_unlock($1, $2)"
COUNT = """
SELECT count(DISTINCT objid) FROM pg_locks
WHERE locktype = 'advisory' AND classid = $1 AND objsubid = 2
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def announce_replica(connection: Connection, number: int) -> None:
    """Makes the session count as a live replica."""
    await connection.execute(TRY_LOCK, _REPLICAS, number)


async def live_replicas(connection: Connection) -> int:
    count: int = await connection.fetchval(COUNT, _REPLICAS)
    return count


async def take_shard(connection: Connection, shard: int) -> bool:
    """True if the session holds the shard now."""
    taken: bool = await connection.fetchval(TRY_LOCK, _SHARDS, shard)
    return taken


async def give_back_shard(connection: Connection, shard: int) -> None:
    await connection.execute(UNLOCK, _SHARDS, shard)
