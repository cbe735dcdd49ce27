"""Consumes one topic: FastStream reads batches of bytes, `Step` saves them, then outcomes are published and committed.

The service's database owns the offsets: on assignment, the consumer seeks to the offset up to which outcomes are
published. So a restored or emptied database catches up by itself, and records that a crash left saved but unpublished
are read again and their stored outcome is published. Batch n may be published and committed to Kafka while n + 1 is
saved, never the other way round.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import reduce
from operator import or_
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream._internal.endpoint.subscriber.utils import MultiLock
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from shared.contracts.access import consumer_group
from shared.contracts.topics import Topic
from shared.kafka.cloudevents import Outgoing
from shared.kafka.lag import Lag
from shared.kafka.producer import EventProducer
from shared.kafka.step import Step, StoppedError, next_offsets
from shared.kafka.storage import Partition
from shared.service.metrics import SAMPLED

_log = structlog.get_logger()
_REVOKE_SECONDS = 24  # less than rebalance_timeout_ms, after which the group continues without us


def payload_of(topic: Topic) -> type[Any]:
    """A type that passes records through unchanged, and shows the topic's event models in AsyncAPI."""

    class Payload:
        @classmethod
        def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
            return core_schema.any_schema()

        @classmethod
        def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
            if not topic.events:
                return {"type": "string", "format": "binary"}
            models: Any = reduce(or_, topic.events)
            return handler(TypeAdapter(models).core_schema)

    Payload.__name__ = Payload.__qualname__ = "".join(part.title() for part in re.findall(r"\w+", topic.name))
    return Payload


class _Revoked(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, consumer: "TopicConsumer") -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        await self._consumer.finish()

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        await self._consumer.seek(assigned)


