"""Takes a parked record again: reads it where it stands on its topic, and handles it as its consumer would have.

Handlers take records repeated and in any order, as after a restore, so an old record undoes nothing newer. Contacts are
left out: their topic says of an erasure only that it came later.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.contracts.topics import CONTACTS
from shared.kafka.cloudevents import Outgoing
from shared.kafka.records import Decoder
from shared.kafka.step import Handler
from shared.kafka.storage import Partition
from shared.service.postgres import Connection
from shared.service.settings import KafkaSettings

_SECONDS: Final = 10.0


class Redrive:
    """The topics of a service's consumers, by their full names."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._taken: dict[str, tuple[Decoder, Handler]] = {}

    def add(self, topic: str, decoder: Decoder, handle: Handler) -> None:
        """Makes records of a topic known."""
        if not topic.endswith(CONTACTS.name):
            self._taken[topic] = decoder, handle

    def takes(self, topic: str) -> bool:
        """Whether records of the topic can be taken again."""
        return topic in self._taken

    async def fetch(self, place: Partition, offset: int) -> Any | None:
        """The record, or None if the topic no longer has it. Raises KafkaError, TimeoutError."""
        where = TopicPartition(*place)
        consumer = AIOKafkaConsumer(enable_auto_commit=False, **self._kafka.client_arguments())
        try:
            async with asyncio.timeout(_SECONDS):
                await consumer.start()
                consumer.assign([where])
                begins, ends = await consumer.beginning_offsets([where]), await consumer.end_offsets([where])
                if not begins[where] <= offset < ends[where]:
                    return None
                consumer.seek(where, offset)
                record = await consumer.getone(where)  # the next one, if compaction took this
                return record if record.offset == offset else None
        finally:
            with suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(consumer.stop(), _SECONDS)

    async def take(self, connection: Connection, record: Any) -> Sequence[Outgoing]:
        """Handles the record in the caller's transaction; returns what to publish. Raises what made it fail."""
        decoder, handle = self._taken[record.topic]
        event = decoder.decode(record)
        return await handle(connection, [event]) if event is not None else ()
