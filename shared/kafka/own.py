"""Waits until a service has read back its own topic, before it publishes anything of that kind again.

An emptied or restored database has forgotten what the service published. A repeat must be identical, times included,
since one event id never means two things.
"""

import asyncio
from contextlib import suppress

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from shared.kafka.storage import Partition, read_up_to
from shared.service.postgres import Pool, connected
from shared.service.settings import KafkaSettings


class OwnTopic:
    """A topic that the service consumes, and mostly writes too. `name` has the deployment's prefix. Records deleted by
    retention are not waited for."""

    def __init__(self, kafka: KafkaSettings, name: str) -> None:
        self._kafka = kafka
        self._name = name
        self._ends: dict[Partition, int] | None = None

    async def read_back(self, pool: Pool) -> bool:
        """True once the service, in any replica, has saved everything that was there when this process first asked."""
        if self._ends is None:
            self._ends = await self._find_ends()
        if self._ends:
            async with connected(pool) as connection:
                read = await read_up_to(connection, self._name)
            self._ends = {place: end for place, end in self._ends.items() if read.get(place, 0) < end}
        return not self._ends

    async def _find_ends(self) -> dict[Partition, int]:
        consumer = AIOKafkaConsumer(self._name, enable_auto_commit=False, **self._kafka.client_arguments())
        try:
            await consumer.start()
            places = list(consumer.assignment())
            begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        finally:
            with suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(consumer.stop(), 10)
        return {(place.topic, place.partition): end for place, end in ends.items() if end > begins[place]}
