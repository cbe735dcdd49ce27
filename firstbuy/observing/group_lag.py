"""What each consumer group has not read, asked of Kafka itself: right also while a service is down."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.contracts.topics import CONSUMED
from shared.service.settings import KafkaSettings

_LOOK_MS = 2000


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """`seconds`: the age of the oldest record not read; None where it can't be seen."""

    service: str
    group: str
    topic: str
    partition: int
    records: int
    seconds: float | None


async def group_lag(kafka: KafkaSettings, prefix: str, services: Sequence[str]) -> list[PartitionLag]:
    """The lag of each group by partition. A group that never committed has all before it."""
    groups = [
        (service, f"{prefix}{service}.{topic.name}", prefix + topic.name)
        for service in services
        for topic in CONSUMED[service]
    ]
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    consumer = AIOKafkaConsumer(enable_auto_commit=False, auto_offset_reset="earliest", **kafka.client_arguments())
    await admin.start()
    try:
        await consumer.start()
        try:
            committed = {group: await admin.list_consumer_group_offsets(group) for _, group, _ in groups}
            places = await _places(admin, sorted({topic for _, _, topic in groups}))
            consumer.assign([place for found in places.values() for place in found])
            begins = await consumer.beginning_offsets(list(consumer.assignment()))
            ends = await consumer.end_offsets(list(consumer.assignment()))
            found = []
            for service, group, topic in groups:
                for place in places[topic]:
                    known = committed[group].get(place)
                    at = max(begins[place], known.offset if known is not None else 0)
                    behind = max(0, ends[place] - at)
                    seconds = await _age(consumer, place, at) if behind else 0.0
                    found.append(PartitionLag(service, group, topic, place.partition, behind, seconds))
            return found
        finally:
            await consumer.stop()
    finally:
        await admin.close()


async def _places(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> Mapping[str, list[TopicPartition]]:
    described = await admin.describe_topics(list(topics))
    return {
        each["topic"]: sorted(TopicPartition(each["topic"], part["partition"]) for part in each["partitions"])
        for each in described
    }


async def _age(consumer: AIOKafkaConsumer, place: TopicPartition, offset: int) -> float | None:
    """Seconds since the first record from this offset on was appended."""
    consumer.seek(place, offset)
    records = await consumer.getmany(place, timeout_ms=_LOOK_MS, max_records=1)
    stamps = [record.timestamp for found in records.values() for record in found]
    return max(0.0, time.time() - stamps[0] / 1000) if stamps else None
