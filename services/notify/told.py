"""Nothing is sent, gathered or given up before notify knows what it has told: a database that lost it reads it on
deliveries.v1.

What was announced there is settled here again (`handlers.keep_told`). So, at the start, all that waits until the topic
has been read up to where it ended then: at once, but after a loss and at the first start of a version that reads it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from shared.kafka import storage
from shared.postgres import Pool, connected
from shared.runtime import Duty

_log = structlog.get_logger()
POLL_SECONDS: Final = 0.2


class Told:
    """Closed at first."""

    def __init__(self, make_consumer: Callable[[], Any], topic: str) -> None:
        """`topic` with its prefix."""
        self._make_consumer = make_consumer
        self._topic = topic
        self._opened = asyncio.Event()
        self._behind: int | None = None

    def missing(self) -> str | None:
        """For readiness."""
        if self._opened.is_set():
            return None
        return "not begun" if self._behind is None else f"{self._behind} deliveries behind what was told"

    def once_open(self, duty: Duty) -> Duty:
        """The duty, begun when it is known what was told."""

        async def gated() -> None:
            await self._opened.wait()
            await duty()

        return gated

    async def open(self, pool: Pool) -> None:
        """A duty: waits until what was told before the start is in the database; then there is nothing to do."""
        if self._opened.is_set():
            return
        try:
            ends = await self._ends()
        except KafkaError as error:
            _log.warning("waits for Kafka", duty="told", error=str(error))
            return
        while not self._opened.is_set():
            async with connected(pool) as connection:
                read = await storage.read_up_to(connection, self._topic)
            self._behind = sum(max(0, end - read.get((self._topic, partition), 0)) for partition, end in ends.items())
            if not self._behind:
                self._opened.set()
            else:
                await asyncio.sleep(POLL_SECONDS)

    async def _ends(self) -> dict[int, int]:
        """Of partitions that hold anything: all of it may have been deleted by age."""
        consumer = self._make_consumer()
        try:
            await consumer.start()
            await consumer.topics()
            places = [TopicPartition(self._topic, one) for one in consumer.partitions_for_topic(self._topic) or ()]
            consumer.assign(places)
            begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
            return {place.partition: end for place, end in ends.items() if end > begins[place]}
        finally:
            with suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(consumer.stop(), 10)