class TopicConsumer:
    """Reads `topic` as a member of the service's group for it; one live process per replica name."""

    def __init__(
        self,
        broker: KafkaBroker,
        producer: EventProducer,
        step: Step,
        topic: Topic,
        *,
        prefix: str,
        service: str,
        replica: str,
        batch_records: int,
    ) -> None:
        self.topic = topic
        self._producer = producer
        self._step = step
        self._publishing: asyncio.Task[None] | None = None
        self._assigned = asyncio.Event()
        self.failure: BaseException | None = None
        self._settled: dict[Partition, int] = {}
        # The assignor keeps state on its class: members of other groups in this process must not share it.
        assignor = type("Assignor", (StickyPartitionAssignor,), {"member_assignment": None})
        self._name = prefix + topic.name
        group = consumer_group(prefix, service, topic)
        self._lag = Lag(step.metrics, group, self._name)
        step.metrics.know_topic(self._name)
        self._subscriber = broker.subscriber(
            self._name,
            batch=True,
            group_id=group,
            group_instance_id=f"{group}.{replica}",
            auto_offset_reset="earliest",
            partition_assignment_strategy=(assignor,),
            rebalance_timeout_ms=30_000,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=1_000,
            max_records=batch_records,
            batch_timeout_ms=50,
            listener=_Revoked(self),
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            parser=self._parse,
            decoder=self._records,
            title=topic.name,
            description=", ".join(model.__name__ for model in topic.events),
        )

        async def on_batch(records: Any) -> None:
            await self._take(records)

        on_batch.__annotations__["records"] = payload_of(topic)
        self._subscriber(on_batch)

    async def _parse(self, records: tuple[Any, ...]) -> KafkaAckableMessage:
        """Replaces FastStream's parser, which fails a whole batch for one header that is not UTF-8."""
        return KafkaAckableMessage(
            body=b"", headers={}, raw_message=records, consumer=self._subscriber.consumer, message_id=""
        )

    async def _records(self, message: KafkaAckableMessage) -> Any:
        return message.raw_message

    async def _take(self, records: Sequence[Any]) -> None:
        if self.failure is not None:
            return
        started = self._step.progressed_at = time.monotonic()
        try:
            settled, self._settled = self._settled, {}
            published = await self._step.take(records, settled)
            self._step.metrics.records.labels(self._name).inc(len(records))
            self._step.metrics.batches.labels(self._name).observe(len(records))
            self._step.metrics.steps.labels(self._name).observe(time.monotonic() - started)
            self._lag.read(records)
            await self._settle()
            self._publishing = asyncio.create_task(self._publish(published, records))
        except StoppedError:
            return
        except Exception as error:  # noqa: BLE001 -- FastStream would log it and skip unpublished events
            _log.exception("stops: cannot publish", topic=self._name)
            self.failure = error
        self._step.progressed_at = time.monotonic()

    async def _publish(self, events: Sequence[Outgoing], records: Sequence[Any]) -> None:
        metrics, offsets = self._step.metrics, next_offsets(records)
        try:
            with metrics.stages.labels(self._name, "publish").time():
                await self._producer.publish(events)
        except Exception as error:  # the process ends; after a restart it reads on from what is published for certain
            self.failure = error
            raise
        self._settled |= offsets
        latency, now = metrics.latency.labels(self._name), time.time()
        for record in records[:: -(-len(records) // SAMPLED)]:
            latency.observe(max(0.0, now - record.timestamp / 1000))
        consumer = self._subscriber.consumer
        if consumer is None:
            return
        try:
            with metrics.stages.labels(self._name, "commit").time():
                await consumer.commit({TopicPartition(*place): offset for place, offset in offsets.items()})
            metrics.commits.labels(self._name, "committed").inc()
        except (KafkaError, IllegalStateError) as error:
            # The partition went to another member, which seeks to the offset in the database: nothing is lost.
            metrics.commits.labels(self._name, "left").inc()
            _log.info("left offsets uncommitted", topic=self._name, error=type(error).__name__)

    async def _settle(self) -> None:
        """Waits until the previous batch is published and committed."""
        if self._publishing is not None:
            publishing, self._publishing = self._publishing, None
            await publishing

    async def finish(self) -> None:
        """Saves, publishes and commits the current batch; heartbeats continue meanwhile."""
        lock = self._subscriber.lock
        if isinstance(lock, MultiLock):
            await lock.wait_release(_REVOKE_SECONDS)
        await self._settle()
        settled, self._settled = self._settled, {}
        if settled:
            with suppress(StoppedError):
                await self._step.note_published(settled)

    async def seek(self, assigned: Sequence[TopicPartition]) -> None:
        """Seeks to the offsets in the database. Partitions are paused until then: a batch taken from the group's
        committed offset before the seek would move the stored offset past unread records."""
        consumer = self._subscriber.consumer
        offsets: dict[Partition, int] = {}
        if assigned and consumer is not None:
            consumer.pause(*assigned)
            stored = await self._step.stored_offsets([(place.topic, place.partition) for place in assigned])
            for place in assigned:
                offset = stored.get((place.topic, place.partition), 0)
                consumer.seek(place, offset)
                offsets[place.topic, place.partition] = offset
            consumer.resume(*assigned)
        self._lag.assigned(offsets, time.time())
        self._step.metrics.rebalances.labels(self._name).inc()
        self._assigned.set()
        _log.info("took partitions", topic=self._name, partitions=sorted(place.partition for place in assigned))

    @property
    def ready(self) -> bool:
        return self._assigned.is_set() and self.failure is None

    @property
    def progressed_at(self) -> float:
        """When a batch was last begun, or part of one saved or parked, on the clock of `time.monotonic`."""
        return self._step.progressed_at

    def lag(self) -> int:
        """Records not read yet in the assigned partitions, as of the last fetch."""
        consumer: Any = self._subscriber.consumer
        places = consumer.assignment() if consumer is not None else ()
        ends = {(place.topic, place.partition): consumer.highwater(place) for place in places}
        return self._lag.look({place: end for place, end in ends.items() if end is not None}, time.time())

    def dead(self) -> bool:
        """True if its consume task or its group membership ended, which aiokafka does not restart."""
        subscriber = self._subscriber
        coordinator = getattr(subscriber.consumer, "_coordinator", None)
        task = getattr(coordinator, "_coordination_task", None)
        return any(task.done() for task in subscriber.tasks) or (task is not None and task.done())

    async def restart(self) -> None:
        """Stops and starts the subscriber."""
        _log.error("restarts consumer", topic=self._name)
        await self._subscriber.stop()
        await self._subscriber.start()
