"""Leases of inbox shards to replicas, by session locks."""

from services.intake.domain.shards import SHARDS
from services.intake.storage import leases
from shared.service.postgres import Connection


class Leases:
    """This replica's fair share of the shards."""

    def __init__(self) -> None:
        self.held: set[int] = set()

    async def renew(self, connection: Connection) -> set[int]:
        """Takes or gives back shards until this replica has its fair share; returns those held."""
        fair = -(-SHARDS // max(1, await leases.live_replicas(connection)))
        for shard in sorted(self.held)[fair:]:
            await leases.give_back_shard(connection, shard)
            self.held.discard(shard)
        for shard in range(SHARDS):
            if len(self.held) < fair and shard not in self.held and await leases.take_shard(connection, shard):
                self.held.add(shard)
        return self.held
