"""Writes records that nobody can read, and waits until they are behind each group: `python -m tests.ops.flood TOPIC
COUNT GROUP …`. Kafka is what the environment names.
"""

import asyncio
import sys
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.service.settings import KafkaSettings

MARK = [("ce_id", b"flood"), ("ce_type", b"kr.firstbuy.ApplicationSubmitted.v1")]


async def flood(topic: str, count: int) -> None:
    producer = AIOKafkaProducer(acks="all", linger_ms=20, **KafkaSettings().client_arguments())
    await producer.start()
    try:
        for start in range(0, count, 5000):
            numbers = range(start, min(start + 5000, count))
            key = [str(number).encode() for number in numbers]
            await asyncio.gather(*[await producer.send(topic, b"\x00", key=each, headers=MARK) for each in key])
    finally:
        await producer.stop()


async def waiting(topic: str, groups: Sequence[str]) -> dict[str, int]:
    """Records that each group has not committed yet."""
    arguments = KafkaSettings().client_arguments()
    consumer, admin = AIOKafkaConsumer(**arguments), AIOKafkaAdminClient(**arguments)
    await asyncio.gather(consumer.start(), admin.start())
    try:
        (described,) = await admin.describe_topics([topic])
        places = [TopicPartition(topic, each["partition"]) for each in described["partitions"]]
        ends = await consumer.end_offsets(places)
        left = {}
        for group in groups:
            done = await admin.list_consumer_group_offsets(group, partitions=places)
            left[group] = sum(end - max(0, done[place].offset) for place, end in ends.items())
        return left
    finally:
        await asyncio.gather(consumer.stop(), admin.close())


async def main(topic: str, count: int, groups: Sequence[str]) -> None:
    began = time.monotonic()
    await flood(topic, count)
    print(f"{count} written in {time.monotonic() - began:.0f} s")  # noqa: T201 -- a command of its own
    while any((left := await waiting(topic, groups)).values()):
        print(f"{time.monotonic() - began:.0f} s: {left}", flush=True)  # noqa: T201
        await asyncio.sleep(5)
    print(f"all behind {len(groups)} groups after {time.monotonic() - began:.0f} s")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
