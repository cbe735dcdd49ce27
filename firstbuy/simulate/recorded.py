"""What is recorded of a round, read from its topics as an auditor reads them: no group, from the beginning, to where
each partition ended when the reading began."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError
from pydantic import TypeAdapter

from shared.contracts import topics
from shared.contracts.events import EpochOpened, RoundFrozen, RoundOpened
from shared.contracts.topics import Topic
from shared.kafka.cloudevents import type_name
from shared.service.settings import KafkaSettings

_WAITS_SECONDS: Final = 30.0
"""With nothing read for so long, Kafka is taken to be away."""
_STOP_SECONDS: Final = 10.0
Take = Callable[[str, bytes], None]


class NotReadableError(Exception):
    """Kafka does not answer, or has no such topic."""

    code = "kafka-not-readable"


class UnknownRoundError(Exception):
    """No such round was opened."""

    code = "unknown-round"


@dataclass(slots=True)
class RecordedRound:
    """Of the round's RoundOpened; `frozen` counts the manifest of its newest `epoch`, whenever that came."""

    opened: RoundOpened | None = None
    frozen: int | None = None
    epoch: int = 0


async def recorded_round(kafka: KafkaSettings, prefix: str, round_id: str) -> tuple[RoundOpened, int | None]:
    """The round's opening, and how many applications its newest manifest counts. Raises UnknownRoundError."""
    found, seen = RecordedRound(), set[str]()
    readers: dict[str, TypeAdapter[Any]] = {
        model.__name__: TypeAdapter(model) for model in (RoundOpened, RoundFrozen, EpochOpened)
    }

    def take(kind: str, value: bytes) -> None:
        if kind not in readers:
            return
        event = readers[kind].validate_json(value)
        if isinstance(event, RoundOpened):
            seen.add(event.round)
        if event.round != round_id:
            return
        if isinstance(event, RoundOpened):
            found.opened = event
        elif event.epoch >= found.epoch:
            found.epoch, found.frozen = event.epoch, event.applications.count

    await read_topic(kafka, prefix, topics.ROUNDS, take, lambda: None)
    if found.opened is None:
        known = ", ".join(sorted(seen)) or "none"
        raise UnknownRoundError(f"no round {round_id} was opened; those recorded are: {known}")
    return found.opened, found.frozen


async def read_topic(kafka: KafkaSettings, prefix: str, topic: Topic, take: Take, settle: Callable[[], None]) -> None:
    """`settle` is called when no further version of what was taken can come: after each partition, since a key has one;
    at the end only, where partitions were added and a key may have had two."""
    name = prefix + topic.name
    try:
        places = await _places(kafka, name)
        consumer = AIOKafkaConsumer(
            enable_auto_commit=False, auto_offset_reset="earliest", max_partition_fetch_bytes=2**20,
            **kafka.client_arguments(),
        )  # fmt: skip
        try:
            await consumer.start()
            ends = await consumer.end_offsets(places)
            for place in places:
                await _read(consumer, place, ends[place], take)
                if len(places) == topic.partitions:
                    settle()
        finally:
            await _stopped(consumer)
    except (KafkaError, TimeoutError) as error:
        told = f"Kafka at {kafka.bootstrap_servers}: {error or type(error).__name__}"
        raise NotReadableError(kafka.unreachable(error) if isinstance(error, KafkaConnectionError) else told) from error
    if len(places) != topic.partitions:
        settle()


async def _places(kafka: KafkaSettings, name: str) -> list[TopicPartition]:
    plain: dict[str, Any] = {"enable_auto_commit": False, **kafka.client_arguments()}
    consumer = AIOKafkaConsumer(**plain)
    try:
        await consumer.start()
        if name not in await consumer.topics():
            where = kafka.bootstrap_servers
            raise NotReadableError(
                f"Kafka at {where} has no topic {name}, or none that may be read: is the prefix right?"
            )
    finally:
        await _stopped(consumer)
    consumer = AIOKafkaConsumer(name, **plain)
    try:
        await consumer.start()
        return sorted(consumer.assignment())
    finally:
        await _stopped(consumer)


async def _read(consumer: Any, place: TopicPartition, end: int, take: Take) -> None:
    consumer.assign([place])
    await asyncio.wait_for(consumer.seek_to_beginning(place), _WAITS_SECONDS)
    loop = asyncio.get_running_loop()
    waits_until = loop.time() + _WAITS_SECONDS
    while await consumer.position(place) < end:
        batches = await consumer.getmany(place, timeout_ms=500, max_records=1000)
        for record in batches.get(place, ()):
            if record.offset < end and record.value is not None:
                take(type_name(dict(record.headers).get("ce_type", b"").decode(errors="replace")), record.value)
        if batches:
            waits_until = loop.time() + _WAITS_SECONDS
        elif loop.time() > waits_until:
            raise NotReadableError(
                f"{place.topic}, partition {place.partition}: nothing came for {_WAITS_SECONDS:.0f} s"
            )


async def _stopped(consumer: Any) -> None:
    with suppress(KafkaError, TimeoutError):
        await asyncio.wait_for(consumer.stop(), _STOP_SECONDS)
