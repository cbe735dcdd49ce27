"""Whether Kafka still has what a backup's databases have read."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from firstbuy.backups.manifest import DatabasePart
from shared.kafka.storage import Partition
from shared.service.settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class Shorter:
    """A partition that ends before what a database has read of it."""

    topic: str
    partition: int
    end: int
    next_offset: int


async def shorter(kafka: KafkaSettings, parts: Sequence[DatabasePart]) -> list[Shorter]:
    """Partitions that end too early, those of missing topics among them. Raises KafkaError."""
    read: dict[Partition, int] = {}
    for part in parts:
        for place in part.read_to:
            key = (place.topic, place.partition)
            read[key] = max(read.get(key, 0), place.next_offset)
    ends = await _ends(kafka, sorted(read))
    return [
        Shorter(*place, ends.get(place, 0), next_offset)
        for place, next_offset in sorted(read.items())
        if ends.get(place, 0) < next_offset
    ]


async def _ends(kafka: KafkaSettings, places: Sequence[Partition]) -> dict[Partition, int]:
    """The ends of those partitions that exist."""
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    consumer = AIOKafkaConsumer(enable_auto_commit=False, **kafka.client_arguments())
    await admin.start()
    try:
        await consumer.start()
        try:
            described = await admin.describe_topics(sorted({topic for topic, _ in places}))
            exist = {(each["topic"], part["partition"]) for each in described for part in each["partitions"]}
            there = [TopicPartition(*place) for place in places if place in exist]
            consumer.assign(there)  # ends of partitions that are not assigned take 0.1 s each
            ends = await consumer.end_offsets(there) if there else {}
        finally:
            await consumer.stop()
    finally:
        await admin.close()
    return {(place.topic, place.partition): end for place, end in ends.items()}
