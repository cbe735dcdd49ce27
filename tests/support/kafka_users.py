"""What a user of Kafka may do, found by trying."""

import asyncio
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    TopicAuthorizationFailedError,
    for_code,
)

from shared.service.settings import KafkaSettings

DENIED = (TopicAuthorizationFailedError, GroupAuthorizationFailedError)


async def logs_in(user: KafkaSettings) -> bool:
    admin = AIOKafkaAdminClient(**user.client_arguments())
    try:
        await admin.start()
    except KafkaConnectionError:
        return False
    finally:
        await admin.close()
    return True


async def may_write(user: KafkaSettings, topic: str, value: bytes = b"{}") -> bool:
    """As any client would, idempotently or not: one that may write nothing at all can't even begin idempotently."""
    producer = AIOKafkaProducer(acks="all", request_timeout_ms=5000, **user.client_arguments())
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=b"k")
    except TopicAuthorizationFailedError:
        return False
    finally:
        await producer.stop()
    return True


async def may_read(user: KafkaSettings, topic: str, group: str | None = None) -> bool:
    """Whether the first record of the topic's first partition is given to this user. There must be one."""
    consumer = AIOKafkaConsumer(
        group_id=group, enable_auto_commit=False, auto_offset_reset="earliest", **user.client_arguments()
    )
    await consumer.start()
    place = TopicPartition(topic, 0)
    try:
        consumer.assign([place])
        consumer.seek(place, 0)
        found = await consumer.getmany(place, timeout_ms=3000)
        if group is not None:
            await consumer.commit({place: 1})
    except DENIED:
        return False
    finally:
        with suppress(KafkaError, TimeoutError):
            await asyncio.wait_for(consumer.stop(), 5)
    return bool(found)


async def may_create(user: KafkaSettings, topic: str) -> bool:
    admin = AIOKafkaAdminClient(**user.client_arguments())
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(topic, 1, 1)])
    finally:
        await admin.close()
    (_, code, *_), *_ = answer.topic_errors
    assert code == 0 or "Authorization" in for_code(code).__name__
    return bool(code == 0)
