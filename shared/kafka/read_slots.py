"""Reads many one-partition topics fairly, without a group: each gets a read slot in turn, and its errors stay its own.

aiokafka serves what it fetched first until that is used up, and raises one topic's error to whoever asks for any topic.
So each topic is asked for by itself, for a bounded number of records. The fetcher's own list tells which have
something.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError, for_code
from aiokafka.protocol.fetch import FetchRequest

from shared.kafka.batches import Batch
from shared.kafka.unpacking import bound_unpacking

_log = structlog.get_logger()
_UNREADABLE: Final = (ValueError, CorruptRecordException)
"""What aiokafka's decoder raises for a bad batch: a fault of this topic only."""


@dataclass(frozen=True, slots=True)
class ReadSlot:
    """The records of one read slot. `next_offset` is further than the last record + 1 if control records follow."""

    records: Sequence[Any]
    next_offset: int


class SlotReader(Protocol):
    """Reads topics in slots, wherever their records come from."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def follow(self, offsets: Mapping[str, int]) -> None:
        """Reads exactly these topics from now on, each from its offset."""

    async def waiting(self, seconds: float, resting: Collection[str]) -> list[str]:
        """Topics with records or an error, without `resting` ones; waits up to `seconds` for the first."""

    async def take(self, topic: str, most: int) -> ReadSlot:
        """One read slot: at most `most` records. Raises a KafkaError only if it concerns this topic."""


class FairReader:
    """The slot reader on Kafka."""

    def __init__(self, arguments: Mapping[str, Any], fetch_bytes: int) -> None:
        """`arguments`: of an aiokafka client; `fetch_bytes`: most bytes fetched of one topic at a time."""
        bound_unpacking()
        self._fetch_bytes = fetch_bytes
        self._consumer = AIOKafkaConsumer(
            enable_auto_commit=False,
            max_partition_fetch_bytes=fetch_bytes,
            fetch_max_wait_ms=100,  # until then, topics that had something when the fetch began get no new fetch
            auto_offset_reset="none",  # reading on from elsewhere would skip records
            metadata_max_age_ms=30_000,
            **arguments,
        )
        self._at: dict[str, int] = {}
        self._salvaged: dict[str, deque[Any]] = {}

    async def start(self) -> None:
        await self._consumer.start()

    async def stop(self) -> None:
        with suppress(KafkaError, TimeoutError):
            await asyncio.wait_for(self._consumer.stop(), 10)

    def follow(self, offsets: Mapping[str, int]) -> None:
        self._at, self._salvaged = dict(offsets), {}
        places = {topic: TopicPartition(topic, 0) for topic in offsets}
        if not places:
            self._consumer.unsubscribe()
            return
        self._consumer.assign(list(places.values()))
        for topic, place in places.items():
            self._consumer.seek(place, offsets[topic])

    async def waiting(self, seconds: float, resting: Collection[str]) -> list[str]:
        fetcher = self._consumer._fetcher
        if not self._ready(resting):
            waiter = fetcher._create_fetch_waiter()
            await asyncio.wait([waiter], timeout=seconds)
            waiter.cancel()
        return self._ready(resting)

    def _ready(self, resting: Collection[str]) -> list[str]:
        fetched = (place.topic for place in self._consumer._fetcher._records)
        return [topic for topic in (*fetched, *self._salvaged) if topic in self._at and topic not in resting]

    async def take(self, topic: str, most: int) -> ReadSlot:
        """Up to `most` records of the topic; a batch that aiokafka cannot decode is decoded leniently."""
        place = TopicPartition(topic, 0)
        if topic not in self._salvaged:
            try:
                records = (await self._consumer.getmany(place, timeout_ms=0, max_records=most)).get(place, [])
            except _UNREADABLE as error:
                await self._salvage(place, error)
            else:
                return self._taken(topic, records, await self._consumer.position(place))
        left = self._salvaged[topic]
        records = [left.popleft() for _ in range(min(most, len(left)))]
        if left:
            return self._taken(topic, records, records[-1].offset + 1)
        del self._salvaged[topic]
        self._consumer.resume(place)
        return self._taken(topic, records, await self._consumer.position(place))

    def _taken(self, topic: str, records: Sequence[Any], next_offset: int) -> ReadSlot:
        self._at[topic] = next_offset
        return ReadSlot(records, next_offset)

    async def _salvage(self, place: TopicPartition, error: Exception) -> None:
        """Fetches again a batch that the consumer can't decode, and decodes it leniently. The consumer continues after
        it; records it may have skipped before the bad one are read here."""
        at = self._at[place.topic]
        batch = Batch.first(await self._fetched(place, at))
        records = await asyncio.to_thread(lambda: [record for record in batch.records() if record.offset >= at])
        _log.warning("reads batch leniently", topic=place.topic, offset=at, records=len(records), error=str(error))
        self._salvaged[place.topic] = deque(records)
        self._consumer.seek(place, batch.next_offset)
        self._consumer.pause(place)

    async def _fetched(self, place: TopicPartition, offset: int) -> bytes:
        client = self._consumer._client
        wanted = [(place.topic, [(place.partition, offset, self._fetch_bytes)])]
        request = FetchRequest(100, 1, self._fetch_bytes, 0, wanted)
        answer = await client.send(client.cluster.leader_for_partition(place), request)
        if not answer.topics:
            raise KafkaError(f"an empty answer about {place.topic}")
        (_, ((_, code, *rest),)), *_ = answer.topics
        if code:
            raise for_code(code)(place.topic)
        fetched: bytes = bytes(rest[-1])
        return fetched
