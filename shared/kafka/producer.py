"""Publishes the events of a service: idempotent, acks=all, whole batches to each partition."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
from aiokafka.partitioner import DefaultPartitioner

from shared.kafka.cloudevents import Outgoing, headers_of
from shared.service.settings import KafkaSettings
from shared.service.telemetry import Metrics

_log = structlog.get_logger()

LARGEST_BATCH = 1_000_000
"""Largest batch in bytes, before compression; brokers accept 1,048,588 by default."""


class EventTooLargeError(ValueError):
    """One event does not fit into the largest batch that a broker accepts."""

    code = "event-too-large"


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as it goes to the broker, whatever it says."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class EventProducer:
    """Publishes batches. Errors that are not retried here (out of order sequence, aiokafka #1017) are permanent: the
    process ends and is restarted. Partitions are chosen by aiokafka's own partitioner, so that keys stay where `send`
    would put them.

    An event larger than `LARGEST_BATCH` goes through a producer that is not idempotent: the broker may refuse it, and
    aiokafka does not take back the sequence number of a refused batch, so everything after it on that partition would
    be out of order.
    """

    def __init__(self, settings: KafkaSettings, source: str, prefix: str, metrics: Metrics) -> None:
        self._settings = settings
        self._source = source
        self._prefix = prefix
        self._metrics = metrics
        self._partitioner = DefaultPartitioner()
        self._producer: AIOKafkaProducer | None = None
        self._large: AIOKafkaProducer | None = None
        self._starts_large = asyncio.Lock()

    async def start(self) -> None:
        """Connects; waits while Kafka is down, since a client's start would raise at once."""
        self._producer = await self._started(idempotent=True)

    async def _started(self, *, idempotent: bool) -> AIOKafkaProducer:
        pause = 0.2
        while True:
            producer = AIOKafkaProducer(
                acks="all",
                enable_idempotence=idempotent,
                linger_ms=2,
                max_batch_size=LARGEST_BATCH,
                max_request_size=1 << 20,
                compression_type="lz4",
                **self._settings.client_arguments(),
            )
            try:
                await producer.start()
            except KafkaConnectionError as error:
                await producer.stop()
                _log.warning("waits for Kafka", error=self._settings.unreachable(error))
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 -- jitter
                pause = min(pause * 2, 5)
                continue
            return producer

    async def stop(self) -> None:
        """Stops within 10 s per producer: without a broker, aiokafka's own stop would hang."""
        for producer in (self._producer, self._large):
            if producer is not None:
                try:
                    await asyncio.wait_for(producer.stop(), 10)
                except TimeoutError:
                    _log.warning("left the producer unfinished", seconds=10)
        self._producer = self._large = None

    @property
    def ready(self) -> bool:
        return self._producer is not None

    async def publish(self, events: Sequence[Outgoing]) -> None:
        """Returns once the brokers have every event. Retries while they are unavailable; ids make repeats harmless.

        Raises EventTooLargeError.
        """
        pause = 0.2
        while events:
            try:
                await self._send(events)
            except (KafkaTimeoutError, KafkaConnectionError) as error:
                pause = await self._pause(len(events), error, pause)
            else:
                return

    async def publish_raw(self, topic: str, records: Sequence[RawRecord]) -> None:
        """Publishes raw records under a full topic name, for dead letters. Retries while brokers are unavailable: a
        record may be there twice."""
        pause = 0.2
        while True:
            try:
                if self._producer is None:
                    raise KafkaConnectionError("the producer is not started")
                sent = [
                    await self._producer.send(topic, record.value, key=record.key, headers=record.headers)
                    for record in records
                ]
                await _acknowledged(sent)
            except (KafkaTimeoutError, KafkaConnectionError) as error:
                pause = await self._pause(len(records), error, pause)
            else:
                return

    async def _pause(self, events: int, error: Exception, pause: float) -> float:
        _log.warning("retries publishing", events=events, error=str(error))
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 -- jitter
        return min(pause * 2, 5)

    async def _send(self, events: Sequence[Outgoing]) -> None:
        producer = self._producer
        if producer is None:
            raise KafkaConnectionError("the producer is not started")
        by_partition: dict[tuple[str, int], list[Outgoing]] = defaultdict(list)
        partitions: dict[str, list[int]] = {}
        for event in events:
            topic = self._prefix + event.topic
            if topic not in partitions:
                partitions[topic] = sorted(await producer.partitions_for(topic))
            ids = partitions[topic]
            by_partition[topic, self._partitioner(event.key.encode(), ids, ids)].append(event)
        sent: list[asyncio.Future[Any]] = []
        for (topic, partition), group in by_partition.items():
            for batch in self._batches(producer, group):
                if batch.size() > LARGEST_BATCH:
                    await _acknowledged(sent)  # keeps the order
                    large = await (await self._for_large()).send_batch(batch, topic, partition=partition)
                    await _acknowledged([large])
                else:
                    sent.append(await producer.send_batch(batch, topic, partition=partition))
            self._metrics.published.labels(topic).inc(len(group))
        await _acknowledged(sent)

    async def _for_large(self) -> AIOKafkaProducer:
        async with self._starts_large:
            if self._large is None:
                self._large = await self._started(idempotent=False)
            return self._large

    def _batches(self, producer: AIOKafkaProducer, events: Sequence[Outgoing]) -> list[Any]:
        """Batches of events in order. aiokafka's builder accepts its first event whatever its size."""
        batches = [producer.create_batch()]
        for event in events:
            if not self._append(batches[-1], event):
                batches.append(producer.create_batch())
                self._append(batches[-1], event)
        return batches

    def _append(self, batch: Any, event: Outgoing) -> bool:
        added = batch.append(
            key=event.key.encode(),
            value=event.body,
            timestamp=None,
            headers=headers_of(event, self._source),
        )
        return added is not None


async def _acknowledged(sent: Sequence[asyncio.Future[Any]]) -> None:
    for result in await asyncio.gather(*sent, return_exceptions=True):
        if isinstance(result, MessageSizeTooLargeError | RecordListTooLargeError):
            raise EventTooLargeError(str(result)) from result
        if isinstance(result, BaseException):
            raise result
